"""A method: what it trains, on which stream, with which options."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to learn from few examples, and how it is trained.

    What is known of the learner stands here as data, so that methods can be listed
    without importing Keras.

    Args:
        learner_name: string, the class of the learner in `fsl_keras.models`.
        paper: string, its reference.
        kind: string, the learner's `kind`: "inductive" or "transductive".
        incremental: string, the learner's `incremental`: "exact", "refit" or
            "fixed_ways".
        options: dictionary of the arguments of the learner, or of the head, that a run
            may set, with their defaults.
        streams: tuple of the streams it trains on, one after the other: "episodes"
            (the learner itself), "batches" (a classifier of the training classes on
            its backbone) or "pairs" (its model of pairs).
        has_classifier: bool, whether the learner is a network with an output a way,
            and not a backbone with something of its own on top; with `shared_head`
            it is on a backbone too.
        backbone: dictionary of arguments of `Conv4`.
        suited: dictionary of options of a run that suit the method.
        arguments: dictionary of arguments of the learner that suit it.
        head_name: optional string, the class in `fsl_keras.heads` of a transductive
            head, of which the learner is made.
    """

    learner_name: str
    paper: str
    kind: str = "inductive"
    incremental: str = "exact"
    options: dict = dataclasses.field(default_factory=dict)
    streams: tuple = ("episodes",)
    has_classifier: bool = False
    backbone: dict = dataclasses.field(default_factory=dict)
    suited: dict = dataclasses.field(default_factory=dict)
    arguments: dict = dataclasses.field(default_factory=dict)
    head_name: str | None = None

    @property
    def learner(self):
        """The class of the learner."""
        from fsl_keras import models

        return getattr(models, self.learner_name)

    @property
    def head(self):
        """The class of the transductive head, or None."""
        from fsl_keras import heads

        return None if self.head_name is None else getattr(heads, self.head_name)

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
        import keras

        from fsl_keras.backbones import Conv4

        self._check(arguments)
        options = {**self.backbone, **(backbone_options or {})}
        network = Conv4(item_shape, filters, **options)
        if backbone_weights is not None:
            _set_weights(network, backbone_weights, filters)
        if self.head_name is not None:
            return self.learner(network, self.head(**arguments))
        if self.has_classifier and not arguments.get("shared_head"):
            logits = keras.layers.Dense(ways, name="logits")(network.output)
            network = keras.Model(network.input, logits, name="network")
        return self.learner(network, **{**self.arguments, **arguments})

    def _check(self, arguments):
        unknown = sorted(set(arguments) - set(self.options))
        if unknown:
            raise ValueError(
                f"{self.head_name or self.learner_name} has no options {unknown}. It "
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
