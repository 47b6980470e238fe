"""Training runs: a folder that holds everything a run made, and can be resumed."""

import dataclasses
import json
import pathlib

import keras
import numpy as np

from fsl_keras import datasets, pictures, plots
from fsl_keras.backbones import Conv4
from fsl_keras.evaluation import evaluate
from fsl_keras.files import replacing
from fsl_keras.layers.augmentation import RandomAffine
from fsl_keras.models import PrototypicalNetwork


@dataclasses.dataclass(frozen=True)
class Options:
    """What a training run does; `for_dataset` gives the ones that suit a data set.

    Args:
        dataset: string, a name that `datasets.load` takes.
        data_dir: optional string, where the data lies.
        train_split: string, the classes to train on. With `"trainval"` the
            validation classes are trained on too, and tell nothing of unseen ones.
        ways: integer, classes of a training episode.
        shots: integer, support examples of a class.
        queries: integer, queries of a class.
        steps: integer, training episodes.
        steps_per_epoch: integer, training episodes between two validations; a
            checkpoint is written after each.
        learning_rate: float, Adam's at the first step; it falls to 0 as a cosine.
        filters: integer, channels of the Conv-4 backbone.
        augment: bool, whether training pictures are turned, zoomed, sheared and
            shifted at random (`layers.augmentation.RandomAffine`).
        distance: `"squared_euclidean"` or `"cosine"`.
        seed: integer, of weights and episodes.
        tests: pairs `(ways, shots)` of the test episodes.
        test_episodes: integer, episodes of each test.
    """

    dataset: str = "glyphs"
    data_dir: str | None = None
    train_split: str = "train"
    ways: int = 60
    shots: int = 1
    queries: int = 5
    steps: int = 800
    steps_per_epoch: int = 100
    learning_rate: float = 2e-3
    filters: int = 64
    augment: bool = True
    distance: str = "squared_euclidean"
    seed: int = 0
    tests: tuple = ((5, 1), (5, 5))
    test_episodes: int = 600

    def __post_init__(self):
        for name in ("ways", "shots", "queries", "steps", "steps_per_epoch", "filters"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, not {getattr(self, name)}."
                )
        if self.steps % self.steps_per_epoch:
            raise ValueError(
                f"steps must be a multiple of steps_per_epoch, so that epochs are "
                f"whole: {self.steps} is none of {self.steps_per_epoch}."
            )

    @classmethod
    def for_dataset(cls, dataset, **changes):
        """Returns the options that suit a data set, with some changed."""
        return cls(**{"dataset": dataset, **SUITED.get(dataset, {}), **changes})


# What differs from the defaults; how it was chosen is told in docs/results.md.
SUITED = {
    "omniglot": {
        "train_split": "trainval",
        "steps": 4500,
        "steps_per_epoch": 300,
        "tests": ((5, 1), (5, 5), (20, 1)),
        "test_episodes": 1000,
    },
    "mini_imagenet": {"ways": 30, "queries": 15, "steps": 4000},
}

# Queries of each class in test and validation episodes.
TEST_QUERIES = 15
VALIDATION_EPISODES = 100
PICTURED_WAYS, PICTURED_SHOTS, PICTURED_QUERIES = 5, 5, 30
PICTURED_CLASSES = 8


