import numpy as np
import pytest

from fsl_keras.heads import PrototypeHead, SoftKMeansHead
from tests.heads.checks import (
    assert_logits,
    class_means,
    each_shots,
    padded_episodes,
    softmax,
    squared_distances,
)


def reference(support, labels, query, steps):
    """The formula for one task without padding, one class at a time."""
    means = class_means(support, labels)
    for _ in range(steps):
        assigned = softmax(-squared_distances(query, means))
        means = [
            (own @ support + share @ query) / (own.sum() + share.sum())
            for own, share in zip(labels.T, assigned.T, strict=True)
        ]
        means = np.stack(means)
    return -squared_distances(query, means)


def test_by_hand():
    # Examples of class 0 at -1 and 1, of class 1 at 4. The query at 2 is as far from 0
    # as from 4 and counts half for each: the means become (0 + 1) / 2.5 = 0.4 and
    # (4 + 1) / 1.5 = 10/3, and the distances to them are 1.6 and 4/3.
    support, labels = np.array([[[-1.0], [1.0], [4.0]]]), np.eye(2)[None, [0, 0, 1]]
    logits = SoftKMeansHead()(support, labels, np.array([[[2.0]]]))
    np.testing.assert_allclose(logits, [[[-2.56, -16 / 9]]], rtol=1e-6)


@each_shots
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_with_padding(seed, steps, shots):
    assert_logits(
        SoftKMeansHead(steps),
        padded_episodes(seed, shots),
        lambda *task: reference(*task, steps),
        atol=1e-5,
    )


def test_queries_far_from_a_class_leave_its_mean_alone():
    support, labels = np.array([[[0.0], [100.0]]]), np.eye(2)[None]
    query = np.array([[[1.0], [-1.0], [2.0]]])
    refined, plain = (
        np.asarray(head(support, labels, query))[..., 1]
        for head in (SoftKMeansHead(), PrototypeHead())
    )
    np.testing.assert_allclose(refined, plain)


def test_no_step_is_rejected():
    with pytest.raises(ValueError, match=r"at least 1.*steps=0"):
        SoftKMeansHead(steps=0)
