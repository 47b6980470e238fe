"""Speed of a MAML training step, beside functional PyTorch's on the same work.

    python benchmarks/speed_maml.py                              # ours alone
    python benchmarks/speed_maml.py --peer VENV/bin/python       # and the ratios
    python benchmarks/speed_maml.py --peer VENV/bin/python --avx2

Conv-4 with 64 filters, 28x28, 5-way 1-shot 15-query, 5 inner steps, 4 tasks, through
`model.fit`. VENV is a virtual environment of its own that has torch. Ours runs with
oneDNN on, which is the default, and off; then the peer runs. `--avx2` keeps all of
them from using AVX-512. Let nothing else run meanwhile.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

from machine import SETTINGS, describe, environment

TASKS, WAYS, SHOTS, QUERIES, STEPS, RATE = 4, 5, 1, 15, 5, 0.4
# What we aim at, as a share of PyTorch's time.
BARS = {"maml_second_order": 0.60, "maml_first_order": 0.55}


def measure():
    """Prints a JSON line: milliseconds a step, and seconds to compile."""
    import fsl_keras as fsl
    import keras
    import numpy as np

    pictures = np.random.default_rng(0).random((400, 28, 28, 1), "float32")
    data = fsl.ClassDataset.from_arrays(pictures, np.repeat(np.arange(20), 20))
    episodes = data.episodes(WAYS, SHOTS, QUERIES, tasks=TASKS)
    for work in BARS:
        backbone = fsl.backbones.Conv4(data.item_shape)
        logits = keras.layers.Dense(WAYS, name="logits")(backbone.output)
        network = keras.Model(backbone.input, logits)
        model = fsl.models.MAML(network, STEPS, RATE, work == "maml_second_order")
        model.compile()
        seconds = []
        for steps in (1, 8, 8):
            start = time.perf_counter()
            model.fit(episodes, steps_per_epoch=steps, verbose=0)
            seconds.append((time.perf_counter() - start) / steps)
        row = {"work": work, "ms": 1e3 * min(seconds[1:]), "compile_s": seconds[0]}
        print(json.dumps(row), flush=True)


def run(environment, python, *arguments):
    lines = subprocess.run(
        [python, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    return {row["work"]: row for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has torch")
    parser.add_argument(
        "--peer-script",
        default=pathlib.Path(__file__).with_name("speed_maml_torch.py"),
        help="what the peer runs: any script that prints such lines as ours",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--avx2", action="store_true", help="use no AVX-512")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure()
        return
    ours, theirs = {setting: [] for setting in SETTINGS}, []
    environments = {s: environment(s, arguments.avx2) for s in SETTINGS}
    for _ in range(arguments.rounds):
        for setting, results in ours.items():
            own = environments[setting]
            results.append(run(own, sys.executable, __file__, "--measure"))
        if arguments.peer:
            own = environments["oneDNN on"]
            theirs.append(run(own, arguments.peer, arguments.peer_script))
    print(describe(arguments.avx2))
    for setting, results in ours.items():
        print(f"\n{setting}\n")
        print(
            "| work | ours, ms | torch, ms | ratio (min, median, max) | bar | compile |"
        )
        print("|---|---|---|---|---|---|")
        for work, bar in BARS.items():
            print(row(work, results, theirs, bar))


def row(work, ours, theirs, bar):
    """Returns a row of the table: medians, and the ratio of each round."""
    cells = [work, f"{statistics.median(r[work]['ms'] for r in ours):.0f}", "", ""]
    if theirs:
        ratios = sorted(
            a[work]["ms"] / b[work]["ms"] for a, b in zip(ours, theirs, strict=True)
        )
        cells[2] = f"{statistics.median(r[work]['ms'] for r in theirs):.0f}"
        middle = statistics.median(ratios)
        cells[3] = f"{ratios[0]:.2f}, {middle:.2f}, {ratios[-1]:.2f}"
    compiled = max(r[work]["compile_s"] for r in ours)
    return "| " + " | ".join([*cells, str(bar), f"{compiled:.0f} s"]) + " |"


if __name__ == "__main__":
    main()