class Run:
    """A training run in a folder of its own.

    Args:
        folder: path of the folder.
        options: `Options`.
    """

    def __init__(self, folder, options):
        self.folder = pathlib.Path(folder)
        self.options = options

    @classmethod
    def start(cls, folder, options):
        """Begins a run in a new folder, which is made when training begins.

        Raises:
            FileExistsError: if the folder is there already.
        """
        if pathlib.Path(folder).exists():
            raise FileExistsError(
                f"The folder {folder} exists. Continue its run with --resume, or name "
                f"another with --output."
            )
        return cls(folder, options)

    @classmethod
    def resume(cls, folder, changes):
        """Returns the run of a folder, to be continued.

        Args:
            folder: path.
            changes: dictionary of options that were asked for; they must be those
                the run began with.

        Raises:
            FileNotFoundError: if the folder holds no run.
            ValueError: if an option differs.
        """
        path = pathlib.Path(folder) / "options.json"
        if not path.exists():
            raise FileNotFoundError(f"The folder {folder} holds no run to resume.")
        stored = json.loads(path.read_text())
        stored["tests"] = tuple(tuple(test) for test in stored["tests"])
        differing = [name for name, value in changes.items() if stored[name] != value]
        if differing:
            raise ValueError(
                f"The run in {folder} began with other values of {differing}. Leave "
                f"them out, or begin a new run in another folder."
            )
        return cls(folder, Options(**stored))

    def train(self, callbacks=()):
        """Trains, or trains on, from the last checkpoint to the last step.

        Training episodes are numbered through the run, so a run that was killed and
        resumed sees the episodes of one that was not.

        Args:
            callbacks: list of Keras callbacks.

        Returns:
            The trained model.
        """
        options = self.options
        train = self._load(options.train_split)
        validation = self._load("validation").episodes(
            5, 1, TEST_QUERIES, seed=options.seed + 1, count=VALIDATION_EPISODES
        )
        model = self._model(train.item_shape)
        done = int(model.optimizer.iterations.numpy()) // options.steps_per_epoch
        epochs = options.steps // options.steps_per_epoch
        episodes = train.episodes(
            options.ways,
            options.shots,
            options.queries,
            seed=options.seed,
            start=done * options.steps_per_epoch,
            augmentation=RandomAffine() if options.augment else None,
        )
        # Only now, so that a mistake in the options leaves no folder behind.
        _write_json(self.folder / "options.json", dataclasses.asdict(options))
        if done < epochs:
            model.fit(
                episodes,
                steps_per_epoch=options.steps_per_epoch,
                initial_epoch=done,
                epochs=epochs,
                shuffle=False,
                validation_data=validation,
                verbose=0,
                callbacks=[_Checkpoint(self.folder, done), *callbacks],
            )
        return model

    def report(self, model):
        """Tests a trained model on unseen classes, and writes what the run leaves.

        Args:
            model: the trained model.

        Returns:
            A list of `EpisodeReport`, one a test.
        """
        options = self.options
        test = self._load("test")
        training_classes = self._load(options.train_split).class_names
        reports = []
        for ways, shots in options.tests:
            episodes = test.episodes(
                ways,
                shots,
                TEST_QUERIES,
                seed=options.seed + 2,
                count=options.test_episodes,
            )
            name = f"{options.dataset} Conv4-{options.filters}"
            reports.append(evaluate(model, episodes, name, training_classes))
        content = [
            {"accuracy": r.accuracy, "ci95": r.ci95, "protocol": r.protocol}
            for r in reports
        ]
        for report in reports:
            told = report.protocol
            file = f"episodes_{told['ways']}way_{told['shots']}shot.json"
            report.save(self.folder / file)
        with replacing(self.folder / "learner.keras") as beside:
            model.save(beside)
        self._leave_classifier(model, test)
        self._draw_curves()
        self._draw_embeddings(model, test)
        # Last, as it tells that the run is complete.
        _write_json(
            self.folder / "report.json",
            {"options": dataclasses.asdict(options), "tests": content},
        )
        return reports

    def _load(self, split):
        return datasets.load(self.options.dataset, split, self.options.data_dir)

    def _model(self, item_shape):
        """Returns the model of the last checkpoint, or a new one."""
        options = self.options
        path = self.folder / "checkpoint.keras"
        keras.utils.set_random_seed(options.seed)
        if path.exists():
            return keras.saving.load_model(path)
        backbone = Conv4(item_shape, options.filters)
        model = PrototypicalNetwork(backbone, options.distance)
        rate = keras.optimizers.schedules.CosineDecay(
            options.learning_rate, options.steps
        )
        model.compile(optimizer=keras.optimizers.Adam(rate))
        return model

    def _leave_classifier(self, model, test):
        """Leaves a classifier of some unseen classes, and draws what it says."""
        generator = np.random.Generator(np.random.PCG64(self.options.seed))
        chosen = generator.choice(len(test), PICTURED_WAYS, replace=False)
        names = [test.class_names[i] for i in chosen]
        items = np.stack([test.class_items(name)[:20] for name in names])
        support, query = items[:, :PICTURED_SHOTS], items[:, PICTURED_SHOTS:]
        support, query = (x.reshape(-1, *test.item_shape) for x in (support, query))
        support_labels = np.repeat(np.arange(PICTURED_WAYS), PICTURED_SHOTS)
        query_labels = np.repeat(np.arange(PICTURED_WAYS), len(query) // PICTURED_WAYS)
        classifier = model.adapt(support, support_labels, class_names=names)
        with replacing(self.folder / "classifier.keras") as beside:
            classifier.save(beside)
        classifier.export(self.folder / "saved_model")
        figure = plots.episode(
            support,
            support_labels,
            query,
            query_labels,
            classifier.predict(query, verbose=0),
            names,
            max_queries=PICTURED_QUERIES,
        )
        self._save(figure, "episode.png")

    def _draw_curves(self):
        history = json.loads((self.folder / "history.json").read_text())
        self._save(plots.training_curves(history), "training.png")

    def _draw_embeddings(self, model, test):
        generator = np.random.Generator(np.random.PCG64(self.options.seed + 1))
        count = min(PICTURED_CLASSES, len(test))
        names = [
            test.class_names[i]
            for i in generator.choice(len(test), count, replace=False)
        ]
        items = [test.class_items(name)[:20] for name in names]
        labels = np.repeat(np.arange(count), [len(part) for part in items])
        images = pictures.to_unit_range(np.concatenate(items))
        embeddings = model.backbone.predict(images, verbose=0)
        prototypes = np.stack(
            [embeddings[labels == i].mean(axis=0) for i in range(count)]
        )
        figure = plots.embeddings(embeddings, labels, prototypes, names)
        self._save(figure, "embeddings.png")

    def _save(self, figure, name):
        with replacing(self.folder / name) as beside:
            figure.savefig(beside, dpi=150)


class _Checkpoint(keras.callbacks.Callback):
    """Keeps the model with its optimizer, and the history, after each epoch."""

    def __init__(self, folder, done):
        super().__init__()
        self.folder = folder
        path = folder / "history.json"
        history = json.loads(path.read_text()) if path.exists() else {}
        # What came after the last checkpoint is trained again.
        self.history = {name: values[:done] for name, values in history.items()}

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        _write_json(self.folder / "history.json", self.history)
        with replacing(self.folder / "checkpoint.keras") as beside:
            self.model.save(beside)


def _write_json(path, content):
    with replacing(path) as beside:
        beside.write_text(json.dumps(content, indent=1, ensure_ascii=False))
