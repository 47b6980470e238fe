"""`fsl-keras evaluate`."""

import pathlib
from typing import Annotated

import typer

from fsl_keras.cli.items import (
    LabelColumn,
    TextColumn,
    check_options,
    kind_of,
    labeled,
)
from fsl_keras.cli.options import DataDir, Import
from fsl_keras.cli.output import (
    AsCsv,
    AsJson,
    Output,
    print_confusions,
    print_reports,
    working,
)
from fsl_keras.cli.stored import import_modules, load_model
from fsl_keras.files.outputs import CSV, FIGURE, JSON, check_writable


def evaluate(
    ctx: typer.Context,
    model: Annotated[
        pathlib.Path,
        typer.Argument(
            help="A learner or a classifier: a .keras file, or a preset's name or "
            "folder."
        ),
    ],
    folder: Annotated[
        pathlib.Path | None,
        typer.Argument(
            help="For a classifier: a folder of images for each class, or a table of "
            "images or sentences and their labels."
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    dataset: Annotated[
        str, typer.Option(help="For a learner: the data set of the episodes.")
    ] = "glyphs",
    split: Annotated[str, typer.Option(help="Split of its classes.")] = "test",
    data_dir: DataDir = None,
    ways: Annotated[int, typer.Option(min=1, help="Classes of an episode.")] = 5,
    shots: Annotated[int, typer.Option(min=1, help="Support examples per class.")] = 1,
    queries: Annotated[int, typer.Option(min=1, help="Queries per class.")] = 15,
    episodes: Annotated[int, typer.Option(min=1, help="Number of episodes.")] = 600,
    seed: Annotated[int, typer.Option(help="Seed of the episodes, an integer.")] = 2,
    within: Annotated[
        bool,
        typer.Option(
            help="For a learner: draw all classes of an episode from one group, such "
            "as an alphabet. The group is the first part of a class name."
        ),
    ] = False,
    one_shot_runs: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="For a learner: the folder of Lake's one-shot runs, to evaluate on "
            "them instead of a data set."
        ),
    ] = None,
    output: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="File to write the (first) report to: JSON, or for a classifier CSV "
            "if its name ends in .csv."
        ),
    ] = None,
    confusion: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="For a classifier: image file to write the confusion matrix to, such "
            "as confusion.png."
        ),
    ] = None,
    modules: Import = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Evaluate a learner on a data set, or a classifier on labeled examples."""
    from fsl_keras import datasets, evaluation
    from fsl_keras.classifier import FewShotClassifier
    from fsl_keras.evaluation.variants import embedded_once, variants

    out = Output(as_json, as_csv)
    if output:
        check_writable(output, CSV if output.suffix == ".csv" else JSON)
    if confusion:
        check_writable(confusion, FIGURE)
    import_modules(modules)
    loaded = load_model(model)
    if isinstance(loaded, FewShotClassifier):
        if folder is None:
            raise ValueError(
                f"{model} is a classifier. Pass a folder that holds a folder of images "
                f"for each class, or a table of images or sentences and their labels."
            )
        kind = kind_of(folder, loaded)
        check_options(ctx, kind, model)
        given = labeled(folder, kind, text_column, label_column)
        _evaluate_classifier(out, loaded, given, output, confusion)
        out.finish()
        return
    if folder is not None:
        raise ValueError(
            f"{model} is a learner, which is evaluated on episodes of a data set "
            f"(--dataset). To evaluate it on {folder}, make a classifier with "
            f"`fsl-keras adapt`."
        )
    if confusion is not None:
        raise ValueError(
            f"{model} is a learner. --confusion needs a classifier and a folder."
        )
    if one_shot_runs is not None:
        reports = [_evaluate_runs(loaded, one_shot_runs, model.stem)]
    else:
        data = _load_for(loaded, dataset, split, data_dir)
        if data.class_sizes.sum() < episodes * ways * (shots + queries):
            loaded, data = embedded_once(loaded, data)
        groups = datasets.class_groups(data.class_names) if within else None
        reports = [
            evaluation.evaluate(
                variant,
                data.episodes(
                    ways,
                    shots,
                    drawn,
                    seed=seed,
                    count=episodes,
                    groups=groups,
                    stratified=within,
                ),
                model.stem,
            )
            for variant, drawn in variants(loaded, queries)
        ]
    if output:
        reports[0].save(output)
    print_reports(out, reports)
    if one_shot_runs is not None:
        error, ci95 = 100 * reports[0].error, 100 * reports[0].ci95
        out.say(f"error {error:.2f} ± {ci95:.2f} %")
    out.finish()


def _load_for(learner, dataset, split, data_dir):
    """Loads a data set of the items of a learner, at its image size."""
    from fsl_keras import datasets
    from fsl_keras.inputs import noun_of

    data = datasets.load(dataset, split, data_dir)
    if (learner.item_kind == "text") != (data.item_dtype == "string"):
        raise ValueError(
            f"The learner takes {noun_of(learner.item_kind)}s, and {dataset} holds "
            f"other items. Choose another data set with --dataset; `fsl-keras "
            f"datasets` lists them."
        )
    item_shape = learner.item_shape
    if data.item_shape[2:] != item_shape[2:]:
        raise ValueError(
            f"The learner needs items of shape {item_shape}, and those of {dataset} "
            f"have shape {data.item_shape}. Choose another data set with --dataset."
        )
    if data.item_shape != item_shape:
        data = datasets.load(dataset, split, data_dir, image_size=item_shape[:2])
    return data


def _evaluate_runs(learner, folder, name):
    from fsl_keras import evaluation

    stream = evaluation.one_shot_runs(folder, learner.item_shape[:2])
    if learner.kind == "transductive":
        learner = learner.deployable()
    return evaluation.evaluate(learner, stream, name)


def _evaluate_classifier(out, classifier, given, output, confusion):
    from fsl_keras import evaluation, plots
    from fsl_keras.files import replacing

    items, labels = given
    with working(f"Predicting {len(items)} examples"):
        report = evaluation.evaluate_classifier(classifier, items, labels)
    if output and output.suffix == ".csv":
        report.save_csv(output)
    elif output:
        report.save(output)
    if confusion:
        with replacing(confusion, FIGURE) as temporary:
            plots.confusion_matrix(report).savefig(temporary)
    header, *rows = report.table()
    out.table(
        "classes",
        [{"class_name": n, **score._asdict()} for n, score in report.scores.items()],
        [dict(zip(header, map(str, row), strict=True)) for row in rows],
    )
    # The recall of each unknown class; the table above has "unknown" as one class.
    recalls = [
        {"class_name": name, "recall": recall}
        for name, recall in report.recalls.items()
        if name not in classifier.class_names
    ]
    out.table(
        "unknown_classes",
        recalls,
        [
            {
                "unknown class": row["class_name"],
                "recall": f"{100 * row['recall']:.1f} %",
            }
            for row in recalls
        ],
    )
    print_confusions(out, report.confusions, report.noun)
    out.say(report.summary())
    out.add(
        accuracy=report.accuracy,
        balanced_accuracy=report.balanced_accuracy,
        macro_accuracy=report.macro_accuracy,
        unknown_rate=report.unknown_rate,
    )
