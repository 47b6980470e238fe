"""The methods by name."""

from fsl_keras.names import did_you_mean
from fsl_keras.training.method import Method

# What suits gradient-based methods: as many 5-way tasks as take a few minutes.
_FIVE_WAYS = {
    "ways": 5,
    "queries": 5,
    "tasks": 8,
    "learning_rate": 2e-3,
    "steps": 400,
    "augment": False,
}
_MAML_OPTIONS = {
    "inner_steps": 5,
    "inner_learning_rate": 0.01,
    "second_order": True,
    "adapt_scope": "all",
    "inner_rates": "fixed",
    "batch_norm": "transductive",
    "test_steps": None,
    "shared_head": False,
    "multi_step_updates": 0,
    "one_task_at_a_time": False,
}
_PROTOTYPE_OPTIONS = {"distance": "squared_euclidean", "scale": 10.0}
_LINEAR_OPTIONS = {"steps": 100, "learning_rate": 1.0, "weight_decay": 0.001}


def _maml(paper, **arguments):
    return Method(
        "MAML",
        paper,
        "transductive",
        "fixed_ways",
        _MAML_OPTIONS,
        has_classifier=True,
        suited=_FIVE_WAYS,
        arguments={"inner_learning_rate": 0.1, "inner_steps": 3, **arguments},
    )


def _pretrained(learner, paper, incremental, options, streams=("batches",)):
    return Method(learner, paper, "inductive", incremental, options, streams)


def _self_supervised(pretraining, paper, **suited):
    return Method(
        "PrototypicalNetwork",
        paper,
        options=_PROTOTYPE_OPTIONS,
        streams=("views",),
        suited={"augment": True, **suited},
        arguments={"distance": "cosine"},
        pretraining_name=pretraining,
    )


def _transductive(head, paper, options):
    return Method(
        "TransferLearner",
        paper,
        "transductive",
        "refit",
        options,
        streams=("batches",),
        head_name=head,
    )


