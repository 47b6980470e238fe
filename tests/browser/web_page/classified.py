"""What a web page of a classifier answers, and what the classifier itself does."""

import base64
import io
import re

import numpy as np
from PIL import Image

_CLASSIFY = """async (texts) => {
  const answers = [];
  for (const text of texts) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const bitmap = await decoded(new Blob([bytes]));
    const given = [bitmap.height, bitmap.width];
    const pixels = toPixels(bitmap, given, CLASSIFIER);
    answers.push({ ...(await classify(bitmap, given)), pixels: Array.from(pixels) });
  }
  return answers;
}"""


def wait_until_ready(page):
    """Waits until a page can classify; returns what it says."""
    from playwright.sync_api import expect

    message = page.locator("#message")
    expect(message).to_have_text(re.compile("Ready|cannot be loaded"))
    return message.inner_text()


def file_of(image, format="PNG", **options):
    """Returns the bytes of the file of an array or of a Pillow image."""
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image.squeeze())
    contents = io.BytesIO()
    image.save(contents, format, **options)
    return contents.getvalue()


def answers_of(page, files):
    """Returns the answers of the page's own functions to the bytes of files.

    Each is a dictionary of `probabilities`, `index`, `known` and `pixels`.
    """
    return page.evaluate(_CLASSIFY, [base64.b64encode(one).decode() for one in files])


def compare(page, classifier, files):
    """Returns how often page and classifier name the same class, and how far apart.

    Args:
        page: a page that is ready.
        classifier: the `FewShotClassifier` that was exported.
        files: list of bytes.

    Returns:
        The fraction of files of the same class, and the largest difference of any
        probability.
    """
    expected = classifier.predict_classes(files)
    found = answers_of(page, files)
    names = [
        classifier.class_names[one["index"]] if one["known"] else "unknown"
        for one in found
    ]
    same = [name == one.class_name for name, one in zip(names, expected, strict=True)]
    wanted = [list(one.probabilities.values()) for one in expected]
    given = [one["probabilities"] for one in found]
    return np.mean(same), np.abs(np.subtract(given, wanted)).max()
