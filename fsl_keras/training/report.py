"""What a run leaves when it is trained: tests on unseen classes, models and figures."""

import numpy as np
import tensorflow as tf

from fsl_keras import plots
from fsl_keras.datasets import ClassDataset
from fsl_keras.evaluation import EpisodeReport, evaluate
from fsl_keras.evaluation.variants import (
    embedded_once,
    is_of_transductive_head,
    variants,
)
from fsl_keras.files import replacing, write_json
from fsl_keras.images import to_unit_range
from fsl_keras.training.distribution import summary_of
from fsl_keras.training.episodes import QUERIES, episodes_of_test, protocols_of, ways_of
from fsl_keras.training.run_folder import Run
from fsl_keras.training.transforms import load_data
from fsl_keras.typing import Model

# The size of the figures.
SHOWN_WAYS, SHOWN_SHOTS, SHOWN_QUERIES = 5, 5, 30
SHOWN_CLASSES, SHOWN_ITEMS = 8, 20


def write_report(
    run: Run, learner: Model, strategy: tf.distribute.Strategy | None = None
) -> list[EpisodeReport]:
    """Tests a trained learner on unseen classes, and writes what the run leaves.

    Args:
        run: `Run`.
        learner: the trained learner, as `train` returns it.
        strategy: optional strategy of `tf.distribute` that it was trained with, which
            the report states.

    Returns:
        A list of `EpisodeReport`: one for each test and each variant of the learner.
    """
    data = load_data(run.options.data, run.options.data.test_split)
    reports = _tested(run, learner, data)
    for report in reports:
        report.save(run.folder / f"{_file_name(report.protocol, learner)}.json")
    learner.save(run.folder / "learner.keras")
    if not is_of_transductive_head(learner):
        _write_classifier(run, learner, data)
    if run.history:
        _save(run, plots.training_curves(run.history), "training.png")
    if len(getattr(learner, "embedding_shape", ())) == 1:
        _draw_embeddings(run, learner, data)
    content = [
        {"accuracy": r.accuracy, "ci95": r.ci95, "protocol": r.protocol}
        for r in reports
    ]
    # Last, as it marks the run as complete.
    write_json(
        run.folder / "report.json",
        {
            "options": run.options.tables(),
            "distribution": summary_of(strategy or tf.distribute.get_strategy()),
            "tests": content,
        },
    )
    return reports


def _tested(run, learner, data):
    options = run.options
    label = options.backbone.entry.label(options.backbone.arguments)
    name = f"{options.method.name} {options.data.name} {label}"
    tested, items = embedded_once(learner, data)
    reports = []
    for ways, shots in protocols_of(learner, options):
        for variant, queries in variants(tested, QUERIES):
            episodes = episodes_of_test(items, options.test, ways, shots, queries)
            reports.append(evaluate(variant, episodes, name, learner.training_classes))
    return reports


def _file_name(protocol, learner):
    name = f"episodes_{protocol['ways']}way_{protocol['shots']}shot"
    name += "_deployed" * (protocol["kind"] != learner.kind)
    return name + "_imbalanced" * (protocol["queries"] != QUERIES)


def _write_classifier(run, learner, data: ClassDataset):
    """Writes a classifier of some unseen classes, and draws its predictions."""
    ways = ways_of(learner, run.options, SHOWN_WAYS)
    names = _drawn_classes(data, ways, run.options.train.seed)
    items = np.stack([data.class_items(name)[:SHOWN_ITEMS] for name in names])
    support, query = items[:, :SHOWN_SHOTS], items[:, SHOWN_SHOTS:]
    support, query = (x.reshape(-1, *data.item_shape) for x in (support, query))
    support_labels = np.repeat(np.arange(ways), SHOWN_SHOTS)
    query_labels = np.repeat(np.arange(ways), len(query) // ways)
    classifier = learner.adapt(support, support_labels, class_names=names)
    classifier.save(run.folder / "classifier.keras")
    classifier.export(run.folder / "saved_model")
    figure = plots.episode(
        support,
        support_labels,
        query,
        query_labels,
        classifier.predict(query, verbose=0),
        names,
        max_queries=SHOWN_QUERIES,
    )
    _save(run, figure, "episode.png")


def _draw_embeddings(run, learner, data):
    count = min(SHOWN_CLASSES, len(data))
    names = _drawn_classes(data, count, run.options.train.seed + 1)
    items = [data.class_items(name)[:SHOWN_ITEMS] for name in names]
    labels = np.repeat(np.arange(count), [len(part) for part in items])
    images = to_unit_range(np.concatenate(items))
    embeddings = learner.backbone.predict(images, verbose=0)
    prototypes = np.stack([embeddings[labels == i].mean(axis=0) for i in range(count)])
    figure = plots.embeddings(embeddings, labels, prototypes, names)
    _save(run, figure, "embeddings.png")


def _drawn_classes(data, count, seed):
    generator = np.random.Generator(np.random.PCG64(seed))
    return [
        data.class_names[i] for i in generator.choice(len(data), count, replace=False)
    ]


def _save(run, figure, name):
    with replacing(run.folder / name) as temporary:
        figure.savefig(temporary, dpi=150)
