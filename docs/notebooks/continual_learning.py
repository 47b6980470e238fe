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
import fsl_keras as fsl  # before keras: turns on oneDNN

# %% [markdown]
# ## Four alphabets, one after the other
#
# Ten letters of each alphabet; five images of each are learned, the others tested.
# The backbone has been trained on other scripts.

# %%
data = fsl.datasets.load("glyphs", split="test")
alphabets = ("GEORGIAN", "TIFINAGH", "LAO", "ARABIC")
sessions, items, labels = [], [], []
for alphabet in alphabets:
    names = [name for name in data.class_names if name.startswith(alphabet)][:10]
    images = [image for name in names for image in data.class_items(name)[:5]]
    sessions.append(
        fsl.ClassDataset.from_arrays(images, [n for n in names for _ in range(5)])
    )
    for name in names:
        rest = data.class_items(name)[5:]
        items += list(rest)
        labels += [name] * len(rest)
test = fsl.ClassDataset.from_arrays(items, labels)
[len(session) for session in sessions]

# %% [markdown]
# ## Learn the sessions, test after each
#
# `continual.evaluate` tests on all classes seen so far. `"lda"` knows in which
# directions images of a letter vary, prototypes do not.

# %%
backbone = fsl.presets.backbone("prototypical_conv4_glyphs")
curves = {}
for head in ("lda", "prototypes"):
    learner = fsl.models.TransferLearner(backbone, head)
    report = fsl.continual.evaluate(learner, sessions, test, head, cache=False)
    curves[head] = report.accuracy_by_session
    print(report)

# %%
fsl.plots.accuracy_by_session(curves, class_counts=[10, 20, 30, 40])

# %% [markdown]
# The lines fall because there are more letters to confuse, not because letters are
# forgotten: `forgetting_among_known` is zero. After the last session both are what
# they would be if all examples had been learned at once (`joint_gap`).

# %%
print(f"forgotten among known classes: {report.forgetting_among_known:.1%}")
print(f"lost to learning in sessions:  {report.joint_gap:.1%}")

# %% [markdown]
# ## A classifier in use
#
# The same happens to a classifier that is saved, loaded and taught another day.

# %%
first, second = sessions[:2]
classifier = fsl.models.TransferLearner(backbone, "lda").adapt(first)
print(len(classifier.class_names), "classes")
for name in second.class_names[:3]:
    classifier.add_class(name, second.class_items(name))
more = data.class_items(second.class_names[0])[5:8]
classifier.update(second.class_names[0], more)
print(len(classifier.class_names), "classes")

# %% [markdown]
# [Learning class after class](../continual.md) goes on with bounded memories of
# examples, and with networks that are trained on each session and protected from
# forgetting.
