import json
import pathlib

import numpy as np
import pytest

from tests.checks import run_python

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "custom_training_loop.py"

# In a process of its own: deterministic operations cannot be switched off again.
CODE = """
import json, runpy, sys

by_hand, with_train_step = runpy.run_path(sys.argv[1])["main"]()
print(json.dumps([by_hand, [float(loss) for loss in with_train_step]]))
"""


@pytest.mark.slow
def test_a_loop_by_hand_has_the_losses_of_train_step():
    *table, losses = run_python(CODE, EXAMPLE).splitlines()
    by_hand, with_train_step = json.loads(losses)
    assert len(by_hand) == len(with_train_step) == 10
    np.testing.assert_allclose(by_hand, with_train_step, atol=1e-5)
    assert len(set(by_hand)) == 10  # every step changes the learner
    assert len(table) == 11
    assert table[1].split()[:2] == ["1", f"{by_hand[0]:.4f}"]
