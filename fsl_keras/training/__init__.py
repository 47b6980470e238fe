"""Training runs in folders: options, stages, reports, and the recipes of presets."""
