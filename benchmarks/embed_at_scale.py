"""Memory, disk and time of computing the features of a large data set in shards.

    python benchmarks/embed_at_scale.py --weights FILE
    python benchmarks/embed_at_scale.py --items 1000000 --simulated

First, pictures of 84 pixels are written to WebDataset archives, and go through
MobileNetV2 of width 0.35 by `features.embed_shard`, in two shards. With `--simulated`
the pictures are made from their numbers, and the backbone is a mean and a projection to
1,280 features, so that a million of them take minutes: this measures all but the
network. The resident memory is read ten times during each shard. Then the shards are
opened, and episodes are drawn from them. The pictures are noise in colors.
"""

import argparse
import io
import pathlib
import tarfile
import tempfile
import threading
import time

import fsl_keras as fsl
import keras
import numpy as np
from PIL import Image

from machine import describe

SIDE, FEATURES, IN_ARCHIVE, IN_CLASS = 84, 1280, 10_000, 500


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--simulated", action="store_true")
    arguments = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if arguments.simulated:
            data, backbone = simulated(arguments.items)
        else:
            archives(folder / "archives", arguments.items)
            data = fsl.ClassDataset.from_records(
                folder / "archives", (SIDE, SIDE), check_files=False
            )
            backbone = fsl.backbones.pretrained(
                "mobilenet_v2",
                arguments.weights,
                alpha=0.35,
                input_shape=(SIDE, SIDE, 3),
            )
        backbone.predict_on_batch(np.zeros((64, SIDE, SIDE, 3), "float32"))
        measure(data, backbone, folder / "features", arguments.shards)


def measure(data, backbone, folder, shards):
    """Prints the memory, the disk and the time of all shards, and of episodes."""
    items = int(data.class_sizes.sum())
    print(
        f"{items:,} items of {data.item_shape}, {shards} shards, "
        f"{4e-9 * items * FEATURES:.3f} GB of features said"
    )
    for shard in range(shards):
        start = time.perf_counter()
        with Memory() as memory:
            fsl.features.embed_shard(data, backbone, folder, shard, shards)
        took = time.perf_counter() - start
        some = memory.read[:: max(1, len(memory.read) // 9)]
        print(
            f"shard {shard}: {took:.0f} s, {items / shards / took:.0f} items a second; "
            f"memory in MB {', '.join(f'{m:.0f}' for m in some)}"
        )
    size = sum(path.stat().st_size for path in folder.glob("*.npy"))
    print(f"{1e-9 * size:.3f} GB of features on the disk")
    with Memory() as memory:
        start = time.perf_counter()
        found = fsl.features.read_shards(folder)
        took = time.perf_counter() - start
        start = time.perf_counter()
        episodes = found.episodes(ways=20, shots=5, queries=15)
        for count, _ in enumerate(episodes, 1):
            if count == 200:
                break
        rate = count / (time.perf_counter() - start)
    print(
        f"opened in {took:.1f} s; {rate:.0f} episodes a second (20-way 5-shot, 15 "
        f"queries); memory {max(memory.read) - memory.read[0]:+.0f} MB"
    )


def archives(folder, count):
    """Writes pictures and labels to WebDataset archives."""
    folder.mkdir()
    for first in range(0, count, IN_ARCHIVE):
        with tarfile.open(folder / f"{first // IN_ARCHIVE:04}.tar", "w") as archive:
            for number in range(first, min(first + IN_ARCHIVE, count)):
                file = io.BytesIO()
                Image.fromarray(picture(number)).save(file, "JPEG", quality=80)
                label = f"{number // IN_CLASS:05}".encode()
                for suffix, content in (("jpg", file.getvalue()), ("cls", label)):
                    member = tarfile.TarInfo(f"{number:07}.{suffix}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))


def picture(number):
    random = np.random.default_rng(number)
    image = random.integers(0, 200, 3) + random.normal(0, 30, (SIDE, SIDE, 3))
    return np.clip(image, 0, 255).astype("uint8")


class Simulated:
    """Pictures that are made when they are read."""

    item_shape, item_dtype = (SIDE, SIDE, 3), "float32"

    def __init__(self, count):
        self.count = count
        self.paths = np.asarray([f"{number:07}.jpg" for number in range(count)], object)

    def __len__(self):
        return self.count

    def read(self, rows):
        items = np.empty((len(rows), *self.item_shape), "uint8")
        items[:] = (np.asarray(rows) % 251).astype("uint8")[:, None, None, None]
        return items, np.arange(len(rows)), []


def simulated(count):
    """Returns a data set and a backbone that cost next to nothing."""
    rows = np.array_split(np.arange(count), count // IN_CLASS)
    names = [f"{number:05}" for number in range(len(rows))]
    backbone = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(FEATURES),
        ]
    )
    return fsl.ClassDataset(Simulated(count), rows, names, "simulated"), backbone


class Memory:
    """A context that reads the resident memory of this process in MB, every second.

    Pages of mapped files, which the system drops when it needs them, do not count.
    """

    def __enter__(self):
        self.read, self._done = [resident()], threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self):
        while not self._done.wait(1):
            self.read.append(resident())

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
        self.read.append(resident())


def resident():
    lines = pathlib.Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
