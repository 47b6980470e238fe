"""Export of a learner itself, which learns tasks and answers queries on a device."""

import numbers
from typing import Any

import tensorflow as tf
from keras.export import ExportArchive

from fsl_keras.classifier.exporting import check_target
from fsl_keras.classifier.exporting.endpoints import check_precision, converting
from fsl_keras.classifier.exporting.litert import of_one_shape
from fsl_keras.files import replacing
from fsl_keras.files.outputs import LITERT, SAVED_MODEL
from fsl_keras.files.temporary import TemporaryFolder
from fsl_keras.heads.inverse import inverses_by_products
from fsl_keras.typing import EpisodeBatch, Model, Path, Tensor

FORMATS = ("tf_saved_model", "litert")


def episode_signature(
    learner: Model,
    ways: int | None = None,
    shots: int | None = None,
    queries: int | None = None,
    tasks: int | None = None,
) -> dict[str, tf.TensorSpec]:
    """Returns the shapes and dtypes of an episode batch, by name.

    Args:
        learner: a learner.
        ways: optional integer, the number of classes; None for any.
        shots: optional integer, the number of support items per class. With None, or
            without `ways`, the support set is of any size.
        queries: optional integer, the number of queries.
        tasks: optional integer, the number of tasks.

    Example:

    >>> import fsl_keras as fsl
    >>> learner = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> episode_signature(learner, ways=5, shots=2)["support"].shape
    TensorShape([None, 10, 28, 28, 1])
    """
    size = ways * shots if ways and shots else None

    def items(count, name):
        shape = (tasks, count, *learner.item_shape)
        return tf.TensorSpec(shape, learner.item_dtype, name)

    return {
        "support": items(size, "support"),
        "support_labels": tf.TensorSpec(
            (tasks, size, ways), "float32", "support_labels"
        ),
        "query": items(queries, "query"),
    }


def export_learner(
    learner: Model,
    filepath: Path,
    format: str = "tf_saved_model",
    ways: int | None = None,
    shots: int | None = None,
    queries: int | None = None,
) -> None:
    """Writes a learner in one of `FORMATS`; see `EpisodicModel.export`.

    Args:
        learner: a learner.
        filepath: path of the folder or file to write; an existing one is replaced.
        format: `"tf_saved_model"` or `"litert"`.
        ways: optional integer, the number of classes.
        shots: optional integer, the number of support items per class.
        queries: optional integer, the number of queries.

    Raises:
        ValueError: if the suffix belongs to another format, a number is missing or
            below 1, or the learner cannot be written in the format.
    """
    check_target(filepath, format)
    for name, value in {"ways": ways, "shots": shots, "queries": queries}.items():
        is_count = isinstance(value, numbers.Integral) and value >= 1
        if value is not None and not is_count:
            raise ValueError(
                f"`{name}` must be an integer of at least 1, or None. Received: "
                f"{name}={value!r}"
            )
    if format == "litert":
        _export_litert(learner, filepath, ways, shots, queries)
        return
    signature = episode_signature(learner, ways, shots, queries)
    with replacing(filepath, SAVED_MODEL) as temporary:
        _write(learner, temporary, _answers_of(learner), signature)


def _export_litert(learner, filepath, ways, shots, queries):
    if learner.item_dtype == "string":
        raise ValueError(
            "LiteRT files take numbers, and this learner takes strings: export it with "
            'format="tf_saved_model", or adapt it to features.'
        )
    if ways is None or shots is None:
        raise ValueError(
            "A LiteRT file has one size: provide `ways` and `shots`, the most classes "
            "and the most support items per class that it will take. Fewer are padded, "
            f"see `export`. Received: ways={ways!r}, shots={shots!r}"
        )
    check_precision(learner)
    answer = _answers_of(learner)

    def serve(episode):
        with inverses_by_products():
            return answer({name: of_one_shape(x) for name, x in episode.items()})

    signature = episode_signature(learner, ways, shots, queries or 1, tasks=1)
    with TemporaryFolder("litert") as folder:
        _write(learner, folder, serve, signature)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        with converting("litert"):
            content = converter.convert()
    with replacing(filepath, LITERT) as temporary:
        temporary.write_bytes(content)


def _answers_of(learner):
    """Returns the function of the endpoint."""

    def serve(episode: EpisodeBatch) -> dict[str, Tensor]:
        return {"logits": learner(episode, training=False)}

    return serve


def _write(learner: Model, folder: Any, serve: Any, signature: dict) -> None:
    archive = ExportArchive()
    archive.track(learner)
    archive.add_endpoint("serve", serve, [signature])
    archive.write_out(str(folder), verbose=False)
