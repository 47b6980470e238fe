"""Seconds to draw the data set `glyphs`, and to load it again from the cache.

python benchmarks/glyphs_time.py
"""

import os
import tempfile
import time

os.environ["FSL_KERAS_HOME"] = tempfile.mkdtemp()

from fsl_keras import datasets


def main():
    for what in ("drawn", "loaded"):
        start = time.perf_counter()
        datasets.load("glyphs", split="train")
        print(f"{what} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
