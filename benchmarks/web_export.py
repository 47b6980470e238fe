"""How often the web page of a classifier agrees with Keras, in Chromium.

    python benchmarks/web_export.py FOLDER --weights FILE --runtime RUNTIME

RUNTIME holds the unpacked package onnxruntime-web, and FOLDER a folder of pictures for
each class. MobileNetV2 of width 0.35 under ridge regression learns each class from its
first 5 pictures. A second classifier, the preset of prototypes on Omniglot, learns 20
test characters from one drawing each. The pages are opened as files, and classify other
pictures: the files as they are, and photographs as PNG too, of which decoders have only
one reading. WebGPU is computed by SwiftShader on the processor, so its numbers count
and not its time; it gets the first pictures only.
"""

import argparse
import base64
import io
import itertools
import pathlib
import re
import tempfile

import fsl_keras as fsl
import numpy as np
from fsl_keras.datasets.folders import files_by_class
from PIL import Image
from playwright.sync_api import expect, sync_playwright

SHOTS, WAYS, BATCH = 5, 20, 20
DEVICES = {
    "WebAssembly": [],
    "WebGPU": ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
}
CLASSIFY = """async (texts) => {
  const answers = [];
  for (const text of texts) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const begin = performance.now();
    const bitmap = await decoded(new Blob([bytes]));
    const answer = await classify(bitmap, [bitmap.height, bitmap.width]);
    answers.push({ ...answer, time: performance.now() - begin });
  }
  return answers;
}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--runtime", type=pathlib.Path, required=True)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--webgpu-pictures", type=int, default=60)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    photographs, files = of_photographs(arguments)
    drawings, drawn = of_drawings(arguments.pictures)
    compare(arguments, drawings, {"drawings, PNG": drawn})
    compare(
        arguments,
        photographs,
        {"photographs, PNG": list(map(as_png, files)), "photographs, JPEG": files},
    )


def of_photographs(arguments):
    """Returns a classifier of photographs, and files that it has not learned."""
    folders = files_by_class(arguments.folder)
    learned = [path for paths in folders.values() for path in paths[:SHOTS]]
    labels = np.repeat(list(folders), SHOTS).tolist()
    turns = itertools.zip_longest(*(paths[SHOTS:] for paths in folders.values()))
    others = [path for turn in turns for path in turn if path is not None]
    backbone = fsl.backbones.pretrained("mobilenet_v2", arguments.weights, alpha=0.35)
    classifier = fsl.models.TransferLearner(backbone, "ridge").adapt(learned, labels)
    return classifier, [
        pathlib.Path(path).read_bytes() for path in others[: arguments.pictures]
    ]


def of_drawings(count):
    """Returns a classifier of characters, and files that it has not learned."""
    data = fsl.datasets.load("omniglot", "test")
    names = data.class_names[:WAYS]
    learner = fsl.from_preset("prototypical_conv4_omniglot")
    classifier = learner.adapt(
        np.concatenate([data.class_items(name)[:1] for name in names]), range(WAYS)
    )
    # Characters of other classes as well, of which the nearest class is asked.
    others = [
        drawing
        for shot in range(1, 20)
        for name in data.class_names[: 2 * WAYS]
        for drawing in data.class_items(name)[shot : shot + 1]
    ]
    return classifier, [to_png(drawing.squeeze()) for drawing in others[:count]]


def to_png(image):
    contents = io.BytesIO()
    Image.fromarray(image).save(contents, "PNG")
    return contents.getvalue()


def as_png(contents):
    return to_png(np.asarray(Image.open(io.BytesIO(contents)).convert("RGB")))


def compare(arguments, classifier, sets):
    """Prints a row of the table for each device and each set of files."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_folder = pathlib.Path(folder, "page")
        classifier.export(page_folder, "web", runtime=arguments.runtime)
        sizes = {p.name: p.stat().st_size for p in page_folder.iterdir()}
        print(f"{sizes['classifier.js'] / 1e6:.2f} MB of classifier.js")
        for device, options in DEVICES.items():
            browser = playwright.chromium.launch(
                executable_path=arguments.chromium, args=["--no-sandbox", *options]
            )
            page = browser.new_page()
            page.set_default_timeout(0)  # WebGPU in software takes long
            page.goto((page_folder / "index.html").as_uri())
            ready = re.compile(f"Ready. Runs by {device}.")
            expect(page.locator("#message")).to_have_text(ready, timeout=60_000)
            limit = arguments.webgpu_pictures if device == "WebGPU" else None
            for name, files in sets.items():
                print_row(page, classifier, name, device, files[:limit])
            browser.close()


def print_row(page, classifier, name, device, files):
    found = []
    for start in range(0, len(files), BATCH):
        batch = [base64.b64encode(one).decode() for one in files[start : start + BATCH]]
        found += page.evaluate(CLASSIFY, batch)
    expected = [
        list(one.probabilities.values()) for one in classifier.predict_classes(files)
    ]
    given = np.array([one["probabilities"] for one in found])
    same = np.mean(given.argmax(-1) == np.argmax(expected, -1))
    furthest = np.abs(given - expected).max(-1)
    time = np.median([one["time"] for one in found])
    print(
        f"| {name} | {len(files)} | {device} | {100 * same:.2f} % | "
        f"{furthest.max():.0e} | {np.mean(furthest > 1e-3):.1%} | {time:.0f} ms |",
        flush=True,
    )


if __name__ == "__main__":
    main()
