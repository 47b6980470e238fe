import numpy as np
import pytest

from fsl_keras.datasets import SinusoidTasks
from tests.checks import assert_same_batches


def waves(count=400, **kwargs):
    """All points `[tasks, points]` and their values."""
    stream = SinusoidTasks(**kwargs).episodes(30, 30, tasks=count, count=count)
    ((x, y),) = stream.as_numpy_iterator()
    points = np.concatenate([x["support"], x["query"]], axis=1)[..., 0]
    return points, np.concatenate([x["support_labels"], y], axis=1)[..., 0]


def fitted(points, values):
    """Amplitude and phase of each wave, by least squares."""
    found = []
    for x, y in zip(points.astype("float64"), values, strict=True):
        # a sin(x - p) = (a cos p) sin x - (a sin p) cos x
        basis = np.stack([np.sin(x), -np.cos(x)], axis=1)
        solution, *_ = np.linalg.lstsq(basis, y, rcond=None)
        np.testing.assert_allclose(basis @ solution, y, atol=1e-4)
        found.append([np.hypot(*solution), np.arctan2(solution[1], solution[0])])
    return np.array(found).T


def test_tasks_are_sine_waves_of_the_ranges_of_the_paper():
    points, values = waves()
    assert points.min() > -5
    assert points.max() < 5
    assert abs(points.mean()) < 0.1
    amplitudes, phases = fitted(points, values)
    assert 0.1 <= amplitudes.min() < 0.3
    assert 4.8 < amplitudes.max() <= 5
    assert amplitudes.mean() == pytest.approx(2.55, abs=0.25)
    assert 0 <= phases.min() < 0.1
    assert np.pi - 0.1 < phases.max() <= np.pi
    assert abs(np.corrcoef(amplitudes, phases)[0, 1]) < 0.15


def test_other_ranges():
    points, values = waves(20, amplitudes=(2, 2), phases=(1, 1), span=(0, 3))
    assert points.min() >= 0
    assert points.max() <= 3
    np.testing.assert_allclose(values, 2 * np.sin(points - 1), atol=1e-5)


def test_a_task_is_a_function_of_seed_and_index():
    tasks = SinusoidTasks()
    stream = tasks.episodes(5, 5, tasks=2, seed=3, count=8)
    assert_same_batches(stream, tasks.episodes(5, 5, tasks=2, seed=3, count=8))
    later = tasks.episodes(5, 5, tasks=2, seed=3, start=4, count=4)
    assert_same_batches(stream.skip(2), later)
    (x, _), (other, _) = (
        next(iter(tasks.episodes(5, 5, seed=seed))) for seed in (3, 4)
    )
    assert np.abs(x["support"] - other["support"]).max() > 0.1


@pytest.mark.parametrize(
    "kwargs", [{"shots": 0}, {"queries": 0}, {"tasks": 0}, {"tasks": 4, "count": 6}]
)
def test_numbers_out_of_range(kwargs):
    with pytest.raises(ValueError, match=r"at least 1.*multiple.*Received"):
        SinusoidTasks().episodes(**{"shots": 5, "queries": 5, **kwargs})


def test_ranges_the_wrong_way_round():
    with pytest.raises(ValueError, match=r"phases.*low, high"):
        SinusoidTasks(phases=(2, 1))
