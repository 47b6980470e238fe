"""Matching networks: a prediction is a weighted vote of the support examples.

A query is compared with every example of the support set; the softmax of the
similarities is attention, and the probability of a class is the attention to its
examples (Vinyals et al., 2016, https://arxiv.org/abs/1606.04080). Training moves the
attention to examples of the right class, and the figure shows it.

Printed, 5-way 1-shot, 15 queries per class, 300 episodes (seed 2): untrained 61.7% ±
1.4%, after 250 steps 88.1% ± 1.0%. With 3 shots, 68 images of four Georgian letters
give 89.9% of their attention to examples of their own letter.

    python examples/10_matching_networks.py [FOLDER FOR THE IMAGES]
"""

import pathlib
import sys

import fsl_keras as fsl
import keras
import numpy as np

PICTURES = pathlib.Path(__file__).parent / "pictures"


def main(folder=PICTURES, steps=250, count=300):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    train, test = (fsl.datasets.load("glyphs", split=s) for s in ("train", "test"))

    model = fsl.models.MatchingNetwork(fsl.backbones.Conv4(train.item_shape))
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    exam = test.episodes(ways=5, shots=1, queries=15, tasks=10, seed=2, count=count)
    before = fsl.evaluation.evaluate(model, exam, "untrained")
    model.fit(
        train.episodes(ways=20, shots=1, queries=5, seed=0),
        steps_per_epoch=steps,
        verbose=2,
    )
    after = fsl.evaluation.evaluate(
        model, exam, "matching network", training_classes=train.class_names
    )
    for report in (before, after):
        print(report)
    print(f"learned scale: {float(model.head.scale):.1f}, at first 10.0")

    to_own_class = look(model, test, folder)
    return {
        "before": before.accuracy,
        "after": after.accuracy,
        "overlap": after.protocol["overlap"],
        "attention": to_own_class,
    }


def look(model, data, folder, shots=3, drawn=2):
    """Shows four Georgian letters; returns the share of attention to the right ones."""
    letters = [name for name in data.class_names if name.startswith("GEORGIAN")][:4]
    items = np.stack([data.class_items(name) for name in letters]) / np.float32(255)
    letters = [name.split()[-1] for name in letters]
    # Several examples of a letter, to see which of them a query takes after.
    support, query = np.concatenate(items[:, :shots]), np.concatenate(items[:, shots:])
    labels, truth = (np.repeat(np.arange(4), len(x) // 4) for x in (support, query))

    x = fsl.episodes.make_episode(support, labels, query)
    state = model.adapt_state(x["support"], x["support_labels"])
    weights = model.head.attention(state, model.embed(x["query"]))[0].numpy()
    is_own = truth[:, None] == labels  # [queries, examples]
    share = float(np.sum(weights * is_own) / len(query))
    print(
        f"{len(query)} pictures of {letters}, {shots} shots: {share:.1%} of their "
        f"attention goes to examples of their own letter"
    )

    some = np.concatenate([np.flatnonzero(truth == i)[:drawn] for i in range(4)])
    figure = fsl.plots.attention(
        support, labels, query[some], weights[some], letters, truth[some]
    )
    figure.savefig(folder / "10_attention.png", dpi=80)
    return share


if __name__ == "__main__":
    main(*sys.argv[1:2])
