"""All batches of images without labels, none of which may be unreadable."""

from fsl_keras.inputs import Elements, check_all_read, item_batches


def batches_of(images, preprocessing, size):
    """Returns the list of preprocessed batches."""
    kind = "array" if preprocessing is None else "image"
    elements, skipped = Elements.unlabeled(images, kind), []
    found = [items for items, _ in item_batches(elements, preprocessing, size, skipped)]
    check_all_read(skipped)
    return found
