"""What all of `fsl_keras` adds to `import tensorflow, keras`, in seconds.

python benchmarks/import_time.py
"""

import statistics
import subprocess
import sys

CODE = """
import time
import tensorflow, keras
start = time.perf_counter()
from fsl_keras import *
print(time.perf_counter() - start)
"""


def main():
    runs = [
        float(subprocess.check_output([sys.executable, "-c", CODE])) for _ in range(5)
    ]
    print(f"{statistics.median(runs):.3f} s, median of {len(runs)} fresh processes")


if __name__ == "__main__":
    main()
