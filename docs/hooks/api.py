"""A page of the reference for each public module, made from its docstrings.

What `__all__` lists is public, from that of the package on; a module without it has its
functions and classes. The source is read and not run. An object is described once, on
the page of the public module that it is defined in or below; where it is exported a
second time there is a link.
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
    for module in public_modules():
        page = f"api/{module}.md"
        files.append(File.generated(config, page, content=markdown(module)))
    return files


@functools.cache
def package():
    return griffe.load(PACKAGE, search_paths=[ROOT], extensions=None)


@functools.cache
def public_modules():
    """Returns the paths of the public modules, the package first."""
    found, waiting = [], [PACKAGE, *(f"{PACKAGE}.{name}" for name in RETURNED)]
    while waiting:
        path = waiting.pop(0)
        found.append(path)
        module = module_at(path)
        inside = (f"{path}.{name}" for name in public_names(module))
        waiting += [child for child in inside if module_at(child) is not None]
    return [PACKAGE, *sorted(found[1:])]


def module_at(path):
    """Returns a module by its path, or None where there is none."""
    module = package()
    for name in path.split(".")[1:]:
        module = module.modules.get(name)
        if module is None:
            return None
    return module


def public_names(module):
    if module.exports is not None:
        return sorted(map(str, module.exports))
    return sorted(
        name
        for name, member in module.members.items()
        if not name.startswith("_")
        and not member.is_alias
        and (member.is_class or member.is_function)
    )


def markdown(path):
    """Returns the Markdown of the page of a module."""
    module = module_at(path)
    lines = [f"# {path}", "", summary(module), ""]
    modules, exported, described = [], [], []
    for name in public_names(module):
        child = f"{path}.{name}"
        if module_at(child) is not None:
            modules.append(child)
        elif name in module.members:
            home = home_of(module.members[name])
            (described if home == path else exported).append((child, home, name))
    for child in modules:
        lines.append(f"- [`{child}`]({child}.md): {summary(module_at(child))}")
    for child, home, name in exported:
        target = module.members[name].final_target.name
        lines.append(f"- [`{child}`][{home}.{target}]{{ #{child} }}")
    for child, _, name in described:
        lines += ["", f"::: {child}", *options(module.members[name])]
    return "\n".join(lines) + "\n"


def summary(module):
    return module.docstring.value.splitlines()[0]


def home_of(member):
    """Returns the path of the public module that describes an object."""
    path = (member.final_target if member.is_alias else member).canonical_path
    return max((m for m in public_modules() if path.startswith(f"{m}.")), key=len)


def options(member):
    """Returns the options of an object: which inherited methods it shows.

    Those of a public class are described there. Others have no page of their own.
    """
    member = member.final_target if member.is_alias else member
    if not member.is_class:
        return []
    public = {
        (found.final_target if found.is_alias else found).canonical_path
        for path in public_modules()
        if (module := module_at(path)) is not None
        for name in public_names(module)
        if (found := module.members.get(name)) is not None
    }
    inherited = [
        name
        for name, method in member.inherited_members.items()
        if not name.startswith("_")
        and method.final_target.parent.canonical_path not in public
        and method.final_target.docstring
    ]
    return (
        ["    options:", f"      inherited_members: {inherited}"] if inherited else []
    )
