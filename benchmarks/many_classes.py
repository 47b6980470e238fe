"""Time, memory and accuracy of a classifier of very many classes.

    python benchmarks/many_classes.py
    python benchmarks/many_classes.py --accuracy
    python benchmarks/many_classes.py --index

MobileNetV2 1.0 under cosine prototypes, pictures of 224 pixels. The features of the
classes are synthetic: `--latent` random factors of each class, mixed by a random matrix
into 1,280 numbers, without the negative ones; those of an example are its class's and
noise. The weights of the network are random and the pictures noise: neither changes the
time.

The first command prints the time of `predict_classes(top=5)` and of `add_class` beyond
that of the network alone on the same pictures (rounds of both alternate, the medians
are subtracted), of `save` and of loading, and the memory of a new process that loads
the classifier and predicts, over one that has the network alone and predicts. It
repeats this for quantized classifiers; `--modes float32` leaves them out.

`--accuracy` compares float32 with 16 and 8 bits on real data: all classes of Omniglot's
validation split (Vinyals et al., rotations as classes) at once, the features of the
preset `prototypical_conv4_omniglot`, the first 5 drawings of a class learned and the
other 15 predicted, running BatchNorm statistics.

`--index` builds an index and prints the recall at 5: the fraction of the 5 most
probable classes, found by comparing all, that the index finds too. With `--features
256` a random matrix maps the output of the network, so that a million classes fit. Let
nothing else run meanwhile.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import fsl_keras as fsl
import keras
import numpy as np

from machine import describe

SIZE, TOP, QUERIES = 224, 5, 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--classes", type=int, default=100_000)
    parser.add_argument("--modes", nargs="+", default=["float32", "float16", "int8"])
    parser.add_argument("--features", type=int, default=1280)
    parser.add_argument("--latent", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--accuracy", action="store_true")
    parser.add_argument("--index", action="store_true")
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "int8"])
    parser.add_argument("--expansions", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--probe", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.probe is not None:
        probe(arguments.probe, arguments.features)
        return
    print(describe())
    if arguments.accuracy:
        compare_accuracy()
    elif arguments.index:
        compare_index(arguments)
    else:
        for mode in arguments.modes:
            measure(mode, arguments)


def make_network(features=1280):
    keras.utils.set_random_seed(0)
    shape = (SIZE, SIZE, 3)
    network = fsl.backbones.pretrained("mobilenet_v2", None, input_shape=shape)
    if features == 1280:
        return network
    return keras.Sequential([network, keras.layers.Dense(features)])


def make_features(classes, features, latent, seed=0):
    """Returns the features of classes, and a function to examples of some."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(latent, features)).astype("float32") / np.sqrt(latent)
    factors = rng.normal(size=(classes, latent)).astype("float32")

    def examples(numbers, noise=0.5):
        near = factors[numbers]
        near = near + noise * rng.normal(size=near.shape).astype("float32")
        return np.maximum(near @ mixing, 0)

    return np.maximum(factors @ mixing, 0), examples


def make_classifier(arguments):
    """Returns a classifier, its network, and a function to further examples."""
    network = make_network(arguments.features)
    learner = fsl.models.TransferLearner(network, "cosine")
    features, examples = make_features(
        arguments.classes, arguments.features, arguments.latent
    )
    start = time.perf_counter()
    classifier = learner.adapt_features(features, np.arange(arguments.classes))
    print(
        f"{arguments.classes} classes learned in {time.perf_counter() - start:.1f} s",
        flush=True,
    )
    return classifier, network, examples


def measure(mode, arguments):
    """Prints times and memory of a classifier whose prototypes have a dtype."""
    print(f"\n{mode}")
    classifier, network, _ = make_classifier(arguments)
    if mode != "float32":
        classifier.quantize_classes(mode)
    alone, predicted, embedded, added = [], [], [], []
    for number in range(1 + arguments.rounds):
        one, few = noise(1, number), noise(5, 1000 + number)
        times = (
            seconds(lambda: network.predict_on_batch(one / np.float32(255))),  # noqa: B023
            seconds(lambda: classifier.predict_classes(one, top=TOP)),  # noqa: B023
            seconds(lambda: network.predict_on_batch(few / np.float32(255))),  # noqa: B023
            seconds(lambda: classifier.add_class(f"new {number}", few)),  # noqa: B023
        )
        if number:  # the first round traces
            for kept, value in zip(
                (alone, predicted, embedded, added), times, strict=True
            ):
                kept.append(1000 * value)
    print_beyond("predict_classes(top=5), ms a picture", predicted, alone, 25)
    print_beyond("add_class of 5 pictures, ms", added, embedded, 50)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "classifier.keras")
        print_bar("save, s", seconds(lambda: classifier.save(path)), 5)
        print(f"  file: {path.stat().st_size / 1e6:.0f} MB")
        print_bar("load, s", seconds(lambda: keras.saving.load_model(path)), 5)
        with_classes = run_probe(str(path), arguments)
        alone_mb = run_probe("network", arguments)
    prototypes = arguments.classes * arguments.features * 4 / 2**20
    more = with_classes["resident"] - alone_mb["resident"]
    print_bar("memory over float32 prototypes", more / prototypes, 1.3)
    print(
        f"  {more:.0f} MiB for prototypes of {prototypes:.0f} MiB in float32; peak "
        f"{with_classes['peak'] - alone_mb['peak']:.0f} MiB, while loading",
        flush=True,
    )