METHODS = {
    "prototypical": Method(
        "PrototypicalNetwork",
        "Snell et al., 2017",
        options=_PROTOTYPE_OPTIONS,
    ),
    "matching": Method(
        "MatchingNetwork",
        "Vinyals et al., 2016",
        options={"full_context": False, "scale": 10.0, "steps": 3},
    ),
    "siamese": Method(
        "SiameseNetwork",
        "Koch et al., 2015",
        options={"similarity": "learned", "aggregate": "mean"},
        streams=("pairs",),
    ),
    "relation": Method(
        "RelationNetwork",
        "Sung et al., 2018",
        options={"filters": 64, "units": 8, "momentum": 0.95, "aggregate": "sum"},
        takes_feature_maps=True,
        suited={"ways": 5, "queries": 15, "augment": True},
    ),
    "frn": Method(
        "ReconstructionNetwork",
        "Wertheimer et al., 2021",
        options={
            "regularization": 1.0,
            "scale": 10.0,
            "learned": True,
            "bidirectional": False,
            "all_pairs": False,
        },
        takes_feature_maps=True,
    ),
    "maml": _maml("Finn et al., 2017"),
    "anil": _maml("Raghu et al., 2020", adapt_scope="head"),
    "meta_sgd": _maml("Li et al., 2017", inner_rates="per_parameter"),
    "maml++": _maml(
        "Antoniou et al., 2019",
        inner_rates="per_layer_per_step",
        batch_norm="per_step",
        multi_step_updates=100,
    ),
    "proto_maml": Method(
        "ProtoMAML",
        "Triantafillou et al., 2020",
        "transductive",
        "refit",
        # Its head is always shared.
        {name: _MAML_OPTIONS[name] for name in _MAML_OPTIONS if name != "shared_head"},
        suited=_FIVE_WAYS,
        arguments={"inner_learning_rate": 0.01, "inner_steps": 3},
    ),
    "reptile": Method(
        "Reptile",
        "Nichol et al., 2018",
        "transductive",
        "fixed_ways",
        {
            "inner_steps": 5,
            "inner_learning_rate": 0.001,
            "inner_batch_size": None,
            "batch_norm": "transductive",
            "test_steps": None,
        },
        has_classifier=True,
        suited={**_FIVE_WAYS, "shots": 10, "queries": 5, "learning_rate": 1.0},
        arguments={"inner_batch_size": 10, "test_steps": 20},
    ),
    "ridge": Method(
        "RidgeRegressionNetwork",
        "Bertinetto et al., 2019",
        incremental="refit",
        options={"regularization": 1.0, "scale": 10.0, "learned": True},
    ),
    "baseline": _pretrained("Baseline", "Chen et al., 2019", "refit", _LINEAR_OPTIONS),
    "baseline++": _pretrained(
        "BaselinePlusPlus",
        "Chen et al., 2019",
        "refit",
        {**_LINEAR_OPTIONS, "scale": 10.0},
    ),
    "simple_shot": _pretrained("SimpleShot", "Wang et al., 2019", "exact", {}),
    "nearest_neighbor": _pretrained(
        "NearestNeighbor",
        "Cover & Hart, 1967",
        "exact",
        {"neighbors": 1, "distance": "squared_euclidean"},
    ),
    "meta_baseline": _pretrained(
        "MetaBaseline",
        "Chen et al., 2021",
        "exact",
        {"scale": 10.0},
        streams=("batches", "episodes"),
    ),
    "feat": _pretrained(
        "FEAT",
        "Ye et al., 2020",
        "refit",
        {
            "num_heads": 1,
            "dropout": 0.5,
            "temperature": 64.0,
            "auxiliary_weight": 0.1,
        },
        streams=("batches", "episodes"),
    ),
    "simclr": _self_supervised(
        "SimCLR", "Chen et al., 2020", optimizer="muon", learning_rate=1e-2
    ),
    "barlow_twins": _self_supervised("BarlowTwins", "Zbontar et al., 2021"),
    "proto_clr": Method(
        "PrototypicalNetwork",
        "Medina et al., 2020",
        options=_PROTOTYPE_OPTIONS,
        streams=("instances",),
        suited={"ways": 60, "queries": 3, "augment": True},
    ),
    "cactus": Method(
        "PrototypicalNetwork",
        "Hsu et al., 2019",
        options=_PROTOTYPE_OPTIONS,
        streams=("views", *("pseudo_classes",) * 7),
        suited={"queries": 3, "optimizer": "muon", "learning_rate": 1e-2},
        pretraining_name="SimCLR",
    ),
    "soft_k_means": _transductive("SoftKMeansHead", "Ren et al., 2018", {"steps": 1}),
    "bd_cspn": _transductive("BDCSPNHead", "Liu et al., 2020", {"scale": 10.0}),
    "laplacian_shot": _transductive(
        "LaplacianShotHead",
        "Ziko et al., 2020",
        {"neighbors": 2, "weight": 0.7, "steps": 20},
    ),
    "tim": _transductive(
        "TIMHead",
        "Boudiaf et al., 2020",
        {"alpha": None, "steps": 100, "learning_rate": 0.001, "scale": 15.0},
    ),
    "pt_map": _transductive(
        "PTMAPHead",
        "Hu et al., 2021",
        {"power": 0.5, "sharpness": 10.0, "learning_rate": 0.2, "steps": 20},
    ),
    "transductive_finetuning": _transductive(
        "TransductiveFinetuningHead",
        "Dhillon et al., 2020",
        {"steps": 25, "learning_rate": 5e-05, "scale": 1.0},
    ),
}


def get(name: str) -> Method:
    """Returns the method of a name.

    Raises:
        ValueError: if there is none.
    """
    if name not in METHODS:
        raise ValueError(
            f"There is no method {name!r}.{did_you_mean(name, METHODS)} Methods: "
            f"{', '.join(METHODS)}."
        )
    return METHODS[name]
