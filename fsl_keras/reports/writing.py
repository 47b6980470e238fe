"""Writes a report: a page, and a table of all scores beside it."""

import pathlib

from fsl_keras.files import replacing
from fsl_keras.files.outputs import CSV, HTML, check_writable
from fsl_keras.files.writing import write_text
from fsl_keras.reports.gathering import gather
from fsl_keras.reports.page import check_packages, render
from fsl_keras.reports.report import Report
from fsl_keras.reports.table import write_table
from fsl_keras.typing import Model, Path


def write(
    model: Model,
    filepath: Path,
    examples: Path | None = None,
    test: Path | None = None,
    title: str | None = None,
    invert: bool = False,
    resize: str = "stretch",
    false_reject_rate: float = 0.05,
    projection: str = "pca",
    verbose: int = 0,
) -> Report:
    """Writes a report of a classifier, or of a folder of examples, as an HTML page.

    The page needs no other file and no network. It has the accuracy with its interval,
    the scores of each class, a confusion matrix whose numbers show their pictures, the
    embeddings as a map, examples that may have the wrong label, outliers, copies and
    leaks, unusual pictures, the calibration, and for wrong predictions the most similar
    examples. A CSV file beside `report.html`, `report_scores.csv`, has all scores of
    each picture.

    Pictures are read and embedded once. Examples are predicted from the other ones, by
    leave-one-out or, above 500 examples, by 8-fold cross-validation; augmented copies
    are not learned for that.

    Needs `pip install "fsl-keras[report]"`.

    Args:
        model: a `FewShotClassifier`, or a learner, which is adapted to `examples`.
        filepath: path of the page to write, which ends in `.html`.
        examples: folder that holds a folder of images for each class, or a table of
            image files and labels. By default, the examples of the classifier are shown
            where their files are still there.
        test: optional folder or table of other images, also of classes that the
            classifier does not know: the right prediction for these is "unknown".
        title: optional string, the title of the page.
        invert: bool, see `FewShotClassifier.from_examples`. For a learner.
        resize: string, see `ImagePreprocessing`. For a learner.
        false_reject_rate: float in (0, 1), at which a learner's classifier is
            calibrated.
        projection: `"pca"`, or `"umap"`, which needs `pip install umap-learn` and takes
            longer.
        verbose: 0 or 1, whether to show a progress bar.

    Returns:
        The `Report`, whose `summary()` lists the main findings.

    Raises:
        ValueError: if the model does not take images, a learner has no `examples`, or
            no file can be read.
        ImportError: if a package is missing.

    Example:

    >>> import tempfile, keras, numpy as np, fsl_keras as fsl
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for number in range(6):
    ...     path = folder / "photos" / ("night" if number % 2 else "day")
    ...     path.mkdir(parents=True, exist_ok=True)
    ...     value = (20 if number % 2 else 200) + 5 * number
    ...     image = np.random.default_rng(number).integers(value, value + 30, (8, 8, 3))
    ...     keras.utils.save_img(path / f"{number}.png", image, scale=False)
    >>> mean = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    >>> learner = fsl.models.PrototypicalNetwork(mean)
    >>> report = write(learner, folder / "report.html", folder / "photos")
    >>> print(report.summary()[0])
    Leave-one-out accuracy 100.0 % (95% interval 61.0 to 100.0 %, 6 images)
    >>> sorted(path.name for path in folder.glob("report*"))
    ['report.html', 'report_scores.csv']
    """
    check_packages()
    filepath = pathlib.Path(filepath)
    table = table_beside(filepath)
    # Before anything is computed.
    check_writable(filepath, HTML)
    check_writable(table, CSV)
    for given in (examples, test):
        if given is not None and pathlib.Path(given).resolve() == table.resolve():
            raise FileExistsError(
                f"{given} would be replaced by the table of scores. Give the page "
                f"another name."
            )
    report = gather(
        model, examples, test, invert, resize, false_reject_rate, projection, verbose
    )
    page = render(report, title or "Report of a classifier", table.name)
    with replacing(table, CSV) as temporary:
        write_table(report, temporary)
    with replacing(filepath, HTML) as temporary:
        write_text(temporary, page)
    return report


def table_beside(filepath: Path) -> pathlib.Path:
    """Returns the path of the table beside a page.

    Example:

    >>> table_beside("birds/report.html").as_posix()
    'birds/report_scores.csv'
    """
    filepath = pathlib.Path(filepath)
    return filepath.with_name(f"{filepath.stem}_scores.csv")
