"""The variants of a learner that a run evaluates, and how to evaluate them fast."""

from typing import Any

from fsl_keras import features
from fsl_keras.datasets import ClassDataset
from fsl_keras.episodes import DirichletQueries
from fsl_keras.models import MetricModel
from fsl_keras.typing import Model


def variants(model: Model, queries: int) -> list[tuple[Model, Any]]:
    """Returns the learners to evaluate, each with its queries.

    They are the learner as it is; if its head is transductive, also with imbalanced
    queries, as such heads benefit from balanced ones; and if it is transductive by the
    batch statistics of the queries, also its inductive copy.

    Args:
        model: a learner.
        queries: integer, the queries of each class.

    Returns:
        A list of pairs of a learner and of the argument `queries` of
        `ClassDataset.episodes`.
    """
    tested: list[tuple[Model, Any]] = [(model, queries)]
    if is_of_transductive_head(model):
        tested.append((model, DirichletQueries(queries)))
    elif model.kind == "transductive":
        tested.append((model.deployable(), queries))
    return tested


def embedded_once(model: Model, data: ClassDataset) -> tuple[Model, ClassDataset]:
    """Returns a learner of embeddings and a data set of embeddings.

    Each item passes through the backbone once instead of in every episode. Accuracies
    stay the same.

    Args:
        model: a learner.
        data: `ClassDataset` of its items.

    Returns:
        A pair: the head of a metric learner, as a learner, and the embeddings. Learners
        of other kinds are returned unchanged, with `data`.
    """
    if not isinstance(model, MetricModel):
        return model, data
    return model.on_features(), features.embed(data, model.backbone, cache=False)


def is_of_transductive_head(model: Model) -> bool:
    """Returns whether the learner is transductive because of its head."""
    return getattr(model, "head", None) is not None and model.kind == "transductive"
