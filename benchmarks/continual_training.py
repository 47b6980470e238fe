"""A network that is trained on sessions of new characters, beside exact memories.

    python benchmarks/continual_training.py --output benchmarks/reports

The backbone of the preset `prototypical_conv4_glyphs` was trained on printed glyphs. It
meets ten sessions of 20 handwritten characters of the evaluation alphabets of Omniglot
("omniglot/lake"): five drawings of each to learn from, 15 to test. Its last block is
trained on each session. The blocks before are frozen, so that each drawing passes
through them once, and exemplars are held as their output. Compared are, on the same
sessions,

- unprotected fine-tuning, as a warning;
- the same with exemplars and distillation, with distillation and prototypes that drift
  compensation moves, and with all three;
- exact memories of the frozen backbone: linear discriminant analysis and prototypes.

For each seed characters, their order and their drawings are drawn. Settings were chosen
on the five validation alphabets (`--split validation --sessions 5`). Intervals are 95%
intervals of Student's t over the seeds.
"""

import argparse
import pathlib

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.continual import FineTuningLearner, HerdingExemplars

import continual_protocol

PRESET = "prototypical_conv4_glyphs"
LEARNED, TESTED, SESSION = 5, 15, 20
EXACT = "linear discriminant analysis"


def learners(block, arguments):
    """Returns a dictionary from the name of a method to its learner."""

    def tuned(budget=0, **options):
        exemplars = HerdingExemplars(budget, block.predict_on_batch) if budget else None
        return FineTuningLearner(
            block,
            "all",
            exemplars,
            steps=arguments.steps,
            learning_rate=arguments.rate,
            **options,
        )

    budget, weight = arguments.budget, arguments.distillation
    return {
        "unprotected fine-tuning": tuned(distillation=0.0),
        "distillation and drift compensation": tuned(
            distillation=weight, prototypes=True
        ),
        "exemplars and distillation": tuned(budget, distillation=weight),
        "all three": tuned(budget, distillation=weight, prototypes=True),
        EXACT: fsl.models.TransferLearner(block, "lda"),
        "prototypes": fsl.models.TransferLearner(block, "prototypes"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--split", default="test", choices=["validation", "test"])
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--distillation", type=float, default=1.0)
    parser.add_argument("--budget", type=int, default=10**6, help="in bytes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path)
    arguments = parser.parse_args()
    lower, block = halves(fsl.presets.backbone(PRESET))
    data = fsl.datasets.load("omniglot/lake", split=arguments.split)
    reports = {}
    for seed in range(arguments.seeds):
        sessions, test = draw(data, lower, arguments.sessions, seed)
        for name, learner in learners(block, arguments).items():
            report = fsl.continual.evaluate(learner, sessions, test, name, cache=False)
            reports.setdefault(name, []).append(report)
            print(f"seed {seed} | {report}", flush=True)
    if arguments.output is not None:
        write(arguments, reports)


def halves(backbone):
    """Returns the first three blocks of a Conv-4, as vectors, and the last one."""
    maps = backbone.get_layer("relu3").output
    lower = keras.Model(backbone.input, keras.layers.Flatten()(maps))
    item = keras.Input(lower.output_shape[1:])
    x = keras.layers.Reshape(maps.shape[1:])(item)
    for name in ("conv4", "norm4", "pool4", "relu4", "embedding"):
        x = backbone.get_layer(name)(x)
    return lower, keras.Model(item, x)


def draw(data, lower, sessions, seed):
    """Draws sessions of characters, and drawings to learn from and to test on."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(data.class_names)[: sessions * SESSION].tolist()
    learned, tested = [], []
    for name in names:
        images = rng.permutation(data.class_items(name)) / np.float32(255)
        maps = np.asarray(lower.predict_on_batch(images))
        learned.append(maps[:LEARNED])
        tested.append(maps[LEARNED : LEARNED + TESTED])
    parts = [
        (
            np.concatenate(learned[start : start + SESSION]),
            np.repeat(names[start : start + SESSION], LEARNED).tolist(),
        )
        for start in range(0, len(names), SESSION)
    ]
    return parts, (np.concatenate(tested), np.repeat(names, TESTED).tolist())


def write(arguments, reports):
    """Writes a report of all methods, one row each, and a chart."""
    ways = arguments.sessions * SESSION
    protocol = {
        "dataset": f"omniglot/lake {arguments.split}, {arguments.sessions} sessions",
        "ways": ways,
        "shots": LEARNED,
        "queries": TESTED,
        "seeds": list(range(arguments.seeds)),
        "kind": "inductive",
        "batch_norm": "running",
    }
    continual_protocol.write(
        arguments.output / "continual_training",
        "Continual learning: the last block trained on each session",
        "python benchmarks/continual_training.py --output benchmarks/reports",
        f"Accuracy after the last session over all {ways} characters, {LEARNED} "
        f"drawings of each, {arguments.seeds} draws of characters, order and drawings, "
        f"95% intervals over the draws. The frozen blocks and the initial last block "
        f"are those of {PRESET}. Each session is trained by {arguments.steps} batches "
        f"of 64, the learning rate {arguments.rate:g}, distillation weighs "
        f"{arguments.distillation:g}, and exemplars take {arguments.budget:,} bytes.",
        continual_protocol.rows_of(reports, protocol, EXACT),
        reports,
    )


if __name__ == "__main__":
    main()
