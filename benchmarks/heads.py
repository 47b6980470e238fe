"""Time and accuracy of the heads that need no training, on precomputed features.

    python benchmarks/heads.py                            # seeded Gaussian classes
    python benchmarks/heads.py --features features.npz    # arrays features, labels

Prints a row a head: seconds for all the episodes, drawing them included, and accuracies
on episodes with equally many queries of each class and on the same classes with
Dirichlet(2) distributed queries. Features are float `[n, d]`, not negative as after a
ReLU; labels are `n` integers.
"""

import argparse
import time

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras import heads
from fsl_keras.evaluation import evaluate

# What a row says, and how to make the head. Heads that are not there are left out.
ROWS = {
    "prototypes": ("PrototypeHead", {}),
    "prototypes, cosine": ("PrototypeHead", {"distance": "cosine"}),
    "nearest neighbor": ("NearestNeighborHead", {}),
    "SimpleShot": ("SimpleShotHead", {}),
    "ridge": ("RidgeHead", {}),
    "linear": ("LinearHead", {}),
    "linear, cosine": ("LinearHead", {"distance": "cosine"}),
    "soft k-means": ("SoftKMeansHead", {}),
    "BD-CSPN": ("BDCSPNHead", {}),
    "LaplacianShot": ("LaplacianShotHead", {}),
    "TIM": ("TIMHead", {}),
    "TIM, as the paper": ("TIMHead", {"steps": 1000, "learning_rate": 1e-4}),
    "alpha-TIM, alpha 2": ("TIMHead", {"alpha": 2.0}),
    "alpha-TIM, alpha 7": ("TIMHead", {"alpha": 7.0}),
    "PT-MAP": ("PTMAPHead", {}),
    "transductive fine-tuning": ("TransductiveFinetuningHead", {}),
}


def gaussian_classes(classes=20, items=200, dimensions=640, spread=3.0, seed=0):
    """Returns features of classes that overlap, and their labels."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(classes, dimensions))
    labels = np.repeat(np.arange(classes), items)
    noise = generator.normal(size=(len(labels), dimensions))
    return np.maximum(centres[labels] + spread * noise, 0).astype("float32"), labels


def measure(model, data, arguments, queries):
    """Returns the report of an evaluation and its seconds, tracing included."""
    episodes = data.episodes(
        arguments.ways,
        arguments.shots,
        queries,
        tasks=arguments.tasks,
        seed=arguments.seed,
        count=arguments.episodes,
    )
    start = time.perf_counter()
    report = evaluate(model, episodes)
    return report, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--features", help="an .npz of features [n, d] and labels [n]")
    parser.add_argument("--ways", type=int, default=5)
    parser.add_argument("--shots", type=int, default=1)
    parser.add_argument("--queries", type=int, default=15)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=100, help="episodes in one batch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="names of rows")
    arguments = parser.parse_args()
    if arguments.features:
        with np.load(arguments.features) as arrays:
            features, labels = arrays["features"], arrays["labels"]
    else:
        features, labels = gaussian_classes()
    data = fsl.ClassDataset.from_arrays(features, labels, name="features")
    identity = keras.Sequential(
        [keras.Input(data.item_shape), keras.layers.Identity(dtype="float32")]
    )
    imbalanced = fsl.episodes.DirichletQueries(arguments.queries, concentration=2)
    print(
        f"{data.summary()}; {arguments.episodes} episodes of {arguments.ways}-way "
        f"{arguments.shots}-shot, {arguments.queries} queries a class, seed "
        f"{arguments.seed}\n"
    )
    print("| head | kind, prior | seconds | balanced % | Dirichlet(2) % |")
    print("|---|---|---|---|---|")
    for row, (name, options) in ROWS.items():
        if not hasattr(heads, name) or (arguments.only and row not in arguments.only):
            continue
        head = getattr(heads, name)(**options)
        model = fsl.models.MetricModel(identity, head, name="head")
        reports, seconds = zip(
            *(
                measure(model, data, arguments, queries)
                for queries in (arguments.queries, imbalanced)
            ),
            strict=True,
        )
        kind = f"{head.kind}, {head.prior}" if hasattr(head, "prior") else head.kind
        cells = [f"{100 * r.accuracy:.2f} ± {100 * r.ci95:.2f}" for r in reports]
        print(
            f"| {row} | {kind} | {seconds[0]:.1f} | {' | '.join(cells)} |", flush=True
        )


if __name__ == "__main__":
    main()
