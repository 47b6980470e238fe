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
# # From a folder of images to a classifier
#
# A few images per class are enough for a classifier that you can check, extend and
# ship. This notebook shows the steps on images that come with the package, so that it
# needs no download. Replace the folder by your own.

# %%
import pathlib
import tempfile

import fsl_keras as fsl  # before keras: turns on oneDNN
import keras
import numpy as np
from PIL import Image

# %% [markdown]
# ## A folder for each class
#
# Georgian letters stand for your photographs: five images of each of four letters to
# learn from, and the other ones to test.

# %%
folder = pathlib.Path(tempfile.mkdtemp())
letters = fsl.datasets.load("glyphs", split="test")
names = [
    f"GEORGIAN CAPITAL LETTER {name}" for name in ("BAN", "VIN", "TAN", "KAN", "LAS")
]
for name in names:
    for index, image in enumerate(letters.class_items(name)):
        part = "photos" if index < 5 else "test"
        path = folder / part / name.split()[-1].lower() / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = 255 - image[..., 0]  # black on white
        Image.fromarray(pixels).save(path)
later, later_test = folder / "las", folder / "las_test"
(folder / "photos" / "las").rename(later)  # a class that comes later
(folder / "test" / "las").rename(later_test)
sorted(path.name for path in (folder / "photos").iterdir())

# %% [markdown]
# ## Adapt
#
# The learner is a trained network and a *head*. Adapting it to the folder trains no
# network: each image passes through it once, and the head learns from the features.
# These images are characters, so the network is one that was trained on characters.
# For photographs take a network of ImageNet, whose weights Keras downloads once:
#
# ```python
# learner = fsl.models.TransferLearner("mobilenet_v2", head="ridge")
# ```

# %%
backbone = fsl.presets.backbone("prototypical_conv4_glyphs")
learner = fsl.models.TransferLearner(backbone, head="ridge")
classifier = learner.adapt(
    folder / "photos", invert=True, leave_one_out=True, false_reject_rate=0.1
)
classifier.class_names

# %% [markdown]
# `invert=True` is for characters, which are white on black for the network.
# Photographs need no such option.
#
# ## How good is it?
#
# Each image is left out in turn, and predicted by a classifier of the others:

# %%
print(classifier.leave_one_out)

# %% [markdown]
# Where there are test images, measure on them:

# %%
report = fsl.evaluation.evaluate_classifier(classifier, folder / "test")
print(report)

# %% [markdown]
# ## Predict

# %%
path = folder / "test" / "tan" / "7.png"
(prediction,) = classifier.predict_classes(path)
prediction.top(3)

# %% [markdown]
# With `false_reject_rate`, images that are like no class are `"unknown"`. The letter
# "las" is one that the classifier has not learned:

# %%
[prediction.class_name for prediction in classifier.predict_classes(later)]

# %% [markdown]
# ## A new class
#
# Only the new images pass through the network.

# %%
classifier.add_class("las", later)
found = classifier.predict_classes(later_test)
np.mean([prediction.class_name == "las" for prediction in found])

# %% [markdown]
# ## Correct a label
#
# A classifier remembers what it was made of.

# %%
example = classifier.examples()[0]
print(example.id, example.class_name, pathlib.Path(example.source).name)
classifier.relabel(example.id, "vin")
classifier.relabel(example.id, "ban")

# %% [markdown]
# ## Save and ship
#
# A `.keras` file is loaded again and learns more classes. A LiteRT file is for
# phones; the page [From a notebook to a phone](../deployment.md) shows how it is
# used.

# %%
classifier.save(folder / "letters.keras")
loaded = keras.saving.load_model(folder / "letters.keras")
classifier.export(folder / "letters.tflite", "litert")
sorted(path.name for path in folder.glob("letters.*"))
