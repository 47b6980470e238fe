"""`glyphs`: characters of many scripts, a data set that needs no download."""

from fsl_keras.datasets.glyphs.glyph_set import (
    GlyphSet,
    build_glyphs,
    load_glyphs,
    load_split,
)

__all__ = ["GlyphSet", "build_glyphs", "load_glyphs", "load_split"]
