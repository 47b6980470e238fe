"""The time of a report of 2,000 photographs, beside that of embedding them.

python benchmarks/report_time.py PHOTOGRAPHS --weights FILE

The folder holds a folder of photographs for each class, of which the first are taken.
Embedding is `learner.adapt`, without any estimate. Each runs in a process of its own,
after a warm-up on a few photographs.
"""

import argparse
import multiprocessing
import pathlib
import shutil
import tempfile
import time

from machine import describe

COUNT, WARM = 2000, 32


def parts(folder, target):
    """Copies the first photographs of each class; a few of them for the warm-up."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    each = COUNT // len(classes)
    for name, number in (("all", each), ("few", max(2, WARM // len(classes)))):
        for path in classes:
            (target / name / path.name).mkdir(parents=True)
            for file in sorted(path.iterdir())[:number]:
                shutil.copy(file, target / name / path.name)
    return each * len(classes)


def measure(task, folder, options):
    """Returns seconds, CPU seconds, and the megabytes of the page if there is one."""
    import fsl_keras as fsl

    backbone = fsl.backbones.pretrained("mobilenet_v2", options.weights, alpha=0.35)
    learner = fsl.models.TransferLearner(backbone, options.head)
    page = folder / f"{task}.html"

    def run(examples):
        start, cpu = time.perf_counter(), time.process_time()
        if task == "report":
            fsl.reports.write(learner, page, examples)
        else:
            learner.adapt(examples)
        return time.perf_counter() - start, time.process_time() - cpu

    run(folder / "few")
    seconds, cpu = run(folder / "all")
    return seconds, cpu, page.stat().st_size / 1e6 if page.exists() else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=pathlib.Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--head", default="cosine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        count = parts(options.photographs, folder)
        found = {}
        for task in ("embed", "report"):
            context = multiprocessing.get_context("spawn")
            with context.Pool(1, maxtasksperchild=1) as pool:
                found[task] = pool.apply(measure, (task, folder, options))
    (embed, embed_cpu, _), (report, report_cpu, size) = found.values()
    print(describe())
    print(
        f"{count} photographs: embedding {embed:.1f} s ({embed_cpu:.1f} s of CPU), "
        f"report {report:.1f} s ({report_cpu:.1f}): {report / embed:.2f} times "
        f"({report_cpu / embed_cpu:.2f}), {size:.1f} MB"
    )
