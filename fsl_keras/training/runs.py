"""Training runs: a folder that holds everything a run made, and can be resumed."""

import dataclasses
import functools
import json
import pathlib

import keras
import numpy as np

from fsl_keras import datasets, plots, presets
from fsl_keras.backbones import MultiOrientation
from fsl_keras.evaluation import evaluate
from fsl_keras.evaluation.variants import (
    embedded_once,
    is_of_transductive_head,
    variants,
)
from fsl_keras.files import read_json, replacing, write_json
from fsl_keras.images import to_unit_range
from fsl_keras.model_selection import calibrate_on_base_classes
from fsl_keras.models import MetricModel
from fsl_keras.training import methods
from fsl_keras.training.run_options import Options
from fsl_keras.training.stages import (
    Checkpoint,
    EpochSeeds,
    FewShotValidation,
    Stage,
    are_photographs,
    read_history,
    resume,
    seen_often,
)

__all__ = ["Options", "Run"]

# Queries of each class in test and validation episodes.
TEST_QUERIES = 15
# The same for all runs: what they were trained with has no part in the test.
TEST_SEED = 2
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
        stored = read_json(path)
        stored["tests"] = tuple(tuple(test) for test in stored["tests"])
        # A run of an older version may lack options: they had their defaults.
        options = Options(**stored)
        # As JSON, in which a tuple and a list are the same.
        differing = [
            name
            for name, value in changes.items()
            if json.dumps(getattr(options, name)) != json.dumps(value)
        ]
        if differing:
            raise ValueError(
                f"The run in {folder} began with other values of {differing}. Leave "
                f"them out, or begin a new run in another folder."
            )
        return cls(folder, options)

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
        method = methods.get(options.method)
        if options.tests_within:
            # Groups of too few classes are refused here, and not after the training.
            test = self._load(options.test_split)
            for ways, shots in options.tests:
                self._test_episodes(test, ways, shots, TEST_QUERIES)
        train = self._load(options.train_split)
        class_names = train.class_names
        if options.rotations:
            train = datasets.with_rotations(train)
        if options.reflections:
            train = datasets.with_reflections(train)
        make = functools.partial(
            method.make,
            filters=options.filters,
            ways=options.ways,
            **options.method_options,
        )
        shape = self._trained_shape(train.item_shape, make)
        keras.utils.set_random_seed(options.seed)
        streams, weights = method.streams, None
        if options.start_from is not None:
            weights = presets.backbone(options.start_from).get_weights()
            if len(streams) > 1:
                streams = [stream for stream in streams if stream != "batches"]
        make = functools.partial(make, backbone_weights=weights)
        exact = fast = options.backbone_options
        if options.mixed_precision:
            fast = {**exact, "dtype": "mixed_bfloat16"}
        learner = make(shape, backbone_options=fast)
        if options.start_from is not None and isinstance(learner, MetricModel):
            _start_with_head(learner, options.start_from)
        epochs = options.steps // options.steps_per_epoch
        ends = np.arange(1, len(streams) + 1) * epochs // max(1, len(streams))
        begin = 0
        for stream, end in zip(streams, ends.tolist(), strict=True):
            if begin == end:
                continue
            is_last = end == epochs
            name = "checkpoint.keras" if is_last else f"checkpoint_{stream}.keras"
            stage = Stage(stream, learner, train, options)
            self._fit(stage, name, range(begin, end), callbacks)
            begin = end
        if options.mixed_precision or shape != train.item_shape:
            trained, learner = learner, make(train.item_shape, backbone_options=exact)
            learner.set_weights(trained.get_weights())
        if learner.has_base_statistics:
            learner.fit_base(train, cache=False)
        if options.views:
            learner = learner.with_backbone(seen_often(learner.backbone))
        if options.orientations:
            learner = learner.with_backbone(MultiOrientation(learner.backbone))
        learner.training_classes = tuple(class_names)
        # Also where nothing was trained.
        write_json(self.folder / "options.json", dataclasses.asdict(options))
        return learner

    def calibrate(self, learner):
        """Gives a learner its `base_calibration`, by the validation classes.

        Only where they were not trained on, and to a learner that answers for each item
        alone.
        """
        if self.options.train_split == "train" and learner.kind == "inductive":
            ways = 5
            if learner.incremental == "fixed_ways":
                ways = self.options.ways
            learner.base_calibration = calibrate_on_base_classes(
                learner, self._load("validation"), ways
            )

    @property
    def cpu_minutes(self):
        """The CPU time of training, of all cores, all resumed parts, and the preset
        that it started from."""
        before = 0.0
        if self.options.start_from is not None:
            before = presets.metadata(self.options.start_from).get("cpu_minutes", 0.0)
        return before + sum(self.history.get("cpu_seconds", [])) / 60

    @property
    def history(self):
        """What training told after each epoch, a dictionary of lists."""
        return read_history(self.folder)

    def _fit(self, stage, checkpoint, epochs, callbacks):
        """Trains one stage, from its checkpoint on if there is one.

        Args:
            stage: `Stage`.
            checkpoint: string, the name of its file.
            epochs: range, its epochs among those of the run.
            callbacks: list of Keras callbacks.
        """
        options = self.options
        per_epoch = options.steps_per_epoch
        rate = keras.optimizers.schedules.CosineDecay(
            options.learning_rate, len(epochs) * per_epoch
        )
        model = stage.compiled(rate)
        if (self.folder / checkpoint).exists():
            resume(model, self.folder / checkpoint)
        steps = int(model.optimizer.iterations.numpy())
        done = epochs.start + steps // per_epoch
        stream = stage.examples(steps)
        ways = options.ways if stage.learner.incremental == "fixed_ways" else 5
        validation = self._load("validation", options.train_size).episodes(
            ways, 1, TEST_QUERIES, seed=options.seed + 1, count=VALIDATION_EPISODES
        )
        # Only now, so that a mistake in the options leaves no folder behind.
        write_json(self.folder / "options.json", dataclasses.asdict(options))
        if done == epochs.stop:
            return
        measured = []
        if model is not stage.learner:
            measured = [FewShotValidation(stage.learner, validation)]
            validation = None
        model.fit(
            stream,
            steps_per_epoch=per_epoch,
            initial_epoch=done,
            epochs=epochs.stop,
            shuffle=False,
            validation_data=validation,
            verbose=0,
            callbacks=[
                EpochSeeds(options.seed),
                *measured,
                Checkpoint(self.folder, checkpoint, done),
                *callbacks,
            ],
        )

    def report(self, model):
        """Tests a trained model on unseen classes, and writes what the run leaves.

        Args:
            model: the trained model.

        Returns:
            A list of `EpisodeReport`, one a test.
        """
        options = self.options
        test = self._load(options.test_split)
        training_classes = model.training_classes
        if training_classes is None:
            training_classes = self._load(options.train_split).class_names
        learner, items = embedded_once(model, test)
        reports = []
        for ways, shots in self._tests(model):
            for tested, queries in variants(learner, TEST_QUERIES):
                episodes = self._test_episodes(items, ways, shots, queries)
                filters = "-".join(map(str, np.atleast_1d(options.filters)))
                name = f"{options.method} {options.dataset} Conv4-{filters}"
                reports.append(evaluate(tested, episodes, name, training_classes))
        content = [
            {"accuracy": r.accuracy, "ci95": r.ci95, "protocol": r.protocol}
            for r in reports
        ]
        for report in reports:
            told = report.protocol
            file = f"episodes_{told['ways']}way_{told['shots']}shot"
            file += "_deployed" * (told["kind"] != model.kind)
            file += "_imbalanced" * (told["queries"] != TEST_QUERIES)
            report.save(self.folder / f"{file}.json")
        model.save(self.folder / "learner.keras")
        if not is_of_transductive_head(model):
            self._leave_classifier(model, test)
        self._draw_curves()
        if len(getattr(model, "embedding_shape", ())) == 1:
            self._draw_embeddings(model, test)
        # Last, as it tells that the run is complete.
        write_json(
            self.folder / "report.json",
            {"options": dataclasses.asdict(options), "tests": content},
        )
        return reports

    def _tests(self, model):
        """Returns ways and shots of the tests, in ways that the model can take."""
        if model.incremental != "fixed_ways":
            return self.options.tests
        shots = {shots for _, shots in self.options.tests}
        return [(self.options.ways, shots) for shots in sorted(shots)]

    def _test_episodes(self, test, ways, shots, queries):
        within = self.options.tests_within
        return test.episodes(
            ways,
            shots,
            queries,
            seed=TEST_SEED,
            count=self.options.test_episodes,
            groups=datasets.class_groups(test.class_names) if within else None,
            stratified=within,
        )

    def _trained_shape(self, item_shape, make):
        """Returns the shape of pictures as the network is trained on them.

        Args:
            item_shape: triple, the shape of whole pictures.
            make: function from a shape to a learner.
        """
        options = self.options
        if options.train_size is None:
            return item_shape
        if not (options.augment and are_photographs(item_shape)):
            raise ValueError(
                f"A train_size of {options.train_size} is that of parts cut out of "
                f"photographs: it takes pictures in colour, and augment. They are of "
                f"shape {item_shape}, and augment is {options.augment}."
            )
        shape = (options.train_size, options.train_size, item_shape[-1])
        learners = (
            make(s, backbone_options=options.backbone_options)
            for s in (shape, item_shape)
        )
        small, whole = ([w.shape for w in learner.weights] for learner in learners)
        if small != whole:
            raise ValueError(
                f"A train_size of {options.train_size} takes a learner whose weights "
                f'are the same at every size: set pooling = "avg" in '
                f"backbone_options."
            )
        return shape

    def _load(self, split, size=None):
        size = size or self.options.size
        more = {} if size is None else {"image_size": (size, size)}
        return datasets.load(self.options.dataset, split, self.options.data_dir, **more)

    def _leave_classifier(self, model, test):
        """Leaves a classifier of some unseen classes, and draws what it says."""
        generator = np.random.Generator(np.random.PCG64(self.options.seed))
        ways = PICTURED_WAYS
        if model.incremental == "fixed_ways":
            ways = self.options.ways
        chosen = generator.choice(len(test), ways, replace=False)
        names = [test.class_names[i] for i in chosen]
        items = np.stack([test.class_items(name)[:20] for name in names])
        support, query = items[:, :PICTURED_SHOTS], items[:, PICTURED_SHOTS:]
        support, query = (x.reshape(-1, *test.item_shape) for x in (support, query))
        support_labels = np.repeat(np.arange(ways), PICTURED_SHOTS)
        query_labels = np.repeat(np.arange(ways), len(query) // ways)
        classifier = model.adapt(support, support_labels, class_names=names)
        classifier.save(self.folder / "classifier.keras")
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
        if self.history:
            self._save(plots.training_curves(self.history), "training.png")

    def _draw_embeddings(self, model, test):
        generator = np.random.Generator(np.random.PCG64(self.options.seed + 1))
        count = min(PICTURED_CLASSES, len(test))
        names = [
            test.class_names[i]
            for i in generator.choice(len(test), count, replace=False)
        ]
        items = [test.class_items(name)[:20] for name in names]
        labels = np.repeat(np.arange(count), [len(part) for part in items])
        images = to_unit_range(np.concatenate(items))
        embeddings = model.backbone.predict(images, verbose=0)
        prototypes = np.stack(
            [embeddings[labels == i].mean(axis=0) for i in range(count)]
        )
        figure = plots.embeddings(embeddings, labels, prototypes, names)
        self._save(figure, "embeddings.png")

    def _save(self, figure, name):
        with replacing(self.folder / name) as beside:
            figure.savefig(beside, dpi=150)


def _start_with_head(learner, preset):
    """Gives a learner the weights of a preset's head, if they are of the same kind."""
    start = presets.from_preset(preset)
    if not isinstance(start, MetricModel):
        return
    own, other = learner.head, start.head
    same_shapes = [w.shape for w in own.weights] == [w.shape for w in other.weights]
    if type(own) is type(other) and same_shapes:
        own.set_weights(other.get_weights())
