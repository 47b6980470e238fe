"""What kind of image file the first bytes tell."""

import os
import stat

from fsl_keras.images.headers import SIGNATURES

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1"),
}
# A text may begin with the two letters, so the size of the header must be right too.
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
# So many bytes tell the kind.
ENOUGH = 128


def kind_of_file(path):
    """Tells the kind of an image file by its content, whatever its name.

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


def kind_of_bytes(contents):
    """As `kind_of_file`, of the bytes of a file or its first 128."""
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
