"""Keep OpenCV and the libraries inside it from writing to standard error: our own messages say what is wrong."""

from __future__ import annotations

import os
from typing import Final

FFMPEG_QUIET: Final = "-8"
"""FFmpeg's AV_LOG_QUIET."""


def hush_opencv() -> None:
    """Silence OpenCV and FFmpeg, unless the user asked for their words with the usual variables.

    `OPENCV_LOG_LEVEL` and `OPENCV_FFMPEG_LOGLEVEL` bring them back. FFmpeg's is read when the first video is
    opened, OpenCV's own when cv2 is imported: hence a variable for the one and a call for the other.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_QUIET)
    if "OPENCV_LOG_LEVEL" not in os.environ:
        import cv2

        # Its place differs between versions: cv2.utils.logging, or cv2 itself.
        logging = getattr(getattr(cv2, "utils", cv2), "logging", cv2)
        if hasattr(logging, "setLogLevel"):
            logging.setLogLevel(0)
