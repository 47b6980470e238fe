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
# # From a few sentences to a classifier
#
# Texts work as images do: a few sentences per class make a classifier that can be
# checked, extended and shipped. The encoder of this notebook hashes words and parts
# of words, in any language and without a download.

# %%
import tempfile

import fsl_keras as fsl  # before keras: turns on oneDNN
import tensorflow as tf

# %% [markdown]
# ## Sentences and labels
#
# Questions to a bank. A table would do as well: `learner.adapt("intents.csv")`.

# %%
questions = {
    "card": [
        "Where is my card?",
        "My card has not arrived yet.",
        "When will my new card come?",
        "I am still waiting for the card.",
        "How long does it take until my card is delivered?",
    ],
    "pin": [
        "How do I change my PIN?",
        "I forgot my PIN.",
        "Set a new PIN please.",
        "My PIN does not work.",
        "Can I choose another PIN?",
    ],
    "transfer": [
        "How do I send money to a friend?",
        "My transfer is still pending.",
        "Cancel the transfer please.",
        "The money I sent has not been received.",
        "How long does a transfer take?",
    ],
}
texts = [text for group in questions.values() for text in group]
labels = [name for name, group in questions.items() for _ in group]

# %% [markdown]
# ## Adapt
#
# A pretrained language model knows which words mean the same, and is more accurate in
# its language. It takes the place of the encoder:
#
# ```python
# encoder = fsl.backbones.SentenceEncoder("all-MiniLM-L6-v2/")
# learner = fsl.models.TransferLearner(encoder, head="logistic")
# ```

# %%
encoder = fsl.backbones.HashedTextEncoder()
learner = fsl.models.TransferLearner(encoder, head="ridge")
classifier = learner.adapt(texts, labels, leave_one_out=True)
print(classifier.leave_one_out)

# %% [markdown]
# ## Predict

# %%
for prediction in classifier.predict_classes(
    ["has my card been sent", "which PIN may I choose", "I want to send money"]
):
    print(f"{prediction.class_name:9} {prediction.probability:.0%}")

# %% [markdown]
# ## A new class, by a sentence that describes it
#
# The description is learned as an example. Sentences can follow later.

# %%
classifier.add_class("refund", description="I want a refund for this purchase")
classifier.update("refund", ["please refund my last payment"])
classifier.predict_classes("can I get a refund")[0].top(2)

# %% [markdown]
# ## Correct a label

# %%
example = classifier.examples()[0]
print(example.id, example.class_name, example.source)
classifier.relabel(example.id, "pin")
classifier.relabel(example.id, "card")

# %% [markdown]
# ## Episodes of sentences
#
# A `ClassDataset` of texts streams episodes, so that a learner is measured on classes
# that it has not seen, or trained on them.

# %%
data = fsl.ClassDataset.from_arrays(texts, labels)
episodes = data.episodes(ways=3, shots=1, queries=2, seed=0, count=50)
print(fsl.evaluation.evaluate(learner, episodes))

# %% [markdown]
# ## Ship it
#
# The SavedModel takes raw strings and needs TensorFlow alone.

# %%
folder = tempfile.mkdtemp()
classifier.export(f"{folder}/questions")
exported = tf.saved_model.load(f"{folder}/questions")
exported.serve(tf.constant(["where is my card"]))["class_name"].numpy()

# %% [markdown]
# The guide [From a table of sentences to a classifier](../texts.md) goes on with
# sentences out of scope, language models and fine-tuning.
