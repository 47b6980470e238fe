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
# # Learning class after class
#
# Classes come in *sessions*, and the examples of earlier sessions are gone. A network
# that is trained on a new session forgets the old ones. The learners of this notebook
# add to sums instead, and forget nothing.

# %%
# %matplotlib inline
import fsl_keras as fsl  # before keras: turns on oneDNN
import numpy as np

# %% [markdown]
# ## Three alphabets, one after the other
#
# Ten letters of each alphabet; five images of each are learned, the others tested.
# The backbone has been trained on other scripts.

# %%
data = fsl.datasets.load("glyphs", split="test")
sessions, test_images, test_names = [], [], []
for alphabet in ("GEORGIAN", "TIFINAGH", "ARABIC"):
    letters = [name for name in data.class_names if name.startswith(alphabet)][:10]
    images, names = [], []
    for letter in letters:
        found = list(data.class_items(letter))
        images += found[:5]
        names += 5 * [letter]
        test_images += found[5:]
        test_names += len(found[5:]) * [letter]
    sessions.append((np.stack(images), names))
test = (np.stack(test_images), test_names)
[images.shape for images, _ in sessions]

# %% [markdown]
# ## Learn the sessions, test after each
#
# `continual.evaluate` tests on all classes seen so far. `"lda"` knows in which
# directions images of a letter vary, prototypes do not.

# %%
backbone = fsl.presets.backbone("prototypical_conv4_glyphs")
reports = []
for head in ("lda", "prototypes"):
    learner = fsl.models.TransferLearner(backbone, head)
    report = fsl.continual.evaluate(learner, sessions, test, head, cache=False)
    reports.append(report)
    print(report)

# %%
curves = {report.name: report.accuracy_by_session for report in reports}
fsl.plots.accuracy_by_session(curves, class_counts=[10, 20, 30])

# %% [markdown]
# Nothing is forgotten. `forgetting` is the accuracy on the letters of a session right
# after it, minus that after the last session. It is zero for prototypes; for `"lda"` it
# is below zero, because each session shows more of how images of one letter vary. After
# the last session both are what they would be if all examples had been learned at once.

# %%
for report in reports:
    print(f"{report.forgetting:+.2%} forgotten, {report.joint_gap:+.2%} to all at once")

# %% [markdown]
# ## A classifier in use
#
# The same happens to a classifier that is saved, loaded and taught another day.

# %%
classifier = fsl.models.TransferLearner(backbone, "lda").adapt(*sessions[0])
print(len(classifier.class_names), "classes")
classifier.add_examples(*sessions[1])
print(len(classifier.class_names), "classes")
classifier.add_class(letters[0], data.class_items(letters[0])[:5])
classifier.update(letters[0], data.class_items(letters[0])[5:8])
print(len(classifier.class_names), "classes")

# %% [markdown]
# [Learning class after class](../continual.md) goes on with bounded memories of
# examples, and with networks that are trained on each session and protected from
# forgetting.
