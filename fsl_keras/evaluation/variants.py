"""What is tested of a learner, and how to test it fast."""

from fsl_keras import features
from fsl_keras.episodes import DirichletQueries
from fsl_keras.models import MetricModel


def variants(model, queries):
    """Returns what is tested, on which queries, to tell what a figure rests on.

    A transductive head profits from equally many queries of each class, and a
    gradient-based learner from the statistics of all queries.

    Args:
        model: a learner.
        queries: integer, the queries of each class.

    Returns:
        Pairs of a learner and of what `ClassDataset.episodes` takes as `queries`.
    """
    tested = [(model, queries)]
    if is_of_transductive_head(model):
        tested.append((model, DirichletQueries(queries)))
    elif model.kind == "transductive":
        tested.append((model.deployable(), queries))
    return tested


def embedded_once(model, data):
    """Returns a learner and a data set in which items are embedded already.

    Each item goes through the backbone once, and not in every episode; what is
    measured stays the same.

    Args:
        model: a learner.
        data: `ClassDataset` of its items.

    Returns:
        A pair: the head of a metric learner on embeddings, and these as a data set.
        Learners of other kinds come back as they are, with their data.
    """
    if not isinstance(model, MetricModel):
        return model, data
    return model.on_features(), features.embed(data, model.backbone, cache=False)


def is_of_transductive_head(model):
    """Whether it is the head that takes all queries together."""
    return getattr(model, "head", None) is not None and model.kind == "transductive"
