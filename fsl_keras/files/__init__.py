"""Atomic writing of files and folders, and the cache folder."""

from fsl_keras.files.writing import (
    NOT_UTF_8,
    SavesBeside,
    cache_folder,
    keep,
    read_json,
    read_kept,
    replacing,
    shipped_folder,
    write_json,
    write_text,
)

__all__ = [
    "NOT_UTF_8",
    "SavesBeside",
    "cache_folder",
    "keep",
    "read_json",
    "read_kept",
    "replacing",
    "shipped_folder",
    "write_json",
    "write_text",
]
