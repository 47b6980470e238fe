"""Reading Datasets without the tuner of tf.data; see docs/tf-data-autotune.md."""

import functools
import inspect
from typing import Any

import keras
import tensorflow as tf

from fsl_keras.imports.backend import check_can_train

# Attributes that code sets on a Dataset, which a derived Dataset lacks.
ATTRIBUTES = ("class_names", "file_paths", "part", "protocol")

DATASETS = (tf.data.Dataset, tf.distribute.DistributedDataset)

_FIT = inspect.signature(keras.Model.fit)


def untuned(data: Any) -> Any:
    """Returns a Dataset with the tuner of tf.data switched off.

    A call that reads a tuned Dataset may not return before its tuner wakes up, after
    0.01, 0.03, 0.07, ... 0.63, 1.27, 2.55, ... seconds. Parallel calls and prefetching
    with `tf.data.AUTOTUNE` still work, with one call for each processor core.

    Args:
        data: any object. Objects other than a `tf.data.Dataset`, and Datasets that
            have options for their tuner, are returned unchanged.

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
    """Mixin of Keras models that switches off the tuner of the Datasets they read.

    `fit` does not shuffle a Dataset, of which Keras would warn. It builds the optimizer
    first, so that the first step is traced once.
    """

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        check_can_train(self)
        given = _FIT.bind(self, *args, **kwargs).arguments
        for name in given.keys() & {"x", "validation_data"}:
            given[name] = self._read(given[name])
        if isinstance(given.get("x"), DATASETS):
            given.setdefault("shuffle", False)
        del given["self"]
        optimizer = self.optimizer
        if self.built and optimizer is not None and not optimizer.built:
            # A step that makes variables is traced twice.
            with self.distribute_strategy.scope():
                optimizer.build(self.trainable_variables)
        return super().fit(**given)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, x=None, *args, **kwargs):
        check_can_train(self)
        return super().evaluate(self._read(x), *args, **kwargs)

    @functools.wraps(keras.Model.predict)
    def predict(self, x, *args, **kwargs):
        return super().predict(untuned(x), *args, **kwargs)

    def _read(self, data):
        """Returns data as `fit` and `evaluate` read them."""
        return untuned(data)
