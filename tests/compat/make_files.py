"""Writes the files and outputs that `test_saved_files.py` compares with.

Files of an older version cannot be made again by a newer one, so this ran once, in a
checkout of that version:

    git worktree add ../old 6b3a138 && cd ../old
    PYTHONPATH=. python .../make_files.py .../files_0_1
    git worktree add ../later 3f15a63 && cd ../later
    PYTHONPATH=. python .../make_files.py .../files_0_1/later prototypical unknown

The names of arguments in it are those of that version and stay as they are. They are
given values that are not the defaults, so that a file of which one is not read any more
gives other outputs. `outputs_of` is what the test calls as well.
"""

import json
import pathlib
import re
import sys
import zipfile

import fsl_keras as fsl  # isort: skip  (sets the variables of TensorFlow first)
import keras
import numpy as np
from keras import layers as klayers

from fsl_keras import backbones, heads, layers, losses, models
from fsl_keras.backbones.multi_orientation import Apart, Orientations, SideBySide
from fsl_keras.backbones.multi_view import MeanOfViews
from fsl_keras.layers import augmentation
from fsl_keras.optimizers import ConvMuon
from fsl_keras.pretraining import SupervisedPretraining

WAYS, SHOTS, QUERIES = 3, 2, 4
IMAGE = (16, 16, 1)


def episode(shape, seed=0):
    """An episode of two tasks, as a learner takes it."""
    rng = np.random.default_rng(seed)
    classes = np.arange(WAYS).repeat(SHOTS)
    centers = rng.random((2, WAYS, *shape))
    support, query = (
        0.7 * centers[:, ways] + 0.3 * rng.random((2, len(ways), *shape))
        for ways in (classes, np.arange(QUERIES) % WAYS)
    )
    labels = np.tile(np.eye(WAYS)[classes], (2, 1, 1))
    return {
        "support": support.astype("float32"),
        "support_labels": labels.astype("float32"),
        "query": query.astype("float32"),
    }


