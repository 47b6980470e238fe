# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Episodes and methods
#
# Few-shot learning is measured, and often trained, on *episodes*: small
# classification problems with a few examples of each class. This notebook draws some,
# measures a baseline, trains a prototypical network, and compares heads on the same
# features.

# %%
# %matplotlib inline
import fsl_keras as fsl  # before keras: turns on oneDNN
import keras

keras.utils.set_random_seed(0)

# %% [markdown]
# ## Data whose classes are divided
#
# Printed letters of many scripts, drawn on first use. The scripts of the test have no
# class in training: a learner must compare letters that it has never seen.

# %%
train, test = (fsl.datasets.load("glyphs", split=s) for s in ("train", "test"))
print(train.summary())
print(test.summary())

# %% [markdown]
# ## An episode
#
# Five classes (*ways*), two examples of each (*shots*) and four *queries* to
# classify. The first axis of each tensor is that of tasks.

# %%
x, y = next(iter(test.episodes(ways=5, shots=2, queries=4, seed=0)))
for name, tensor in {**x, "y": y}.items():
    print(f"{name:15} {tensor.dtype.name:8} {tuple(tensor.shape)}")
fsl.plots.episode(x["support"][0], x["support_labels"][0], x["query"][0], y[0])

# %% [markdown]
# ## A baseline
#
# The class of the nearest example, by pixels. Episode `i` is a pure function of the
# seed and `i`, so all learners below meet the same tasks.


# %%
def measured(learner):
    episodes = test.episodes(ways=5, shots=1, queries=15, seed=2, count=100)
    return fsl.evaluation.evaluate(learner, episodes)


pixels = keras.Sequential([keras.Input(test.item_shape), keras.layers.Flatten()])
baseline = measured(fsl.models.MetricModel(pixels, fsl.heads.NearestNeighborHead()))
print(baseline)

# %% [markdown]
# ## A prototypical network
#
# The backbone is trained so that queries are near the mean of the examples of their
# class. `model` is a `keras.Model`. 150 short steps show the direction; `fsl-keras
# train` takes longer and gets farther.

# %%
backbone = fsl.backbones.Conv4(train.item_shape, filters=32)
model = fsl.models.PrototypicalNetwork(backbone)
model.compile(optimizer=keras.optimizers.Adam(2e-3))
history = model.fit(
    train.episodes(ways=20, shots=1, queries=5, seed=0),
    steps_per_epoch=50,
    epochs=3,
    verbose=0,
)
trained = measured(model)
print(trained)

# %% [markdown]
# The interval of each accuracy is over episodes. As the episodes are the same, the
# difference is known better than either accuracy:

# %%
(difference,) = fsl.evaluation.paired_differences([baseline, trained])
print(difference)

# %% [markdown]
# ## Many methods on one backbone
#
# A method is a head, and a head takes any backbone. The features of all images are
# computed once; each head then learns from the same ones. The backbone is that of a
# trained model that comes with the package.

# %%
preset = fsl.presets.backbone("prototypical_conv4_glyphs")
features = fsl.features.embed(test, preset)
identity = keras.Sequential([keras.Input(features.item_shape), keras.layers.Identity()])
episodes = features.episodes(ways=5, shots=1, queries=15, seed=2, count=100)
heads = {
    "nearest neighbor": fsl.heads.NearestNeighborHead(),
    "prototypes": fsl.heads.PrototypeHead(),
    "ridge": fsl.heads.RidgeHead(),
    "soft k-means (all queries at once)": fsl.heads.SoftKMeansHead(),
}
for name, head in heads.items():
    report = fsl.evaluation.evaluate(fsl.models.MetricModel(identity, head), episodes)
    print(f"{name:35} {report.accuracy:.1%}")

# %% [markdown]
# [Which head when](../heads.md) has the figures on larger data. The pages of the
# tutorial take up one idea each, such as [prototypical
# networks](../../examples/04_prototypical_networks.py),
# [MAML](../../examples/09_maml.py) and [all
# methods](../../examples/11_all_methods.py).
