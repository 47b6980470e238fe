"""Pages and pictures of the site that lie outside of `docs/` in the repository.

Links between files of the repository are those that work there. In the site a file has
its path in the repository, without `docs/`; an example or a notebook is a page.
"""

import ast
import pathlib
import posixpath
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).parents[2]
COPIED = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/notes/*.md",
    "examples/README.md",
    "examples/pictures/*.png",
]
EXAMPLES = [
    *sorted((ROOT / "examples").glob("[0-9]*.py")),
    ROOT / "examples" / "custom_training_loop.py",
]
TARGET = re.compile(r"(?<=\]\()[^)#\s]+")


def on_files(files, config):
    for pattern in COPIED:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    for path in EXAMPLES:
        page = f"examples/{path.stem}.md"
        files.append(File.generated(config, page, content=example(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Replaces the targets of links by the paths that they have in the site."""
    name = page.file.src_uri
    folder = posixpath.dirname(name if (ROOT / name).exists() else f"docs/{name}")

    def target(match):
        path = posixpath.normpath(posixpath.join(folder, match[0]))
        found = files.get_file_from_path(in_site(path))
        if found is None:
            return match[0]
        return posixpath.relpath(found.src_uri, posixpath.dirname(name) or ".")

    return TARGET.sub(target, markdown)


def in_site(name):
    """Returns the path in the site of a file of the repository."""
    if ROOT / name in EXAMPLES or name.startswith("docs/notebooks/"):
        name = f"{name.removesuffix('.py')}.md"
    return name.removeprefix("docs/")


def example(path):
    """Returns the page of an example: its idea, its pictures and its source.

    Title, pictures and remark are those of the section of `examples/README.md` that
    shows the pictures of the example.
    """
    source = path.read_text(encoding="utf-8")
    idea = ast.get_docstring(ast.parse(source))
    code = source.split('"""', 2)[2].strip()
    number = path.stem.split("_")[0]
    plain = path.stem.replace("_", " ").capitalize()
    readme = (path.parent / "README.md").read_text(encoding="utf-8")
    shown = [part for part in readme.split("\n## ") if f"(pictures/{number}_" in part]
    title, pictures = shown[0].split("\n", 1) if shown else (plain, "")
    return (
        f"# {title}\n\n{idea}\n\n{pictures.strip()}\n\n"
        f"## The code\n\n```python\n{code}\n```\n"
    )
