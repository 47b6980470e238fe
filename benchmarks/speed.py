"""Speed of training, evaluation and episodes, beside easyfsl's on the same work.

    python benchmarks/speed.py                                   # ours alone
    python benchmarks/speed.py --peer VENV/bin/python            # and the ratios
    python benchmarks/speed.py --peer VENV/bin/python --avx2     # without AVX-512

VENV is a virtual environment of its own with `pip install easyfsl==1.5.0`. Ours runs
with oneDNN on, which is the default, and off; then the peer runs, so that a machine
whose speed drifts slows all. The ratio of each round is taken, and the median of the
ratios is what counts. Let nothing else run meanwhile.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

from machine import SETTINGS, describe, environment

HERE = pathlib.Path(__file__).parent

# Bars: at most this share of easyfsl's time, or at least so many episodes per second.
BARS = {
    "episodes 5-way 1-shot 15-query": 10_000,
    "episodes 60-way 1-shot 5-query": 3_000,
    "episodes 20-way 5-shot 15-query": 3_000,
    "train 60-way 1-shot 5-query 28x28": 0.35,
    "train 5-way 5-shot 15-query 84x84": 0.40,
    "evaluate 60-way 1-shot 5-query 28x28": 0.30,
    "evaluate 5-way 5-shot 15-query 84x84": 0.30,
}
# Where they differ on a processor without AVX-512.
AVX2_BARS = {
    "train 60-way 1-shot 5-query 28x28": 0.48,
    "train 5-way 5-shot 15-query 84x84": 0.48,
}


def run(python, script, environment, only):
    """Returns what a worker measured: a dictionary from work to figure."""
    lines = subprocess.run(
        [python, HERE / script, only],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    return {row["work"]: row["value"] for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has easyfsl")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="works whose name contains this")
    parser.add_argument("--avx2", action="store_true", help="use no AVX-512")
    arguments = parser.parse_args()
    ours, theirs = {setting: [] for setting in SETTINGS}, []
    environments = {s: environment(s, arguments.avx2) for s in SETTINGS}
    only = arguments.only
    for _ in range(arguments.rounds):
        for setting, results in ours.items():
            results.append(
                run(sys.executable, "speed_ours.py", environments[setting], only)
            )
        if arguments.peer:
            own = environments["oneDNN on"]
            theirs.append(run(arguments.peer, "speed_easyfsl.py", own, only))
    print(describe(arguments.avx2))
    bars = {**BARS, **(AVX2_BARS if arguments.avx2 else {})}
    for setting, results in ours.items():
        print(f"\n{setting}\n")
        print("| work | ours | easyfsl | ratio (min, median, max) | bar |")
        print("|---|---|---|---|---|")
        for work in results[0]:
            print(row(work, results, theirs, bars.get(work, "")))
    print("\ntrain, evaluate: milliseconds per step; episodes: per second.")


def row(work, ours, theirs, bar):
    """Returns a row of the table: medians, and the ratio of each round."""
    ours_now = statistics.median(result[work] for result in ours)
    cells = [work, f"{ours_now:,.1f}", "", "", str(bar)]
    if theirs and work in theirs[0]:
        ratios = sorted(a[work] / b[work] for a, b in zip(ours, theirs, strict=True))
        cells[2] = f"{statistics.median(r[work] for r in theirs):,.1f}"
        middle = statistics.median(ratios)
        cells[3] = f"{ratios[0]:.2f}, {middle:.2f}, {ratios[-1]:.2f}"
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