def disturbed(model, seed=0):
    """Changes all weights a little, so that none has the value it is made with."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.dtype != "float32":
            continue  # seeds of random numbers
        noise = rng.random(weight.shape).astype("float32")
        weight.assign(weight * (1 + 0.2 * noise) + 0.1 * noise)
    return model


def dense(units=6):
    return keras.Sequential(
        [keras.Input((4,)), klayers.Dense(units, "relu", name="map")], name="vectors"
    )


def conv():
    """Feature maps of two by two places."""
    return keras.Sequential(
        [keras.Input((4, 4, 1)), klayers.Conv2D(4, 3, 2, "same")], name="maps"
    )


def conv4(**kwargs):
    return backbones.Conv4(IMAGE, filters=3, **kwargs)


def network(backbone):
    return keras.Sequential([backbone, klayers.Dense(WAYS, name="classes")])


def stack(*layers):
    return keras.Sequential([keras.Input(IMAGE), *layers])


def with_head(head):
    backbone = conv() if head.embedding_rank == 3 else dense()
    return models.MetricModel(backbone, head)


HEADS = {
    "bd_cspn": lambda: heads.BDCSPNHead(5.0),
    "dense": lambda: heads.DenseHead(5, 7, 0.02, seed=3),
    "feat": lambda: heads.FEATHead(3, 2, 0.3, 32.0),
    "laplacian_shot": lambda: heads.LaplacianShotHead(3, 0.6, 4),
    "linear": lambda: heads.LinearHead("linear", 5, 0.5, 0.01),
    "linear_cosine": lambda: heads.LinearHead("cosine", 5, 0.5, 0.01, 4.0),
    "logistic": lambda: heads.LogisticHead(0.2, 12),
    "matching": lambda: heads.MatchingHead(False, 5.0),
    "matching_full": lambda: heads.MatchingHead(True, 5.0, 2, 6),
    "nearest_neighbor": lambda: heads.NearestNeighborHead(2, "cosine"),
    "prototype": lambda: heads.PrototypeHead("cosine", 5.0),
    "prototype_distance": lambda: heads.PrototypeHead("squared_euclidean", 5.0),
    "pt_map": lambda: heads.PTMAPHead(0.6, 1.5, 0.3, 3),
    "reconstruction": lambda: heads.ReconstructionHead(0.5, 5.0, True, True),
    "reconstruction_plain": lambda: heads.ReconstructionHead(0.5, 5.0, False, False),
    "relation": lambda: heads.RelationHead(3, 5, 0.9, "mean"),
    "ridge": lambda: heads.RidgeHead(0.5, 5.0, True, True),
    "ridge_plain": lambda: heads.RidgeHead(0.5, 5.0, False, False),
    "siamese": lambda: heads.SiameseHead("sigmoid", "max"),
    "siamese_distance": lambda: heads.SiameseHead("distance", "mean"),
    "simple_shot": heads.SimpleShotHead,
    "soft_k_means": lambda: heads.SoftKMeansHead(2),
    "tim": lambda: heads.TIMHead(None, 4, 0.02, 8.0),
    "tim_alpha": lambda: heads.TIMHead(3.0, 4, 0.02, 8.0),
    "transductive_finetuning": lambda: heads.TransductiveFinetuningHead(4, 0.02, 2.0),
    "whitened": lambda: heads.WhitenedHead(0.4),
}

LEARNERS = {
    "baseline": lambda: models.Baseline(dense(), 5, 0.5, 0.01),
    "baseline_plus_plus": lambda: models.BaselinePlusPlus(dense(), 5, 0.5, 0.01, 4.0),
    "feat": lambda: models.FEAT(dense(), 2, 0.3, 32.0, 0.2),
    "frozen": lambda: models.FrozenFeatureModel(dense(), heads.RidgeHead(0.5)),
    "maml": lambda: models.MAML(
        network(conv4(pooling="average")),
        inner_steps=2,
        inner_rate=0.05,
        adapt_scope="all",
        inner_rates="per_layer_per_step",
        batch_norm="per_step",
        multi_step_updates=3,
    ),
    "maml_head": lambda: models.MAML(
        dense(),
        inner_steps=2,
        inner_rate=0.05,
        second_order=False,
        adapt_scope="head",
        inner_rates="per_parameter",
        batch_norm="running",
        test_steps=3,
        shared_head=True,
        one_task_at_a_time=True,
    ),
    "matching": lambda: models.MatchingNetwork(dense(), True, 5.0, 2),
    "meta_baseline": lambda: models.MetaBaseline(dense(), 5.0),
    "nearest_neighbor": lambda: models.NearestNeighbor(dense(), 2, "cosine"),
    "proto_maml": lambda: models.ProtoMAML(
        network(dense()),
        inner_steps=2,
        inner_rate=0.05,
    ),
    "prototypical": lambda: models.PrototypicalNetwork(conv4(), "cosine", 5.0),
    "reconstruction": lambda: models.ReconstructionNetwork(
        conv4(pooling=None, pooled_blocks=3), 0.5, 5.0, True, True, True
    ),
    "relation": lambda: models.RelationNetwork(conv4(pooling=None), 3, 5, 0.9, "mean"),
    "reptile": lambda: models.Reptile(
        network(dense()),
        inner_steps=2,
        inner_rate=0.02,
        inner_batch=5,
        batch_norm="running",
        test_steps=3,
    ),
    "ridge": lambda: models.RidgeRegressionNetwork(dense(), 0.5, 5.0, True),
    "siamese": lambda: models.SiameseNetwork(dense(), "sigmoid", "max"),
    "simple_shot": lambda: models.SimpleShot(dense()),
    "transfer": lambda: models.TransferLearner(
        conv4(), "whitened", unfreeze="conv4", backbone_rate=1e-4
    ),
}

BACKBONES = {
    "conv4_average": lambda: conv4(pooling="average", momentum=0.9),
    "conv4_filters": lambda: backbones.Conv4(IMAGE, [2, 3, 2, 4], momentum=0.9),
    "conv4_maps": lambda: conv4(pooling=None, pooled_blocks=2),
    "conv4_stride": lambda: conv4(downsampling="stride"),
    "multi_view": lambda: backbones.MultiView(conv4(), 8.0, 0.1, 0.1, 1.0, True),
    "multi_orientation": lambda: backbones.MultiOrientation(conv4()),
    "multi_orientation_maps": lambda: backbones.MultiOrientation(conv4(pooling=None)),
    "resnet12": lambda: backbones.ResNet12(
        IMAGE, (1, 2, 2, 3), drop_block=0.1, block_size=3, momentum=0.9
    ),
    # Layers that the models above hold inside.
    "apart": lambda: stack(Orientations(), Apart()),
    "cosine_dense": lambda: stack(klayers.Flatten(), layers.CosineDense(3, 5.0)),
    "mean_of_views": lambda: stack(MeanOfViews(2)),
    "side_by_side": lambda: stack(Orientations(), klayers.Flatten(), SideBySide()),
}

LARGE_BACKBONES = {
    "resnet18": lambda: backbones.ResNet18(IMAGE, True, momentum=0.9),
    "resnet18_maps": lambda: backbones.ResNet18((32, 32, 1), False, None),
    "pretrained": lambda: backbones.pretrained("vgg16", None, (32, 32, 3)),
}

SHIFTS = (9.0, 0.1, 0.12, 1.5)
LAYERS = {
    "affine_views": lambda: layers.AffineViews(8.0, 0.1, 0.1, 1.0, True),
    "application_preprocessing": lambda: layers.ApplicationPreprocessing("vgg16"),
    "color_jitter": lambda: augmentation.ColorJitter(0.3, 0.25, 0.15, 0.05, seed=1),
    "drop_block": lambda: layers.DropBlock(0.3, 3, seed=1),
    "picture_preprocessing": lambda: layers.PicturePreprocessing((12, 9), 1, True),
    "random_affine": lambda: augmentation.RandomAffine(*SHIFTS, seed=1),
    "random_elastic": lambda: augmentation.RandomElastic(2.0, 3, seed=1),
    "random_erasing": lambda: augmentation.RandomErasing(
        0.8, (0.1, 0.2), (0.5, 2.0), 0.5, seed=1
    ),
    "random_flip": lambda: augmentation.RandomFlip("horizontal_and_vertical", seed=1),
    "random_resized_crop": lambda: augmentation.RandomResizedCrop(
        (0.3, 0.8), (0.8, 1.2), (10, 10), seed=1
    ),
    "sequential_augmentation": lambda: augmentation.SequentialAugmentation(
        [augmentation.RandomFlip(), augmentation.RandomAffine(*SHIFTS)], seed=1
    ),
}
EPISODE_LAYERS = {
    "class_rotation": lambda: augmentation.ClassRotation(seed=1),
    "episode_augmentation": lambda: augmentation.EpisodeAugmentation(
        augmentation.RandomFlip(), augmentation.RandomAffine(*SHIFTS), seed=1
    ),
    "support_expansion": lambda: augmentation.SupportExpansion(
        augmentation.RandomAffine(*SHIFTS), 2, seed=1
    ),
}
OTHERS = {
    "conv_muon": lambda: ConvMuon(2e-3, 1e-4, 2e-4),
    "episode_accuracy": lambda: fsl.metrics.EpisodeAccuracy(name="episodes"),
}
LOSSES = {
    "contrastive": lambda: losses.ContrastiveLoss(0.8),
    "one_hot_squared_error": losses.OneHotSquaredError,
    "triplet": lambda: losses.TripletLoss(0.7),
}


def images():
    """Uint8 images of three classes, and their labels."""
    x = episode(IMAGE)["support"][0]
    return np.round(255 * x).astype("uint8"), ["ant", "bee", "cow"]


def classifier(learner, **kwargs):
    """A classifier of three classes of two examples each."""
    keras.utils.set_random_seed(0)
    x, names = images()
    learner = disturbed(learner())
    return learner.adapt(x, np.repeat(names, SHOTS).tolist(), **kwargs)


CLASSIFIERS = {
    "prototypes": lambda: classifier(LEARNERS["prototypical"]),
    "maml": lambda: classifier(LEARNERS["maml"]),
    "calibrated": lambda: classifier(
        lambda: models.RidgeRegressionNetwork(conv4()), false_reject_rate=0.2
    ),
    "unknown": lambda: classifier(
        LEARNERS["prototypical"], unknown_threshold=0.4, invert=True
    ),
}


def trained():
    """A learner with the state of its optimizer."""
    keras.utils.set_random_seed(0)
    learner = disturbed(models.PrototypicalNetwork(conv4()))
    learner.compile(ConvMuon(2e-3), run_eagerly=True)
    step(learner)
    return learner


def step(learner):
    """Trains for two steps, as a loaded learner must as well; returns the losses."""
    x = episode(IMAGE)
    y = np.tile(np.arange(QUERIES) % WAYS, (2, 1))
    return [float(np.ravel(learner.train_on_batch(x, y))[0]) for _ in range(2)]


def outputs_of(kind, name, instance):
    """Returns what an instance of this or an older version computes, as arrays."""
    items = episode((12, 12, 3))["query"][0]
    if kind in ("head", "learner", "preset"):
        outputs = [instance(episode(instance.item_shape))]
    elif kind == "trained":
        outputs = [instance(episode(IMAGE)), step(instance)]
    elif kind in ("backbone", "pretraining"):
        outputs = [instance(episode(IMAGE)["query"][0], training=False)]
    elif kind == "classifier":
        answers = instance.predict_classes(images()[0])
        outputs = [instance(images()[0]), [answer.class_name for answer in answers]]
    elif kind == "layer":
        outputs = [instance(items, training=True)]
    elif kind == "episode_layer":
        x = episode((12, 12, 3))
        arguments = {
            "class_rotation": (x, np.tile(np.arange(QUERIES) % WAYS, (2, 1))),
            "episode_augmentation": (x,),
            "support_expansion": (x["support"], x["support_labels"]),
        }[name]
        outputs = keras.tree.flatten(instance(*arguments, training=True))
    elif kind == "loss":
        classes = np.arange(QUERIES) % WAYS
        vectors = episode((4,))["query"][0]
        y_true = classes if name == "one_hot_squared_error" else classes % 2
        y_pred = vectors[:, 0] if name == "contrastive" else vectors
        outputs = [instance(y_true, y_pred)]
    elif kind == "shape":
        outputs = [instance.output_shape[1:]]
    else:
        outputs = []
    return [np.asarray(output) for output in outputs]


# What is written as a file.
FILES = {
    "head": {name: lambda make=make: with_head(make()) for name, make in HEADS.items()},
    "learner": LEARNERS,
    "backbone": BACKBONES,
    "pretraining": {
        head: lambda head=head: SupervisedPretraining(conv4(), 3, head, 5.0)
        for head in ("linear", "cosine")
    },
    "classifier": CLASSIFIERS,
    "trained": {"conv_muon": trained},
}
# What is written as a configuration. Networks of one size, and that is large, are
# compared by their shape alone.
CONFIGS = {
    "layer": LAYERS,
    "episode_layer": EPISODE_LAYERS,
    "loss": LOSSES,
    "shape": LARGE_BACKBONES,
    "other": OTHERS,
}


def write_file(path, model):
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def check_completeness(folder):
    """Fails where a registered class is in no file."""
    configs = (folder / "configs.json").read_text()
    for path in folder.glob("*.keras"):
        configs += zipfile.ZipFile(path).read("config.json").decode()
    found = set(re.findall(r'"registered_name": "(fsl_keras>\w+)"', configs))
    known = {n for n in keras.saving.get_custom_objects() if n.startswith("fsl_keras>")}
    bases = {"fsl_keras>Augmentation"}
    assert known - bases <= found, known - found


def main(folder, *wanted):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    configs, outputs = {}, {}

    def expect(kind, name, instance):
        for number, output in enumerate(outputs_of(kind, name, instance)):
            outputs[f"{kind}-{name}/{number}"] = output

    for kind, table in FILES.items():
        for name, make in table.items():
            if wanted and name not in wanted:
                continue
            keras.utils.set_random_seed(0)
            model = make()
            if kind not in ("classifier", "trained"):
                disturbed(model)
            write_file(folder / f"{kind}-{name}.keras", model)
            expect(kind, name, model)
    if not wanted:
        for kind, table in CONFIGS.items():
            for name, make in table.items():
                instance = make()
                config = keras.saving.serialize_keras_object(instance)
                configs[f"{kind}-{name}"] = config
                expect(kind, name, instance)
        keras.utils.set_random_seed(0)
        model = disturbed(LEARNERS["prototypical"]())
        model.training_classes = ["ant", "bee"]
        fsl.presets.save(model, folder / "preset", {"description": "Not trained."})
        expect("preset", "prototypical", model)
        (folder / "configs.json").write_text(json.dumps(configs))
        check_completeness(folder)
    np.savez_compressed(folder / "outputs.npz", **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
