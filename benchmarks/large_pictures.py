"""The peak memory of reading four pictures of 10,000 x 10,000 pixels, on Linux.

python benchmarks/large_pictures.py
"""

import io
import multiprocessing
import pathlib
import tempfile

import numpy as np
from fsl_keras import images
from PIL import Image

SIDE, COUNT = 10_000, 4


def encoded():
    """Yields pairs of a kind of file and its bytes."""
    Image.MAX_IMAGE_PIXELS = None
    ramp = np.arange(SIDE) * 255 // SIDE
    values = np.broadcast_to(ramp, (SIDE, SIDE)).astype("uint8")
    image = Image.fromarray(np.stack([values, values.T, 255 - values], axis=-1))
    turned = Image.Exif()
    turned[0x0112] = 6
    seen = image.copy()
    seen.putalpha(Image.fromarray(values))
    for name, saved, form, options in [
        ("JPEG", image, "JPEG", {}),
        ("JPEG, turned by EXIF", image, "JPEG", {"exif": turned.tobytes()}),
        ("JPEG, progressive", image, "JPEG", {"progressive": True}),
        ("PNG", image, "PNG", {"compress_level": 1}),
        ("PNG, transparent", seen, "PNG", {"compress_level": 1}),
        ("GIF", image.quantize(64), "GIF", {}),
        ("WebP", image, "WEBP", {"method": 0}),
    ]:
        file = io.BytesIO()
        saved.save(file, form, **options)
        yield name, file.getvalue()


def measure(contents, channels):
    """Returns the megabytes above those of one small picture."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, str(number)) for number in range(COUNT)]
        for path in paths:
            path.write_bytes(contents)
        small = pathlib.Path(folder, "small")
        Image.new("RGB", (8, 8)).save(small, "PNG")
        images.read([small], (224, 224), channels)
        before = peak()
        images.read(paths, (224, 224), channels, threads=COUNT)
        return (peak() - before) / 1000


def peak():
    """Returns the most kilobytes that this process ever had."""
    # `getrusage` would count those of the process that started this one.
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    for name, contents in encoded():
        # Each in a process of its own, as a peak is never forgotten.
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            rows = pool.starmap(measure, [(contents, 3), (contents, 1)], chunksize=1)
        cells = " | ".join(f"{megabytes:.0f} MB" for megabytes in rows)
        print(f"| {name} | {cells} |", flush=True)
