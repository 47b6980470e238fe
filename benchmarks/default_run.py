"""The run of `fsl-keras train` without options: its phases, and how it was chosen.

    python benchmarks/default_run.py                   # seconds of each phase
    python benchmarks/default_run.py --choose muon 400 0.005

The second form trains with an optimizer, steps and a learning rate, and measures on the
validation scripts. Let nothing else run meanwhile.
"""

import argparse
import contextlib
import pathlib
import tempfile
import time


@contextlib.contextmanager
def phase(name):
    start = time.perf_counter()
    yield
    print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)


def phases(folder):
    """Prints the seconds of each phase but the steps of training."""
    with phase("imports"):
        from fsl_keras import datasets
        from fsl_keras.training import Options, Run, train, write_report
    with phase("drawing"):
        datasets.load("glyphs", "train")
    with phase("20 steps of training, compilation included"):
        steps = {"steps": 20, "steps_per_epoch": 20}
        run = Run.start(folder, Options.suited({"train": steps}))
        learner = train(run)
    with phase("tests, classifier, export and figures"):
        write_report(run, learner)


def choose(folder, optimizer, steps, learning_rate):
    """Prints the accuracy on the validation scripts after training."""
    from fsl_keras import datasets
    from fsl_keras.evaluation import evaluate
    from fsl_keras.training import Options, Run, train

    chosen = {"optimizer": optimizer, "steps": steps, "learning_rate": learning_rate}
    learner = train(Run.start(folder, Options.suited({"train": chosen})))
    data = datasets.load("glyphs", "validation")
    for ways, shots in ((5, 1), (5, 5), (20, 1)):
        print(evaluate(learner, data.episodes(ways, shots, 15, seed=7, count=600)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--choose", nargs=3, metavar=("OPTIMIZER", "STEPS", "LEARNING_RATE")
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        folder = pathlib.Path(parent, "run")
        if arguments.choose:
            optimizer, steps, rate = arguments.choose
            choose(folder, optimizer, int(steps), float(rate))
        else:
            phases(folder)


if __name__ == "__main__":
    main()
