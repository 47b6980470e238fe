import json

import pytest

from fsl_keras.training.options import Options
from fsl_keras.training.run_folder import Run
from tests.training.checks import small_options


@pytest.fixture
def stored(tmp_path):
    """The folder of a run that has only begun."""
    options = small_options(method={"name": "simple_shot"})
    Run(tmp_path / "run", options).write_options()
    return tmp_path / "run", options


def test_a_folder_with_files_is_not_overwritten(tmp_path):
    # What a process leaves that was killed when it began.
    (tmp_path / ".options.new-0-1-2.json").touch()
    Run.start(tmp_path, Options())
    (tmp_path / "mine.txt").touch()
    with pytest.raises(FileExistsError, match=r"--resume.*--output"):
        Run.start(tmp_path, Options())


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        Run.resume(tmp_path, {})


def test_a_resumed_run_has_the_options_it_began_with(stored):
    folder, options = stored
    same = {
        "train": {"ways": 5, "shots": 1},
        "test": {"protocols": [[5, 1]]},
        "backbone": {"pooled_blocks": 4},  # the default
    }
    assert Run.resume(folder, same).options == options
    assert Run.resume(folder, options.tables()).options == options


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": {"ways": 6}}, "train.ways=5, not 6"),
        ({"train": {"weight_decay": 0.1}}, r"train.weight_decay=0\.0, not 0\.1"),
        ({"data": {"name": "omniglot"}}, "data.name='glyphs', not 'omniglot'"),
        ({"method": {"name": "maml", "inner_steps": 1}}, "name='simple_shot', not 'ma"),
        ({"backbone": {"filters": 64}}, "backbone.filters=4, not 64"),
    ],
)
def test_other_options_than_a_run_began_with(stored, changes, message):
    with pytest.raises(ValueError, match=f"other options: .*{message}"):
        Run.resume(stored[0], changes)


def test_options_that_came_later_have_their_defaults(stored):
    folder, options = stored
    path = folder / "options.json"
    tables = json.loads(path.read_text(encoding="utf-8"))
    del tables["train"]["mixed_precision"]
    path.write_text(json.dumps(tables), encoding="utf-8")
    assert Run.resume(folder, {"train": {"mixed_precision": False}}).options == options
    with pytest.raises(ValueError, match="mixed_precision=False, not True"):
        Run.resume(folder, {"train": {"mixed_precision": True}})
