"""Packs the zoo and its recipes, which lie beside the package, into the wheel."""

import pathlib
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("saved_models", "benchmarks/recipes")


class BuildWithZoo(build_py):
    def run(self):
        super().run()
        if self.editable_mode:  # the folders of the checkout are used
            return
        for folder in FOLDERS:
            target = pathlib.Path(self.build_lib, "fsl_keras", folder)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder, target)


setup(cmdclass={"build_py": BuildWithZoo})
