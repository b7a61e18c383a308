"""Where the faces are: a cheap search over a stream of frames, and a thorough one in a still image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import ImageError
from edge.haar import WINDOW_PX, Box, Detection, HaarDetector
from edge.motion import MotionGate
from edge.settings import FinderSettings
from edge.tracker import Tracker
from edge.types import Face, Frame, Gray

SEARCH_FACE_PX: Final = 40
"""The frame is scaled down until the smallest wanted face has this width: well above the cascade's
24-pixel window, near which small faces are missed (half of them at 30 pixels on real clips)."""
NEAR_MARGIN: Final = 0.4
"""A known face is looked for within its box enlarged by this share on each side."""
NEAR_SMALLER: Final = 0.8
NEAR_LARGER: Final = 1.3
"""... and at sizes between these multiples of its width."""
ACCOMPANIED: Final = 0.5
"""With a face known, motion elsewhere (hands, shoulders) has the frame searched after this share of the
heartbeat at the earliest: a newcomer may wait, the known face is looked for near where it was."""
STILL_LONG_SIDE_PX: Final = 1920
"""Still images are scaled down to this: faces that matter in a larger one are larger too."""
STILL_SCALE_FACTOR: Final = 1.1
STILL_NEIGHBORS: Final = 5


class Finder:
    """Finds and follows faces in a stream of frames.

    The whole frame is searched when something moves outside the known faces and at a slow heartbeat; a known
    face is looked for near where it was. A landmark tracker will take the place of that second search.

    Parameters
    ----------
    settings: see `FinderSettings`.
    new_id: makes a face id that is never used again.

    Raises
    ------
    CascadeError
        See `HaarDetector`.
    """

    def __init__(self, settings: FinderSettings, new_id: Callable[[], str]) -> None:
        self._settings = settings
        self._haar = HaarDetector(
            settings.cascade, scale_factor=settings.scale_factor, min_neighbors=settings.min_neighbors
        )
        self._gate = MotionGate(settings.motion_levels)
        self._tracker = Tracker(keep_lost_s=settings.keep_lost_s, max_faces=settings.max_faces, new_id=new_id)
        self._scale = min(1.0, SEARCH_FACE_PX / settings.min_face_px)
        self._shape: tuple[int, ...] = ()
        self._searched_at_s = -1e9
        self._tracked_at_s = -1e9
        self.searches = 0
        """Whole frames searched since the start."""

    def find(self, frame: Frame) -> list[Face]:
        """Return the faces in view, the largest first; `seen` says which were found in this very frame."""
        if frame.gray.shape != self._shape:
            # Boxes of another picture size mean nothing in this one.
            self._tracker.clear()
            self._gate = MotionGate(self._settings.motion_levels)
            self._shape = frame.gray.shape
        known = self._tracker.boxes
        since_search_s = frame.at_s - self._searched_at_s
        since_track_s = frame.at_s - self._tracked_at_s
        if min(since_search_s, since_track_s) < self._settings.track_interval_s * 0.99:
            return self._tracker.faces(frame.at_s)
        moved = self._gate.moved(frame.gray, known)
        patience_s = self._settings.heartbeat_s * (ACCOMPANIED if moved and known else 0.0 if moved else 1.0)
        if since_search_s >= patience_s:
            self._gate.searched()
            self._searched_at_s = self._tracked_at_s = frame.at_s
            self.searches += 1
            self._tracker.update(self._search(frame.gray), frame.at_s)
        elif known:
            self._tracked_at_s = frame.at_s
            self._tracker.update(self._look_near(frame.gray, known), frame.at_s)
        return self._tracker.faces(frame.at_s)

    def _search(self, gray: Gray) -> list[Detection]:
        found = self._haar.detect(_scaled(gray, self._scale), min_px=self._px(self._settings.min_face_px))
        return [(_enlarged(box, self._scale), score) for box, score in found]

    def _look_near(self, gray: Gray, known: list[Box]) -> list[Detection]:
        found: list[Detection] = []
        rows, columns = gray.shape
        for x, y, width, height in known:
            left, top = max(0, round(x - width * NEAR_MARGIN)), max(0, round(y - height * NEAR_MARGIN))
            right = min(columns, round(x + width * (1 + NEAR_MARGIN)))
            bottom = min(rows, round(y + height * (1 + NEAR_MARGIN)))
            region = gray[top:bottom, left:right]
            if min(region.shape) < 2:
                continue
            # Scaled so that the face, whatever its size, costs the same to look for.
            scale = min(1.0, SEARCH_FACE_PX / (width * NEAR_SMALLER))
            near = self._haar.detect(
                _scaled(region, scale),
                min_px=round(width * NEAR_SMALLER * scale),
                max_px=round(width * NEAR_LARGER * scale),
            )
            for box, score in near:
                bx, by, bw, bh = _enlarged(box, scale)
                found.append(((bx + left, by + top, bw, bh), score))
        return found

    def _px(self, frame_px: int) -> int:
        return round(frame_px * self._scale)


class FaceFinder:
    """Finds every face in one still image.

    Examples
    --------
    >>> import numpy as np
    >>> from edge import FaceFinder
    >>> FaceFinder().find(np.zeros((480, 640, 3), np.uint8))
    []
    """

    def __init__(self, *, min_face_px: int = WINDOW_PX, cascade: str = "") -> None:
        self._haar = HaarDetector(cascade, scale_factor=STILL_SCALE_FACTOR, min_neighbors=STILL_NEIGHBORS)
        self._min_face_px = min_face_px

    def find(self, image: npt.NDArray[np.uint8]) -> list[Face]:
        """Return the faces, the largest first.

        Parameters
        ----------
        image: uint8 (H, W) gray or (H, W, 3) BGR, of any size.

        Raises
        ------
        ImageError
            `image` has another shape or dtype.
        """
        gray = _gray(image)
        scale = min(1.0, STILL_LONG_SIDE_PX / max(gray.shape))
        if min(gray.shape) * scale < WINDOW_PX:
            return []
        found = self._haar.detect(_scaled(gray, scale), min_px=round(self._min_face_px * scale))
        faces = [Face(_enlarged(box, scale), score) for box, score in found]
        return sorted(faces, key=lambda face: -face.box[2])


def _gray(image: npt.NDArray[np.uint8]) -> Gray:
    array = np.asarray(image)
    if array.dtype == np.uint8 and array.size:
        if array.ndim == 2:
            return array
        if array.ndim == 3 and array.shape[2] == 3:
            return np.asarray(cv2.cvtColor(array, cv2.COLOR_BGR2GRAY), np.uint8)
    raise ImageError(
        f"the image is {array.dtype} {array.shape}",
        expected="uint8 (H, W) gray or (H, W, 3) BGR",
        fix="read it with edge.images.read_image, which converts",
    )


def _scaled(gray: Gray, scale: float) -> Gray:
    if scale >= 1.0:
        return gray
    width, height = max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale))
    return np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _enlarged(box: Box, scale: float) -> Box:
    return (round(box[0] / scale), round(box[1] / scale), round(box[2] / scale), round(box[3] / scale))
