"""The order of the axes of images: channels come last."""

import keras


def check_channels_last() -> None:
    """Raises an error if Keras is set to images with the channels first.

    Raises:
        ValueError: If `keras.config.image_data_format()` is `"channels_first"`.
    """
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "Images must be [height, width, channels]. Received: "
            'keras.config.image_data_format()="channels_first". Call '
            'keras.config.set_image_data_format("channels_last") first.'
        )
