"""A page of the reference for each public module, made from its docstrings.

What `__all__` lists is public, from that of the package on; a module without it has its
functions and classes. The source is read and not run. An object is described once, on
the page of the public module that is nearest to where it is defined; other modules that
export it have a link.
"""

import functools
import pathlib

import griffe
from mkdocs.structure.files import File

PACKAGE = "fsl_keras"
ROOT = pathlib.Path(__file__).parents[2]
# What public functions return, of a package that `__all__` does not list.
RETURNED = ["classifier"]


def on_files(files, config):
    for cached in (package, public_modules, public_names, objects):
        cached.cache_clear()  # the source may have changed while the site is served
    for path in public_modules():
        page = f"api/{path}.md"
        files.append(File.generated(config, page, content=markdown(path)))
    return files


@functools.cache
def package():
    return griffe.load(PACKAGE, search_paths=[ROOT])


def at(path):
    """Returns the module of a path."""
    found = package()
    for name in path.split(".")[1:]:
        found = found.modules[name]
    return found


@functools.cache
def public_modules():
    """Returns the paths of the public modules, the package first."""
    found, waiting = [], [PACKAGE, *(f"{PACKAGE}.{name}" for name in RETURNED)]
    while waiting:
        path = waiting.pop(0)
        found.append(path)
        names = public_names(path)
        waiting += [f"{path}.{name}" for name in names if submodule(path, name)]
    return [PACKAGE, *sorted(found[1:])]


@functools.cache
def public_names(path):
    if at(path).exports is not None:
        return sorted(map(str, at(path).exports))
    return sorted(
        name
        for name, member in at(path).members.items()
        if not name.startswith("_")
        and not member.is_alias
        and (member.is_class or member.is_function)
    )


def submodule(path, name):
    """Returns a submodule, or None if the name is not that of one.

    A function may have the name of the module that it is imported from.
    """
    imported = at(path).imports.get(name, f"{path}.{name}")
    return at(path).modules.get(name) if imported == f"{path}.{name}" else None


@functools.cache
def objects(path):
    """Returns the classes, functions and constants of a module, by their name there."""
    found = {}
    for name in public_names(path):
        imported = at(path).imports.get(name)
        if submodule(path, name) is None and (imported or name in at(path).members):
            where = (imported or f"{path}.{name}").removeprefix(f"{PACKAGE}.")
            member = package()[where]
            found[name] = member.final_target if member.is_alias else member
    return found


def markdown(path):
    """Returns the Markdown of the page of a module."""
    links, entries = [], []
    for name in public_names(path):
        if found := submodule(path, name):
            links.append(f"- [`{path}.{name}`]({path}.{name}.md): {summary(found)}")
    for name, found in objects(path).items():
        anchor = f"{path}.{name}"
        if home_of(found) != path:
            links.append(f"- [`{anchor}`][{found.path}]{{ #{anchor} }}")
        elif name in at(path).modules:  # the name of a module as well
            entries += ["", f"[](){{ #{anchor} }}", "", f"::: {found.path}"]
        else:
            entries += ["", f"::: {anchor}", *options(found)]
    title = f"# {path} {{ #{path} }}"
    return "\n".join([title, "", summary(at(path)), "", *links, *entries, ""])


def summary(found):
    return found.docstring.value.splitlines()[0]


def home_of(found):
    """Returns the path of the public module that describes an object."""
    exporting = [p for p in public_modules() if found in objects(p).values()]
    around = [path for path in exporting if found.path.startswith(f"{path}.")]
    return max(around or exporting[:1], key=len)


def options(found):
    """Returns the options of an object: which inherited methods it shows.

    Those of a public class are described there. Others have no page of their own.
    """
    public = [each for path in public_modules() for each in objects(path).values()]
    inherited = [
        name
        for name, method in found.inherited_members.items()
        if not name.startswith("_")
        and method.final_target.parent not in public
        and method.final_target.docstring
    ]
    shown = ["    options:", f"      inherited_members: {inherited}"]
    return shown if inherited else []
