"""How often the prediction sets of calibrated classifiers contain the right class.

    python benchmarks/prediction_sets.py FOLDER --weights FILE

FOLDER holds a folder of photographs for each class, which MobileNetV2 of width 0.35
embeds. In each draw a classifier of cosine prototypes learns ten classes from ten
photographs each, is calibrated on these, and predicts sets for ten others of each
class. The mean over draws has a 95% interval.
"""

import argparse
import logging

import fsl_keras as fsl
import numpy as np

COVERAGES, WAYS, SHOTS, QUERIES = (0.8, 0.9, 0.95), 10, 10, 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--draws", type=int, default=200)
    arguments = parser.parse_args()
    logging.getLogger("tensorflow").setLevel("ERROR")  # retracing, in every draw
    backbone = fsl.backbones.pretrained(
        "mobilenet_v2", arguments.weights, alpha=0.35, input_shape=(224, 224, 3)
    )
    data = fsl.ClassDataset.from_directory(
        arguments.folder, image_size=(224, 224), channels=3
    )
    vectors, labels = fsl.features.embed_with_labels(data, backbone)
    learner = fsl.models.TransferLearner(backbone, "cosine").on_features()
    found = {coverage: [] for coverage in COVERAGES}
    for draw in range(arguments.draws):
        learned, asked = drawn(labels, np.random.default_rng(draw))
        names = labels[learned].astype(str).tolist()
        classifier = learner.adapt(vectors[learned], names, false_reject_rate=0.05)
        for coverage, rows in found.items():
            sets = classifier.predict_sets(vectors[asked], coverage)
            right = [str(labels[i]) in one for i, one in zip(asked, sets, strict=True)]
            rows.append((np.mean(right), np.mean([len(one) for one in sets])))
    print("| asked | covered | classes in a set |")
    print("|---|---|---|")
    for coverage, rows in found.items():
        covered, size = np.mean(rows, axis=0)
        error = 1.96 * np.std(rows, axis=0, ddof=1)[0] / np.sqrt(len(rows))
        print(
            f"| {100 * coverage:g} % | {100 * covered:.2f} ± {100 * error:.2f} % | "
            f"{size:.2f} |"
        )


def drawn(labels, rng):
    """Returns the rows to learn from, and others of the same classes to predict."""
    counts = np.bincount(labels)
    classes = rng.choice(np.flatnonzero(counts >= SHOTS + QUERIES), WAYS, replace=False)
    rows = [rng.permutation(np.flatnonzero(labels == number)) for number in classes]
    learned = np.concatenate([some[:SHOTS] for some in rows])
    asked = np.concatenate([some[SHOTS : SHOTS + QUERIES] for some in rows])
    return learned, asked


if __name__ == "__main__":
    main()
