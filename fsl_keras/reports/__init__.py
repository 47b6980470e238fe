"""A report of a classifier as one HTML page that needs nothing else."""

from fsl_keras.reports.report import Report
from fsl_keras.reports.writing import write

__all__ = ["Report", "write"]
