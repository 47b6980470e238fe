"""The order of the axes of images: channels come last."""

import keras


def check_channels_last():
    """Refuses to make a layer or network for images where channels come first.

    Raises:
        ValueError: If `keras.config.image_data_format()` is `"channels_first"`.
    """
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            'Images are [height, width, channels] here. Received: "channels_first" as '
            "`keras.config.image_data_format()`. Call "
            'keras.config.set_image_data_format("channels_last") first.'
        )
