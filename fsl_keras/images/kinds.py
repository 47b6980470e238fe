"""The kind of an image file, by its first bytes."""

import os
import stat

from fsl_keras.images.headers import SIGNATURES
from fsl_keras.typing import Path

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1"),
}
# Text may begin with the same two letters, so the size of the header is checked too.
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
# The number of bytes that are enough to find out the kind.
ENOUGH = 128


def kind_of_file(path: Path) -> str | None:
    """Returns the kind of an image file by its content, whatever its name.

    Args:
        path: string or `os.PathLike`.

    Returns:
        `"JPEG"`, `"PNG"`, `"GIF"`, `"BMP"`, `"WebP"`, `"TIFF"`, `"AVIF"`, `"HEIC"`, or
        None for any other file, and for a folder, pipe, socket or device.

    Raises:
        OSError: If the file cannot be opened.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "from_a_phone")
    >>> _ = path.write_bytes(b"\\xff\\xd8\\xff\\xe0")
    >>> kind_of_file(path)
    'JPEG'
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    with open(path, "rb") as file:
        return kind_of_bytes(file.read(ENOUGH))


def kind_of_bytes(contents: bytes) -> str | None:
    """Like `kind_of_file`, for the bytes of a file or the first 128 of them."""
    for name, (at, magic) in SIGNATURES.items():
        if contents[at : at + len(magic)] == magic and (
            name != "BMP" or int.from_bytes(contents[14:18], "little") in _BMP_HEADERS
        ):
            return name
    if contents[:4] in _TIFF:
        return "TIFF"
    if contents[4:8] == b"ftyp":
        size = min(int.from_bytes(contents[:4]), ENOUGH)
        brands = {contents[at : at + 4] for at in (8, *range(16, size, 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIC_BRANDS:
            return "HEIC"
    return None
