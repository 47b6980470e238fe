"""Time of the page's session, over that of its network alone, and memory under load.

    python benchmarks/app_time.py --backbone mobilenet_v2 --weights FILE
    python benchmarks/app_time.py --backbone mobilenet_v2 --weights FILE --people 8

First, without a page: the time to answer a frame of 640 x 480 pixels, beside the
preprocessing of the frame and the network (`predict_on_batch`) alone, and the time to
add a class of five photographs to ten classes of five. Rounds alternate, and medians
count. Second, with `--people`: as many clients ask the served page at a time, each for
pictures of its own classes. Wrong answers are counted, and the memory of the server is
read before the second half of the requests and after it. The pictures are noise in
colors.
"""

import argparse
import concurrent.futures
import io
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import fsl_keras as fsl
import numpy as np
from fsl_keras.app import Embedder, Session
from fsl_keras.app.uploads import Upload
from PIL import Image

from machine import describe

FRAME, SHOTS = (480, 640), 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--people", type=int, default=0)
    parser.add_argument("--requests", type=int, default=200)
    arguments = parser.parse_args()
    print(describe())
    if arguments.people:
        load(arguments)
    else:
        times(arguments)


def times(arguments):
    """Prints the times of a frame and of adding a class."""
    network = fsl.backbones.pretrained(arguments.backbone, arguments.weights)
    embedder = Embedder(
        arguments.backbone, fsl.models.TransferLearner(network, "cosine")
    )
    session = Session(embedder)
    for number in range(10):
        session.teach(f"class {number}", pictures(number))
    session.teach("another", pictures(10))
    session.undo()
    frame = noise(50)
    prepare = embedder.preprocessing
    bare, whole, added = [], [], []
    for _ in range(arguments.rounds):
        bare.append(seconds(lambda: network.predict_on_batch(prepare(frame[None]))))
        whole.append(seconds(lambda: session.predict(frame)))
    more = pictures(10)
    for _ in range(9):
        added.append(seconds(lambda: session.teach("another", more)))
        session.undo()
    ratio = statistics.median(a / b for a, b in zip(whole, bare, strict=True))
    print(
        f"frame: {1e3 * statistics.median(whole):.1f} ms, the network alone "
        f"{1e3 * statistics.median(bare):.1f} ms, ratio {ratio:.2f}"
    )
    print(
        f"a class of {SHOTS} pictures: {statistics.median(added):.2f} s "
        f"(longest {max(added):.2f} s)"
    )
    session.close()


def load(arguments):
    """Prints wrong answers and memory while several clients ask."""
    with tempfile.TemporaryDirectory() as name, server(arguments, name) as (url, pid):
        folder = pathlib.Path(name)
        for number in range(arguments.people + 1):
            (folder / f"{number}.png").write_bytes(png(noise(number)))
        half = arguments.requests // 2
        with concurrent.futures.ThreadPoolExecutor(arguments.people) as pool:
            people = list(
                pool.map(lambda i: Person(url, folder, i), range(arguments.people))
            )
            list(pool.map(lambda person: person.ask(half), people))
            before = memory(pid)
            start = time.perf_counter()
            list(pool.map(lambda person: person.ask(arguments.requests - half), people))
            took = time.perf_counter() - start
        wrong = sum(person.wrong for person in people)
        print(
            f"{arguments.people} people, {arguments.requests} requests each: {wrong} "
            f"wrong; {arguments.people * half / took:.0f} answers a second; memory "
            f"{before:.0f} MB half way, {memory(pid):.0f} MB after"
        )


class Person:
    """A client that has taught a class of its own, and one that all others have too."""

    def __init__(self, url, folder, number):
        from gradio_client import Client, handle_file

        self.wrong = 0
        self.name = f"class {number}"
        self.query = handle_file(folder / f"{number}.png")
        self.client = Client(url, verbose=False, httpx_kwargs={"timeout": 60})
        shared = handle_file(sorted(folder.glob("*.png"))[-1])
        self.client.predict(self.name, [self.query], api_name="/teach")
        self.client.predict("shared", [shared], api_name="/teach")

    def ask(self, count):
        for _ in range(count):
            answer = self.client.predict(self.query, api_name="/predict")
            self.wrong += answer["label"] != self.name


class server:
    """The command as a process; a context of its address and its process id."""

    def __init__(self, arguments, folder):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "fsl_keras.cli", "app", "--port", str(port)),
                *("--backbone", arguments.backbone, "--weights", arguments.weights),
            ]
        )

    def __enter__(self):
        while True:
            try:
                urllib.request.urlopen(self.url).close()
                return self.url, self.process.pid
            except urllib.error.URLError:
                if self.process.poll() is not None:
                    raise
                time.sleep(0.5)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def noise(seed):
    """A picture of a color of its own, with noise."""
    random = np.random.default_rng(seed)
    picture = random.integers(0, 256, 3) + random.normal(0, 40, (*FRAME, 3))
    return np.clip(picture, 0, 255).astype("uint8")


def pictures(number):
    seeds = range(100 * number, 100 * number + SHOTS)
    return [Upload(f"{seed}.png", png(noise(seed))) for seed in seeds]


def png(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def memory(pid):
    """The resident memory of a process in MB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = (x for x in status.splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
