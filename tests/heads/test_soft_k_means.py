import math

import numpy as np
import pytest

from fsl_keras.heads import PrototypeHead, SoftKMeansHead
from tests.heads.checks import padded_episodes, softmax, unpadded


def reference(support, labels, query, steps):
    """The formula for one task without padding, one class at a time."""
    means = [support[own == 1].mean(axis=0) for own in labels.T]
    for _ in range(steps):
        shares = softmax(-distances(query, means))
        means = [
            (own @ support + share @ query) / (own.sum() + share.sum())
            for own, share in zip(labels.T, shares.T, strict=True)
        ]
    return -distances(query, means)


def distances(query, means):
    return np.stack([((query - mean) ** 2).sum(-1) for mean in means], axis=-1)


def test_by_hand():
    # Examples at 0 and 4, a query at 1: it belongs to the first with 1 / (1 + e^-8).
    support, labels = np.array([[[0.0], [4.0]]]), np.eye(2)[None]
    logits = SoftKMeansHead()(support, labels, np.array([[[1.0]]]))
    share = 1 / (1 + math.exp(-8))
    means = share / (1 + share), (4 + (1 - share)) / (2 - share)
    expected = [-((1 - mean) ** 2) for mean in means]
    np.testing.assert_allclose(logits, [[expected]], rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_of_unequal_shots_with_padding(steps, seed):
    episode = padded_episodes(seed)
    logits = np.asarray(SoftKMeansHead(steps)(*episode[:3], query_mask=episode[3]))
    for task in range(2):
        expected = reference(*unpadded(*episode, task), steps)
        real = logits[task][episode[3][task]]
        np.testing.assert_allclose(real, expected, atol=1e-5)


def test_queries_far_from_a_class_leave_its_mean_alone():
    support, labels = np.array([[[0.0], [100.0]]]), np.eye(2)[None]
    query = np.array([[[1.0], [-1.0], [2.0]]])
    refined, plain = (
        np.asarray(head(support, labels, query))[..., 1]
        for head in (SoftKMeansHead(), PrototypeHead())
    )
    np.testing.assert_allclose(refined, plain)


def test_no_step_is_refused():
    with pytest.raises(ValueError, match=r"at least 1.*steps=0"):
        SoftKMeansHead(steps=0)
