"""`python -m fsl_keras.cli`, the same as `fsl-keras`."""

from fsl_keras.cli.app import main

main()
