"""Packs the presets, which lie outside of the package in a checkout, into the wheel."""

import pathlib
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDER = "saved_models"


class BuildWithPresets(build_py):
    def run(self):
        super().run()
        if self.editable_mode:  # the folder of the checkout is used
            return
        target = pathlib.Path(self.build_lib, "fsl_keras", FOLDER)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(FOLDER, target)


setup(cmdclass={"build_py": BuildWithPresets})
