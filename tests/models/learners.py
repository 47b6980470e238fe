"""The table of all learners, which methods of `training.methods` join by themselves."""

import keras

import fsl_keras as fsl
from fsl_keras.training.learners import make_learner
from fsl_keras.training.methods import METHODS
from fsl_keras.training.sections import BackboneOptions, MethodOptions

ITEM, WAYS = (16, 16, 1), 3
SMALL = BackboneOptions(arguments={"filters": 4})

# Few steps of learning a task: what is tested here is not how well they learn.
FEW = {"inner_steps": 1}
ARGUMENTS = {
    **dict.fromkeys(["maml", "anil", "meta_sgd", "maml++", "proto_maml"], FEW),
    "reptile": {"inner_steps": 1, "test_steps": 3},
    "feat": {"dropout": 0.0},
    "baseline": {"steps": 5},
    "baseline++": {"steps": 5},
    "laplacian_shot": {"steps": 5},
    "tim": {"steps": 5},
    "pt_map": {"steps": 2, "sharpness": 1.0},
    "transductive_finetuning": {"steps": 5},
}


def of_method(name, ways=WAYS):
    """Returns an untrained learner of a method, the same each time."""
    keras.utils.set_random_seed(0)
    method = MethodOptions(name, ARGUMENTS.get(name, {}))
    return make_learner(ITEM, method, SMALL, ways)


def vectors(units=6):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])


LEARNERS = {
    **{name: lambda name=name: of_method(name) for name in METHODS},
    "matching, full context": lambda: fsl.models.MatchingNetwork(
        vectors(), full_context=True, steps=2
    ),
    "nearest neighbor, three": lambda: fsl.models.NearestNeighbor(vectors(), 3),
    # Its embeddings are longer and shorter than support sets.
    "ridge, dual": lambda: fsl.models.RidgeRegressionNetwork(vectors(16)),
    "ridge, primal": lambda: fsl.models.RidgeRegressionNetwork(vectors(3)),
    "siamese, distance": lambda: fsl.models.SiameseNetwork(vectors(), "euclidean"),
    "transfer": lambda: fsl.models.TransferLearner(vectors()),
    "transfer, nothing to train": lambda: fsl.models.TransferLearner(
        vectors(), "prototypes"
    ),
}
