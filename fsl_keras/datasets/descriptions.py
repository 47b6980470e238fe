"""The data sets that have a name of their own, and what they are."""

DESCRIPTIONS = {
    "glyphs": "printed characters of many scripts, 28x28; whole scripts held out; "
    "drawn from Matplotlib's fonts, nothing to download",
    "omniglot": "handwritten characters, 28x28, Vinyals split, four rotations as "
    "classes; holds out characters and shares the alphabet Gurmukhi",
    "omniglot/lake": "handwritten characters, 28x28, whole alphabets held out: 30 of "
    "background (trainval = train + validation) and 20 of evaluation (test)",
    "mini_imagenet": "photographs, 84x84, Ravi & Larochelle's 64/16/20 classes; from "
    "a local folder or pickles",
    "mini_imagenet/development": "the same without the 20 test classes, which choices "
    "must not touch: 12 of the 64 are held out as validation (trainval = all 64), and "
    "the 16 validation classes are the test",
}
