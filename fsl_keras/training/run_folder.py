"""The folder of a run: its options, its history, and its resumption."""

import pathlib

from fsl_keras import presets
from fsl_keras.files import read_json, write_json
from fsl_keras.training.callbacks import read_history
from fsl_keras.training.flat_options import with_flat
from fsl_keras.training.options import Options
from fsl_keras.typing import Path

OPTIONS = "options.json"


class Run:
    """A training run, in a folder of its own.

    `train` and `write_report` do its work, and write into the folder.

    Args:
        folder: path of the folder.
        options: `Options`.
    """

    def __init__(self, folder: Path, options: Options):
        self.folder = pathlib.Path(folder)
        self.options = options

    @classmethod
    def start(cls, folder: Path, options: Options) -> "Run":
        """Begins a run in a new folder, which is created when training begins.

        Raises:
            FileExistsError: if the folder exists and has files.
        """
        path = pathlib.Path(folder)
        # A process that was killed when it began leaves hidden files alone.
        is_begun = path.is_dir() and any(p.name[0] != "." for p in path.iterdir())
        if is_begun or path.is_file():
            raise FileExistsError(
                f"The folder {folder} exists. Continue its run with --resume, or name "
                f"another with --output."
            )
        return cls(folder, options)

    @classmethod
    def resume(cls, folder: Path, changes: dict[str, dict]) -> "Run":
        """Returns the run of a folder, to be continued.

        Args:
            folder: path.
            changes: tables of options, as `Options.from_tables` takes them. They must
                be those that the run began with.

        Raises:
            FileNotFoundError: if the folder holds no run.
            ValueError: if an option differs, or the folder is of a newer version.
        """
        path = pathlib.Path(folder) / OPTIONS
        if not path.exists():
            raise FileNotFoundError(f"The folder {folder} holds no run to resume.")
        stored = read_json(path)
        try:
            if "dataset" in stored:
                stored = with_flat({}, stored)
            # Options that came with a later version have their defaults.
            options = Options.from_tables(stored)
        except ValueError as error:
            raise ValueError(
                f"The run in {folder} was made by another version of fsl_keras and "
                f"cannot be resumed: {error} Begin a new run in another folder."
            ) from error
        differing = _differing(options, changes)
        if differing:
            raise ValueError(
                f"The run in {folder} began with other options: {differing}. Leave "
                f"them out, or begin a new run in another folder."
            )
        return cls(folder, options)

    def write_options(self) -> None:
        """Writes the options into the folder, which `resume` reads."""
        write_json(self.folder / OPTIONS, self.options.tables())

    @property
    def history(self) -> dict[str, list]:
        """The metrics of each epoch, see `callbacks.read_history`."""
        return read_history(self.folder)

    @property
    def cpu_minutes(self) -> float:
        """The CPU minutes of training, over all cores, all resumed parts, and the
        preset that it started from."""
        before = 0.0
        start = self.options.backbone.start_from
        if start is not None:
            before = presets.metadata(start).get("cpu_minutes", 0.0)
        return before + sum(self.history.get("cpu_seconds", [])) / 60


def _differing(options, changes):
    """Returns the options of `changes` that differ from those a run began with."""
    found = []
    for section, table in changes.items():
        own = getattr(options, section)
        began, wanted = own.table(), dict(table)
        if "name" not in table or table["name"] == own.name:
            # As the section spells them: a pair of numbers is no other list.
            wanted = type(own).from_table({**began, **table}).table()
        if hasattr(own, "entry"):
            # What a run did not set has the default of the class.
            began = {**own.entry.options, **began}
        found += [
            f"{section}.{name}={began.get(name)!r}, not {wanted[name]!r}"
            for name in table
            if began.get(name) != wanted[name]
        ]
    return "; ".join(found)
