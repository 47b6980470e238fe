"""A network of texts that takes no time."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="fsl_keras_tests")
class HashedWords(keras.layers.Layer):
    """Counts the words of texts `[B]` by the remainder of their hash, `[B, size]`."""

    def __init__(self, size=8, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, texts):
        words = tf.strings.split(texts)
        numbers = tf.strings.to_hash_bucket_fast(words.values, self.size)
        return tf.math.unsorted_segment_sum(
            tf.one_hot(numbers, self.size), words.value_rowids(), words.nrows()
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.size)

    def compute_output_spec(self, texts):
        return keras.KerasTensor((*texts.shape, self.size), "float32")

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def counts_of_words(size=8):
    """A backbone of texts without weights."""
    texts = keras.Input((), dtype="string")
    return keras.Model(texts, HashedWords(size)(texts))
