"""Reading Datasets without TensorFlow's tuner; see docs/tf-data-autotune.md."""

import functools
import inspect

import keras
import tensorflow as tf

# What people put on a Dataset beside its elements.
ATTRIBUTES = ("class_names", "file_paths", "protocol")

_FIT = inspect.signature(keras.Model.fit)


def untuned(data):
    """Returns a Dataset that the tuner of tf.data leaves alone.

    A call that reads a tuned Dataset may not return before its tuner wakes, which it
    does after 0.01, 0.03, 0.07, ... 0.63, 1.27, 2.55, ... seconds. Parallel calls and
    prefetching with `tf.data.AUTOTUNE` stay: the calls are then as many as processor
    cores.

    Args:
        data: any object. What is not a `tf.data.Dataset`, or has options for its tuner
            already, is returned as it is.

    Example:

    >>> data = untuned(tf.data.Dataset.range(3))
    >>> data.options().autotune.enabled
    False
    """
    if not isinstance(data, tf.data.Dataset):
        return data
    if data.options().autotune != tf.data.Options().autotune:
        return data
    options = tf.data.Options()
    options.autotune.enabled = False
    plain = data.with_options(options)
    for name in ATTRIBUTES:
        if hasattr(data, name):
            setattr(plain, name, getattr(data, name))
    return plain


class ReadsUntuned:
    """Mixed into a Keras model: it reads Datasets as `untuned` returns them.

    A Dataset comes in its own order, so `fit` asks for no shuffling of one, of which
    Keras would warn.
    """

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        given = _FIT.bind(self, *args, **kwargs).arguments
        for name in given.keys() & {"x", "validation_data"}:
            given[name] = untuned(given[name])
        if isinstance(given.get("x"), tf.data.Dataset):
            given.setdefault("shuffle", False)
        del given["self"]
        return super().fit(**given)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, x=None, *args, **kwargs):
        return super().evaluate(untuned(x), *args, **kwargs)

    @functools.wraps(keras.Model.predict)
    def predict(self, x, *args, **kwargs):
        return super().predict(untuned(x), *args, **kwargs)
