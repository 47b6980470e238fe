"""How a classifier holds and searches very many classes."""

import pathlib
import warnings

import numpy as np

from fsl_keras.classifier.class_index import DTYPES, ClassIndex
from fsl_keras.classifier.knows_classes import KnowsClasses
from fsl_keras.classifier.quantized_rows import LARGEST
from fsl_keras.classifier.task_weights import AT_A_TIME
from fsl_keras.progress import Progress

# The name of the file of the index among the assets of a `.keras` file.
INDEX = "classes.usearch"


class HoldsManyClasses(KnowsClasses):
    """Mixin of a classifier of very many classes: small numbers, and an index."""

    def quantize_classes(self, mode: str = "int8") -> None:
        """Stores the prototypes of the classes in 16 or 8 bits.

        Each prototype is divided by its largest number and rounded. Classes that are
        added later are stored alike, and a `.keras` file too. The network stays as it
        is, unlike with `keras.Model.quantize`, and so do exported files, which have
        float32 numbers. docs/measurements.md has what it costs in accuracy.

        Args:
            mode: `"float16"` or `"int8"`.

        Raises:
            ValueError: if the mode is unknown, the classifier is quantized already, or
                the head does not compare queries with prototypes.

        Example:

        >>> import numpy as np, fsl_keras as fsl
        >>> model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
        >>> images = np.eye(28)[None].repeat(2, 0) * np.array([0.5, 1])[:, None, None]
        >>> classifier = model.adapt(images, ["gray", "white"])
        >>> classifier.quantize_classes("float16")
        >>> [p.class_name for p in classifier.predict_classes(images, top=1)]
        ['gray', 'white']
        """
        if mode not in LARGEST:
            raise ValueError(
                f"`mode` must be one of {list(LARGEST)}. Received: mode={mode!r}"
            )
        with self._snapshots.changing():
            if self.task.quantization is not None:
                raise ValueError(
                    f"The classifier is quantized to {self.task.quantization!r} "
                    f"already, and its prototypes have no more digits. Quantize one "
                    f"that is not."
                )
            _search_metric(self.learner, "quantize_classes")
            self.know_quantized(mode)

    @property
    def index(self) -> ClassIndex | None:
        """The index by which `predict_classes(..., top=k)` finds classes, or None."""
        return self._snapshots.current.index

    def build_index(
        self,
        dtype: str = "bfloat16",
        connectivity: int = 16,
        expansion_add: int = 128,
        expansion_search: int = 128,
        verbose: int = 0,
    ) -> None:
        """Builds an index, so that `top` classes are found without comparing all.

        `predict_classes(images, top=k)` then finds the most probable classes by a graph
        of near neighbors of the package usearch (`pip install "fsl-keras[index]"`),
        which misses some. The logits of those found are exact, and the probabilities
        are exact but for an estimate of the sum over the classes not found. All else,
        such as `predict`, compares all classes as before.

        Classes that are added later are added to the index, and a `.keras` file has it.
        Other changes, such as `update` and `remove_class`, remove the index; build it
        again after them. It holds a copy of the prototypes.

        Args:
            dtype: `"float32"`, `"float16"`, `"bfloat16"` or `"int8"`, of the copy.
                `"int8"` is for cosine similarities alone.
            connectivity: integer, the number of neighbors of a class. More find more,
                and take more memory.
            expansion_add: integer, the number of candidates when a class is added. More
                find more, and take longer to build.
            expansion_search: integer, the number of candidates of a search. More find
                more, and take longer to search.
            verbose: 0 or 1, whether to show a progress bar.

        Raises:
            ImportError: if usearch is not installed.
            ValueError: if the head does not compare queries with prototypes, or the
                dtype is unknown.
        """
        with self._snapshots.changing():
            metric = _search_metric(self.learner, "build_index")
            if dtype not in DTYPES or (dtype == "int8" and metric != "cosine"):
                raise ValueError(
                    f"`dtype` must be one of {list(DTYPES)}, and 'int8' is for cosine "
                    f"similarities alone. Received: dtype={dtype!r}, with {metric!r}"
                )
            rows = self.task.rows_of_state["prototypes"]
            names = self._snapshots.current.class_names
            dimensions = self.learner.embedding_shape[-1]
            index = ClassIndex(
                dimensions, metric, dtype, connectivity, expansion_add, expansion_search
            )
            with Progress(len(names), "classes", verbose) as progress:
                for start in range(0, len(names), AT_A_TIME):
                    end = min(start + AT_A_TIME, len(names))
                    index.add(start, np.asarray(rows.gather(np.arange(start, end))))
                    progress.update(end)
            self._now_knows(names, index)

    def remove_index(self) -> None:
        """Removes the index: `predict_classes` compares all classes again."""
        with self._snapshots.changing():
            self._now_knows(self._snapshots.current.class_names)

    def save_assets(self, folder: str) -> None:
        """Writes the index, for a `.keras` file."""
        if self.index is not None:
            self.index.save(pathlib.Path(folder, INDEX))

    def load_assets(self, folder: str | None) -> None:
        """Reads the index of a `.keras` file, if it has one."""
        path = pathlib.Path(folder or "", INDEX)
        if folder is None or not path.exists():
            return
        try:
            index = ClassIndex.load(path)
        except ImportError as error:
            warnings.warn(
                f"The classifier is loaded without its index, and `predict_classes` "
                f"compares all classes. {error}",
                stacklevel=2,
            )
            return
        # The weights are loaded next.
        self._index_of_file = index


def _search_metric(learner, method):
    head = getattr(learner, "head", learner)
    metric = getattr(head, "search_metric", None)
    if metric is None:
        raise ValueError(
            f"`{method}` needs a head that compares queries with prototypes, such as "
            f"`fsl_keras.heads.PrototypeHead`. Received: {type(head).__name__}"
        )
    return metric
