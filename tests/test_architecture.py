"""The structure that docs/architecture.md describes."""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "fsl_keras"
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 350
MOST_LOOSE_MODULES = 8


def rooms():
    """The packages and modules of the top level, highest first, by the document."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("## The modules")[1].split("\n## ")[0]
    names = []
    for line in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE):
        names.append(re.findall(r"`(\w+)(?:\.py|/)`", line))
    return names


def imports(path):
    """The rooms that a file imports from, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, *parts = node.module.split(".")
            if package == "fsl_keras":
                yield from parts[:1] or [name.name for name in node.names]
        elif isinstance(node, ast.Import):
            for name in node.names:
                package, *parts = name.name.split(".")
                if package == "fsl_keras":
                    yield from parts[:1]


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_the_document_names_every_room_once():
    there = {room_of(path) for path in FILES} - {"__init__"}
    named = [name for row in rooms() for name in row]
    assert sorted(named) == sorted(there)


def test_imports_point_down():
    # Names in one row of the table must not import one another.
    floors = {name: floor for floor, row in enumerate(rooms()) for name in row}
    up = {
        (str(path.relative_to(ROOT)), name)
        for path in FILES
        if (room := room_of(path)) != "__init__"
        for name in imports(path)
        if name != room and name in floors and floors[name] <= floors[room]
    }
    assert up == set()


def test_files_are_short():
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in FILES
    }
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_few_modules_lie_loose_at_the_top():
    loose = [path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"]
    assert len(loose) <= MOST_LOOSE_MODULES
