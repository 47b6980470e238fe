"""Types that annotations of this package name."""

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

# TensorFlow and Keras carry no types: these names tell readers what is meant, and a
# checker takes anything.
Tensor: TypeAlias = Any  # a tensor of the backend, or an array that converts to one
Nested: TypeAlias = Any  # tensors in dictionaries, tuples and lists
Dataset: TypeAlias = Any  # a `tf.data.Dataset`
Model: TypeAlias = Any  # a `keras.Model`

EpisodeBatch: TypeAlias = Mapping[str, Tensor]  # "support", "support_labels", "query"
Shape: TypeAlias = tuple[int | None, ...]
Path: TypeAlias = str | os.PathLike[str]
