"""Replaces `*` in the navigation by the pages that it stands for, in order."""

import fnmatch


def on_files(files, config):
    pages = sorted(
        (file.src_uri for file in files.documentation_pages()),
        key=lambda name: name.removesuffix(".md"),
    )
    config.nav = list(expanded(config.nav, pages, named(config.nav)))
    return files


def named(items):
    """Yields the pages that the navigation has by name."""
    for item in items:
        if isinstance(item, str):
            yield item
        else:
            (value,) = item.values()
            yield from named([value] if isinstance(value, str) else value)


def expanded(items, pages, there):
    there = set(there)
    for item in items:
        if isinstance(item, dict):
            ((title, value),) = item.items()
            if not isinstance(value, str):
                value = list(expanded(value, pages, there))
            yield {title: value}
        elif "*" in item:
            yield from (
                page for page in fnmatch.filter(pages, item) if page not in there
            )
        else:
            yield item