def run_probe(what, arguments):
    """Returns the memory in MiB of a new process, see `probe`."""
    command = [sys.executable, __file__, "--probe", what]
    command += ["--features", str(arguments.features)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def probe(what, features):
    """Prints the memory of this process, which predicts as a classifier or network."""
    image = noise(1, 0)
    if what == "network":
        network = make_network(features)
        for _ in range(3):
            network.predict_on_batch(image / np.float32(255))
    else:
        classifier = keras.saving.load_model(what)
        for _ in range(3):
            classifier.predict_classes(image, top=TOP)
    print(json.dumps({"resident": status("VmRSS"), "peak": status("VmHWM")}))


def compare_accuracy():
    """Prints the accuracy of prototypes in 32, 16 and 8 bits on Omniglot."""
    data = fsl.datasets.load("omniglot", split="validation")
    learner = fsl.from_preset("prototypical_conv4_omniglot")
    embedded = fsl.features.embed(data, learner.backbone)
    items = [np.asarray(embedded.class_items(name)) for name in embedded.class_names]
    learned = np.concatenate([each[:5] for each in items])
    asked = np.concatenate([each[5:] for each in items])
    right = np.repeat(np.arange(len(items)), [len(each) - 5 for each in items])
    for distance in ("squared_euclidean", "cosine"):
        head = fsl.heads.PrototypeHead(distance)
        model = fsl.models.MetricModel(learner.backbone, head)
        exact = None
        for mode in ("float32", "float16", "int8"):
            classifier = model.adapt_features(
                learned, np.repeat(np.arange(len(items)), 5)
            )
            if mode != "float32":
                classifier.quantize_classes(mode)
            found = best_classes(classifier, asked)
            exact = found if exact is None else exact
            first, five = found[:, 0] == right, (found == right[:, None]).any(-1)
            print(
                f"{distance}, {mode}: {len(items)}-way 5-shot, {len(asked)} queries: "
                f"top 1 {percent(first)}, top 5 {percent(five)}, the first class of "
                f"float32 for {100 * np.mean(found[:, 0] == exact[:, 0]):.2f} %",
                flush=True,
            )


def compare_index(arguments):
    """Prints the time and the recall at 5 of indexes."""
    classifier, network, examples = make_classifier(arguments)
    rng = np.random.default_rng(1)
    queries = examples(rng.integers(0, arguments.classes, QUERIES))
    exact = best_classes(classifier, queries)
    image = noise(1, 0)
    for dtype in arguments.dtypes:
        built = seconds(lambda: classifier.build_index(dtype, verbose=1))  # noqa: B023
        for expansion in arguments.expansions:
            classifier.index.expansion_search = expansion
            found = best_classes(classifier, queries)
            both = (found[:, :, None] == exact[:, None]).any(-1).mean(axis=1)
            alone, predicted = [], []
            for _ in range(arguments.rounds):
                floats = image / np.float32(255)
                alone.append(1000 * seconds(lambda: network.predict_on_batch(floats)))  # noqa: B023
                predicted.append(
                    1000 * seconds(lambda: classifier.predict_classes(image, top=TOP))
                )
            beyond = statistics.median(predicted) - statistics.median(alone)
            print(
                f"{dtype}, expansion_search {expansion}: recall at 5 {percent(both)} "
                f"({QUERIES} queries), built in {built:.0f} s, {beyond:.1f} ms a "
                f"picture beyond the network",
                flush=True,
            )


def best_classes(classifier, features):
    """Returns the numbers `[n, 5]` of the most probable classes of features."""
    from fsl_keras.classifier.predictions import top_classes

    parts = [features[i : i + 64] for i in range(0, len(features), 64)]
    return np.concatenate([top_classes(classifier, part, TOP)[1] for part in parts])


def percent(values):
    """Returns a mean with its 95 % interval, in percent."""
    half = 196 * np.std(values) / np.sqrt(len(values))
    return f"{100 * np.mean(values):.2f} ± {half:.2f} %"


def print_beyond(label, whole, part, bar):
    print(
        f"  medians {statistics.median(whole):.1f} and {statistics.median(part):.1f} ms"
    )
    print_bar(label, statistics.median(whole) - statistics.median(part), bar)


def print_bar(label, value, bar):
    met = "met" if value <= bar else "MISSED"
    print(f"{label}: {value:.2f} (bar {bar}: {met})", flush=True)


def noise(count, seed):
    """Returns random pictures, uint8 `[count, size, size, 3]`."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, SIZE, SIZE, 3), "uint8")


def status(name):
    """Returns a figure of the memory of this process in MiB."""
    lines = pathlib.Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(x.split()[1]) / 1024 for x in lines if x.startswith(name))


def seconds(function):
    """Returns the seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
