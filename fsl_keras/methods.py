"""The methods by name: what a run trains, on which stream, with which options."""

import dataclasses
import difflib
import inspect

import keras

from fsl_keras import heads, models
from fsl_keras.backbones import Conv4


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to learn from few examples, and how it is trained.

    Args:
        learner: class of the learner.
        paper: string, its reference.
        streams: tuple of the streams it trains on, one after the other: "episodes"
            (the learner itself), "batches" (a classifier of the training classes on
            its backbone) or "pairs" (its model of pairs).
        has_classifier: bool, whether the learner is a network with an output a way,
            and not a backbone with something of its own on top; with `shared_head`
            it is on a backbone too.
        backbone: dictionary of arguments of `Conv4`.
        suited: dictionary of options of a run that suit the method.
        arguments: dictionary of arguments of the learner that suit it.
        head: optional class of a transductive head, of which the learner is made.
    """

    learner: type
    paper: str
    streams: tuple = ("episodes",)
    has_classifier: bool = False
    backbone: dict = dataclasses.field(default_factory=dict)
    suited: dict = dataclasses.field(default_factory=dict)
    arguments: dict = dataclasses.field(default_factory=dict)
    head: type | None = None

    def make(
        self,
        item_shape,
        filters=64,
        ways=5,
        backbone_weights=None,
        backbone_options=None,
        **arguments,
    ):
        """Returns a new learner on a Conv-4 backbone.

        Args:
            item_shape: triple, the shape of a picture.
            filters: integer, channels of the backbone, or a list of four, one a block.
            ways: integer, classes of an episode, where the learner fixes them.
            backbone_weights: optional list of arrays, what the backbone starts with.
            backbone_options: optional dictionary of further arguments of `Conv4`.
            **arguments: arguments of the learner, see `options`.

        Raises:
            ValueError: if the learner has not an argument, or the weights are of
                another backbone.
        """
        self._check(arguments)
        options = {**self.backbone, **(backbone_options or {})}
        network = Conv4(item_shape, filters, **options)
        if backbone_weights is not None:
            _set_weights(network, backbone_weights, filters)
        if self.head is not None:
            return self.learner(network, self.head(**arguments))
        if self.has_classifier and not arguments.get("shared_head"):
            logits = keras.layers.Dense(ways, name="logits")(network.output)
            network = keras.Model(network.input, logits, name="network")
        return self.learner(network, **{**self.arguments, **arguments})

    @property
    def options(self):
        """The arguments of the learner, from name to default."""
        for cls in (self.head or self.learner).__mro__:
            parameters = inspect.signature(cls.__init__).parameters.values()
            found = {p.name: p.default for p in parameters if p.default is not p.empty}
            if found.keys() - {"name"}:
                break
            if cls is models.MetricModel:
                return {}
        left_out = {"name", *NO_OPTIONS}
        if not self.has_classifier:  # ProtoMAML's head is always shared
            left_out.add("shared_head")
        return {name: value for name, value in found.items() if name not in left_out}

    def _check(self, arguments):
        strange = sorted(set(arguments) - set(self.options))
        if strange:
            raise ValueError(
                f"{(self.head or self.learner).__name__} has no options {strange}. It "
                f"has: {', '.join(self.options) or 'none'}."
            )


def _set_weights(backbone, weights, filters):
    expected = [weight.shape for weight in backbone.get_weights()]
    if [weight.shape for weight in weights] != expected:
        raise ValueError(
            f"The weights to start from are not of the backbone that this method is "
            f"trained on: they are {sum(w.size for w in weights)} numbers, the "
            f"method's {backbone.count_params()}. Start from a Conv-4 of {filters} "
            f"filters for items of shape {backbone.input_shape[1:]}, or set `filters`."
        )
    backbone.set_weights(weights)


# What a run decides: its learners are of classes, on the network that suits them.
NO_OPTIONS = ("regression", "inner_loss")

# Backbone and classifier of MAML's family; 5-way tasks of as many as fit the time.
_FIVE_WAYS = {
    "ways": 5,
    "queries": 5,
    "tasks": 8,
    "learning_rate": 2e-3,
    "steps": 400,
    "augment": False,
}
_GRADIENT = {"has_classifier": True, "suited": _FIVE_WAYS}
_PRETRAINED = {"streams": ("batches",)}


def _transductive(head, paper):
    return Method(models.FrozenFeatureModel, paper, streams=("batches",), head=head)


METHODS = {
    "prototypical": Method(models.PrototypicalNetwork, "Snell et al., 2017"),
    "matching": Method(models.MatchingNetwork, "Vinyals et al., 2016"),
    "siamese": Method(models.SiameseNetwork, "Koch et al., 2015", streams=("pairs",)),
    "relation": Method(
        models.RelationNetwork,
        "Sung et al., 2018",
        backbone={"pooling": None, "pooled_blocks": 2},
        suited={"ways": 5, "queries": 15, "augment": True},
    ),
    "frn": Method(
        models.ReconstructionNetwork,
        "Wertheimer et al., 2021",
        backbone={"pooling": None, "pooled_blocks": 2},
    ),
    "maml": Method(
        models.MAML,
        "Finn et al., 2017",
        arguments={"inner_rate": 0.1, "inner_steps": 3},
        **_GRADIENT,
    ),
    "anil": Method(
        models.MAML,
        "Raghu et al., 2020",
        arguments={"inner_rate": 0.1, "inner_steps": 3, "adapt_scope": "head"},
        **_GRADIENT,
    ),
    "meta_sgd": Method(
        models.MAML,
        "Li et al., 2017",
        arguments={"inner_rate": 0.1, "inner_steps": 3, "inner_rates": "per_parameter"},
        **_GRADIENT,
    ),
    "maml++": Method(
        models.MAML,
        "Antoniou et al., 2019",
        arguments={
            "inner_rate": 0.1,
            "inner_steps": 3,
            "inner_rates": "per_layer_per_step",
            "batch_norm": "per_step",
            "multi_step_updates": 100,
        },
        **_GRADIENT,
    ),
    "proto_maml": Method(
        models.ProtoMAML,
        "Triantafillou et al., 2020",
        suited=_FIVE_WAYS,
        arguments={"inner_rate": 0.01, "inner_steps": 3},
    ),
    "reptile": Method(
        models.Reptile,
        "Nichol et al., 2018",
        has_classifier=True,
        suited={**_FIVE_WAYS, "shots": 10, "queries": 5, "learning_rate": 1.0},
        arguments={"inner_batch": 10, "test_steps": 20},
    ),
    "ridge": Method(models.RidgeRegressionNetwork, "Bertinetto et al., 2019"),
    "baseline": Method(models.Baseline, "Chen et al., 2019", **_PRETRAINED),
    "baseline++": Method(models.BaselinePlusPlus, "Chen et al., 2019", **_PRETRAINED),
    "simple_shot": Method(models.SimpleShot, "Wang et al., 2019", **_PRETRAINED),
    "nearest_neighbor": Method(
        models.NearestNeighbor, "Cover & Hart, 1967", **_PRETRAINED
    ),
    "meta_baseline": Method(
        models.MetaBaseline, "Chen et al., 2021", streams=("batches", "episodes")
    ),
    "feat": Method(models.FEAT, "Ye et al., 2020", streams=("batches", "episodes")),
    "soft_k_means": _transductive(heads.SoftKMeansHead, "Ren et al., 2018"),
    "bd_cspn": _transductive(heads.BDCSPNHead, "Liu et al., 2020"),
    "laplacian_shot": _transductive(heads.LaplacianShotHead, "Ziko et al., 2020"),
    "tim": _transductive(heads.TIMHead, "Boudiaf et al., 2020"),
    "pt_map": _transductive(heads.PTMAPHead, "Hu et al., 2021"),
    "transductive_finetuning": _transductive(
        heads.TransductiveFinetuningHead, "Dhillon et al., 2020"
    ),
}


def get(name):
    """Returns the method of a name.

    Raises:
        ValueError: if there is none.
    """
    if name not in METHODS:
        near = difflib.get_close_matches(str(name), METHODS, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"There is no method {name!r}. {hint}Methods: {', '.join(METHODS)}."
        )
    return METHODS[name]
