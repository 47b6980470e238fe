"""`fsl-keras methods` and `fsl-keras datasets`."""

from fsl_keras import methods
from fsl_keras.cli.app import app
from fsl_keras.cli.output import print_table
from fsl_keras.datasets.catalogue import DESCRIPTIONS


@app.command("methods")
def list_methods():
    """List the methods, with paper, kind and what they do when classes come later."""
    rows = []
    for name, method in methods.METHODS.items():
        learner = method.make((28, 28, 1), filters=2)
        options = {**method.options, **method.arguments}
        spelled = ", ".join(f"{key}={value}" for key, value in options.items())
        streams = ", ".join(method.streams)
        growth = "makes no classifier" if method.head else learner.incremental
        rows.append((name, method.paper, learner.kind, growth, streams, spelled))
    columns = ["method", "paper", "kind", "new classes", "trains on", "options"]
    print_table(columns, rows)


@app.command("datasets")
def list_datasets():
    """List the data sets that can be loaded by name."""
    rows = [*DESCRIPTIONS.items(), ("any other", "a set of TensorFlow Datasets")]
    print_table(["name", "what it is"], rows)
