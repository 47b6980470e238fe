"""Registers the classes of the package with Keras before they are imported."""

import contextlib
import importlib
import sys

from fsl_keras.imports import around_import

PACKAGE = "fsl_keras"

# The module of each class that is registered with Keras. Files hold the names, so they
# must not change; the modules may.
CLASSES = {
    "AffineViews": "fsl_keras.layers.affine_views",
    "Apart": "fsl_keras.backbones.multi_orientation",
    "ApplicationPreprocessing": "fsl_keras.layers.application_preprocessing",
    "Augmentation": "fsl_keras.layers.augmentation.augmentation",
    "BDCSPNHead": "fsl_keras.heads.bd_cspn",
    "Baseline": "fsl_keras.models.baseline",
    "BaselinePlusPlus": "fsl_keras.models.baseline_plus_plus",
    "ClassRotation": "fsl_keras.layers.augmentation.class_rotation",
    "ColorJitter": "fsl_keras.layers.augmentation.color_jitter",
    "ContrastiveLoss": "fsl_keras.losses.contrastive",
    "Conv4": "fsl_keras.backbones.conv4",
    "ConvMuon": "fsl_keras.optimizers",
    "CosineDense": "fsl_keras.layers.cosine_dense",
    "DenseHead": "fsl_keras.heads.dense",
    "DropBlock": "fsl_keras.layers.drop_block",
    "EpisodeAccuracy": "fsl_keras.metrics",
    "EpisodeAugmentation": "fsl_keras.layers.augmentation.episode_augmentation",
    "FEAT": "fsl_keras.models.feat",
    "FEATHead": "fsl_keras.heads.feat",
    "FewShotClassifier": "fsl_keras.classifier.few_shot_classifier",
    "FoldedConvolution": "fsl_keras.layers._folded_convolution",
    "FrozenFeatureModel": "fsl_keras.models.frozen",
    "FusedBatchNormalization": "fsl_keras.layers.fused_batch_normalization",
    "ImagePreprocessing": "fsl_keras.layers.preprocessing",
    "LaplacianShotHead": "fsl_keras.heads.laplacian_shot",
    "LinearHead": "fsl_keras.heads.linear",
    "LogisticHead": "fsl_keras.heads.logistic",
    "MAML": "fsl_keras.models.gradient_based.maml",
    "MatchingHead": "fsl_keras.heads.matching",
    "MatchingNetwork": "fsl_keras.models.matching",
    "MeanOfViews": "fsl_keras.backbones.multi_view",
    "MetaBaseline": "fsl_keras.models.meta_baseline",
    "MetricModel": "fsl_keras.models.metric",
    "MultiOrientation": "fsl_keras.backbones.multi_orientation",
    "MultiView": "fsl_keras.backbones.multi_view",
    "NearestNeighbor": "fsl_keras.models.nearest_neighbor",
    "NearestNeighborHead": "fsl_keras.heads.nearest_neighbor",
    "OneHotSquaredError": "fsl_keras.losses.one_hot_squared_error",
    "Orientations": "fsl_keras.backbones.multi_orientation",
    "PTMAPHead": "fsl_keras.heads.pt_map",
    "PicturePreprocessing": "fsl_keras.layers.preprocessing",
    "ProtoMAML": "fsl_keras.models.gradient_based.proto_maml",
    "PrototypeHead": "fsl_keras.heads.prototype",
    "PrototypicalNetwork": "fsl_keras.models.prototypical",
    "RandomAffine": "fsl_keras.layers.augmentation.random_affine",
    "RandomElastic": "fsl_keras.layers.augmentation.random_elastic",
    "RandomErasing": "fsl_keras.layers.augmentation.random_erasing",
    "RandomFlip": "fsl_keras.layers.augmentation.random_flip",
    "RandomResizedCrop": "fsl_keras.layers.augmentation.random_resized_crop",
    "ReconstructionHead": "fsl_keras.heads.reconstruction",
    "ReconstructionNetwork": "fsl_keras.models.reconstruction",
    "RelationHead": "fsl_keras.heads.relation",
    "RelationNetwork": "fsl_keras.models.relation",
    "Reptile": "fsl_keras.models.gradient_based.reptile",
    "ResNet12": "fsl_keras.backbones.resnet12",
    "ResNet18": "fsl_keras.backbones.resnet18",
    "RidgeHead": "fsl_keras.heads.ridge",
    "RidgeRegressionNetwork": "fsl_keras.models.ridge",
    "SequentialAugmentation": "fsl_keras.layers.augmentation.sequential_augmentation",
    "SiameseHead": "fsl_keras.heads.siamese",
    "SiameseNetwork": "fsl_keras.models.siamese",
    "SideBySide": "fsl_keras.backbones.multi_orientation",
    "SimpleShot": "fsl_keras.models.simple_shot",
    "SimpleShotHead": "fsl_keras.heads.simple_shot",
    "SoftKMeansHead": "fsl_keras.heads.soft_k_means",
    "SupervisedPretraining": "fsl_keras.pretraining.supervised",
    "SupportExpansion": "fsl_keras.layers.augmentation.support_expansion",
    "TIMHead": "fsl_keras.heads.tim",
    "TransductiveFinetuningHead": "fsl_keras.heads.transductive_finetuning",
    "TransferLearner": "fsl_keras.models.transfer",
    "TripletLoss": "fsl_keras.losses.triplet",
    "WhitenedHead": "fsl_keras.heads.whitened",
}


def register() -> None:
    """Lets Keras find the registered classes of this package by their names.

    Keras does not import custom classes by their module, so each has a stand-in that
    imports it when a file or a configuration that holds it is loaded. If Keras is not
    imported yet, they are registered when it is.
    """
    if "keras" in sys.modules:
        _register_all()
    else:
        around_import("keras", _registering)


@contextlib.contextmanager
def _registering():
    yield
    _register_all()


def _register_all():
    import keras

    known = keras.saving.get_custom_objects()
    for name, module in CLASSES.items():
        known.setdefault(f"{PACKAGE}>{name}", _stand_in(name, module))


def registered_class(registered_name: str) -> type | None:
    """Returns the class that is registered with Keras under a name, or None.

    Args:
        registered_name: string, such as `"fsl_keras>Conv4"`.

    Example:

    >>> registered_class("fsl_keras>Conv4").__name__
    'Conv4'
    """
    import keras

    package, _, name = registered_name.partition(">")
    if package == PACKAGE and name in CLASSES:
        importlib.import_module(CLASSES[name])  # replaces the stand-in
    return keras.saving.get_registered_object(registered_name)


def _stand_in(name, module):
    """Returns a class that imports another one when it is called.

    Keras calls `from_config` of a registered class. Importing the other class registers
    it in place of this one.
    """

    def of(cls):
        return getattr(importlib.import_module(module), name)

    return type(
        name,
        (),
        {
            "__module__": module,
            "__doc__": f"Stand-in of `{module}.{name}` until that is imported.",
            "__new__": lambda cls, *args, **kwargs: of(cls)(*args, **kwargs),
            "from_config": classmethod(
                lambda cls, *args, **kwargs: of(cls).from_config(*args, **kwargs)
            ),
        },
    )
