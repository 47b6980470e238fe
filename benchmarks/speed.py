"""Speed of training, evaluation and episodes, beside easyfsl's on the same work.

    python benchmarks/speed.py                                   # ours alone
    python benchmarks/speed.py --peer VENV/bin/python            # and the ratios

VENV is a virtual environment of its own with `pip install easyfsl==1.5.0`. Both run
in turn, so that a machine whose speed drifts slows both; the ratio of each pair is
taken, and the median of the ratios is what counts. Let nothing else run meanwhile.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent

# What we aim at: at most a share of easyfsl's time, at least episodes a second.
BARS = {
    "episodes 5-way 1-shot 15-query": 10_000,
    "episodes 60-way 1-shot 5-query": 3_000,
    "episodes 20-way 5-shot 15-query": 3_000,
    "train 60-way 1-shot 5-query 28x28": 0.35,
    "train 5-way 5-shot 15-query 84x84": 0.40,
    "evaluate 60-way 1-shot 5-query 28x28": 0.30,
    "evaluate 5-way 5-shot 15-query 84x84": 0.30,
}


def run(python, script):
    """Returns what a worker measured: a dictionary from work to figure."""
    lines = subprocess.run(
        [python, HERE / script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    return {row["work"]: row["value"] for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has easyfsl")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        ours.append(run(sys.executable, "speed_ours.py"))
        if arguments.peer:
            theirs.append(run(arguments.peer, "speed_easyfsl.py"))
    print("| work | ours | easyfsl | ratio (min, median, max) | bar |")
    print("|---|---|---|---|---|")
    for work in ours[0]:
        ours_now = statistics.median(result[work] for result in ours)
        cells = [work, f"{ours_now:,.1f}", "", "", str(BARS.get(work, ""))]
        if theirs and work in theirs[0]:
            ratios = sorted(
                a[work] / b[work] for a, b in zip(ours, theirs, strict=True)
            )
            cells[2] = f"{statistics.median(r[work] for r in theirs):,.1f}"
            cells[3] = (
                f"{ratios[0]:.2f}, {statistics.median(ratios):.2f}, {ratios[-1]:.2f}"
            )
        print("| " + " | ".join(cells) + " |")
    print("\ntrain, evaluate: milliseconds a step; episodes: a second.")


if __name__ == "__main__":
    main()
