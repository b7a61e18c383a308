"""The Haar cascade (Viola & Jones 2001) as OpenCV has it: boxes of frontal faces in a gray picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from edge.errors import CascadeError
from edge.types import Gray

CASCADE_FILE: Final = "haarcascade_frontalface_default.xml"
DEBIAN_CASCADES: Final = Path("/usr/share/opencv4/haarcascades")
"""Where Debian's package `opencv-data` puts them; the wheel from PyPI has its own in `cv2.data`."""
WINDOW_PX: Final = 24
"""Side of the cascade's own window: nothing smaller can be found."""
NEIGHBORS_HALF_SURE: Final = 10.0
"""Number of overlapping hits at which the score is 1 - 1/e."""

Box = tuple[int, int, int, int]
Detection = tuple[Box, float]
"""A box and a score from 0 to 1."""


class HaarDetector:
    """Finds frontal faces.

    Parameters
    ----------
    path: a cascade file; empty takes OpenCV's frontal face.
    scale_factor: step of the search over sizes.
    min_neighbors: overlapping hits that make a face.

    Raises
    ------
    CascadeError
        OpenCV has no cascades (version 5 dropped them), or the file is missing or no cascade.
    """

    def __init__(self, path: str = "", *, scale_factor: float = 1.15, min_neighbors: int = 3) -> None:
        if not hasattr(cv2, "CascadeClassifier"):
            raise CascadeError(
                f"OpenCV {cv2.__version__} has no cascade classifier",
                expected="OpenCV 4.x",
                fix='pip install "opencv-python-headless<5"',
            )
        file = Path(path) if path else _default_cascade()
        if not file.is_file():
            raise CascadeError(
                f"there is no cascade file {file}",
                expected="a Haar cascade (.xml)",
                fix="set [finder] cascade, or: apt install opencv-data",
            )
        self._cascade = cv2.CascadeClassifier()
        try:
            loaded = self._cascade.load(str(file))
        except cv2.error:
            loaded = False
        if not loaded:
            raise CascadeError(
                f"{file} is no Haar cascade", expected="an OpenCV cascade (.xml)", fix="set [finder] cascade"
            )
        self._scale_factor = scale_factor
        self._min_neighbors = min_neighbors

    def detect(self, gray: Gray, *, min_px: int, max_px: int = 0) -> list[Detection]:
        """Return the faces whose side is between `min_px` and `max_px` (0: no limit).

        Parameters
        ----------
        gray: uint8 (H, W).

        Returns
        -------
        Boxes in pixels of `gray`, with scores; in no order.
        """
        smallest = max(WINDOW_PX, min_px)
        if min(gray.shape) < smallest:
            return []
        boxes, hits = self._cascade.detectMultiScale2(
            gray,
            scaleFactor=self._scale_factor,
            minNeighbors=self._min_neighbors,
            minSize=(smallest, smallest),
            maxSize=(max_px, max_px),
        )
        return [
            (
                (int(box[0]), int(box[1]), int(box[2]), int(box[3])),
                1.0 - math.exp(-int(n) / NEIGHBORS_HALF_SURE),
            )
            for box, n in zip(boxes, np.ravel(hits), strict=True)
        ]


def _default_cascade() -> Path:
    # Debian's build of OpenCV has no `cv2.data`.
    data = getattr(cv2, "data", None)
    if data is not None:
        file = Path(data.haarcascades) / CASCADE_FILE
        if file.is_file():
            return file
    return DEBIAN_CASCADES / CASCADE_FILE
