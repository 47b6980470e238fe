"""Reading recipes."""

import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any

from fsl_keras.names import did_you_mean
from fsl_keras.training.options import Options, merged

FOLDER = pathlib.Path(__file__).parent


def names() -> list[str]:
    """Returns the names of the recipes, which are those of the presets they make."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def path_of(recipe: str) -> pathlib.Path:
    """Returns the file of a recipe.

    Args:
        recipe: string, one of `names()`, or the path of a TOML file.

    Raises:
        ValueError: if there is no such recipe, with the nearest name.
        FileNotFoundError: if there is no such file.
    """
    if recipe.endswith(".toml"):
        path = pathlib.Path(recipe)
        if not path.exists():
            raise FileNotFoundError(f"There is no recipe {recipe}.")
        return path
    if recipe not in names():
        raise ValueError(
            f"There is no recipe {recipe!r}.{did_you_mean(recipe, names())} Recipes: "
            f"{', '.join(names())}. A recipe of your own is a file whose name ends in "
            f".toml."
        )
    return FOLDER / f"{recipe}.toml"


def tables(recipe: str) -> dict[str, dict[str, Any]]:
    """Returns the tables of a recipe, without its figures.

    Args:
        recipe: as in `path_of`.
    """
    path = path_of(recipe)
    try:
        stored = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    stored.pop("figures", None)
    return stored


def figures(recipe: str) -> dict[str, Any]:
    """Returns what a recipe's preset was measured at: accuracies in % per test, and
    the CPU minutes of training."""
    return tomllib.loads(path_of(recipe).read_text(encoding="utf-8"))["figures"]


def load(
    recipe: str, changes: Mapping[str, Mapping[str, Any]] | None = None
) -> Options:
    """Returns the options of a recipe.

    A recipe is a TOML file of what differs from the options that suit its data set,
    its method and its backbone. It has a table for each section of `Options`, and may
    have the table `figures`.

    Args:
        recipe: string, one of `names()`, or the path of a TOML file.
        changes: optional tables of options to change, such as
            `{"train": {"seed": 1}}`.

    Returns:
        `Options`.

    Raises:
        ValueError: if there is no such recipe, with the nearest name, or it has an
            option that runs do not have.

    Example:

    >>> load("prototypical_conv4_omniglot", {"train": {"seed": 1}}).train.steps
    14400
    """
    return Options.suited(merged(tables(recipe), changes or {}))
