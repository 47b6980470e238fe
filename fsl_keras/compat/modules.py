"""Modules that have a new place."""

import importlib
import importlib.abc
import importlib.util
import sys

from fsl_keras.imports.registration import PACKAGE

# Where the modules are that users' code and `.keras` files name by an old path.
MOVED = {
    "comparison": "model_selection.candidates",
    "estimates": "model_selection",
    "estimates.cross_validation": "model_selection.held_out",
    "exporting": "classifier.exporting",
    "inputs.tables": "datasets.tables",
    "layers.folded_convolution": "layers._folded_convolution",
    "methods": "training.methods",
    "models.maml": "models.gradient_based.maml",
    "models.proto_maml": "models.gradient_based.proto_maml",
    "models.reptile": "models.gradient_based.reptile",
    "pictures": "images",
    "predictions": "classifier.predictions",
    "recipes": "training.recipes",
    "run_options": "training.options",
    "runs": "training.run_folder",
}


def install() -> None:
    """Lets modules be imported by their old paths, as the modules they are now."""
    # Before the finder of files: under its old path a moved package has its new folder,
    # whose modules would be loaded a second time.
    sys.meta_path.insert(0, _MovedModules())


def _new_place(name):
    """Returns the new path of a module, or None where it has not moved."""
    package, _, old = name.partition(".")
    if package != PACKAGE:
        return None
    if old in MOVED:
        return f"{PACKAGE}.{MOVED[old]}"
    parent, _, child = old.rpartition(".")
    return f"{PACKAGE}.{MOVED[parent]}.{child}" if parent in MOVED else None


class _MovedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        new = _new_place(name)
        if new is None or importlib.util.find_spec(new) is None:
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec):
        module = importlib.import_module(_new_place(spec.name))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        # The import system has put the specification of the old path here.
        module.__spec__ = module.__spec__.loader_state
