"""What happens when the package is imported."""

from fsl_keras.imports.lazy import around_import, on_demand

__all__ = ["around_import", "on_demand"]
