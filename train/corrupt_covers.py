"""What light and clothes do to a face, drawn where FER2013's mean face has its features."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]

EYES: Final = ((15.0, 18.5), (33.0, 18.5))
"""x, y of the eyes in pixels of a 48x48 crop, read off the mean of FER2013's faces."""
LENS: Final = (7.0, 5.5)
"""Half-axes of a lens."""
MASK: Final = ((3, 27), (14, 25), (24, 24), (34, 25), (45, 27), (42, 40), (33, 48), (15, 48), (6, 40))
"""Outline of a mask, from the left cheek over the nose to the right one and around the chin."""
JITTER_PX: Final = 1.5
"""Faces are not all centred like their mean: covers move by up to this."""
SUBPIXEL: Final = 4
"""Bits of sub-pixel precision that OpenCV's shapes get."""


def back_light(face: Gray, random: np.random.Generator) -> Gray:
    """Darken the face and lift what is outside its oval to white, as before a window."""
    rows, columns = np.mgrid[0 : face.shape[0], 0 : face.shape[1]].astype(np.float32)
    x, y = random.uniform(-JITTER_PX, JITTER_PX, 2)
    radius = np.hypot((columns - 23.5 - x) / 19.0, (rows - 24.0 - y) / 24.0)
    outside = np.clip((radius - 0.9) / 0.25, 0.0, 1.0)
    values = face.astype(np.float32) * 0.35 * (1 - outside) + 245.0 * outside
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def glasses(face: Gray, random: np.random.Generator) -> Gray:
    """Draw thin dark rims around the eyes, a bridge and temples."""
    shift = random.uniform(-JITTER_PX, JITTER_PX, 2)
    spoiled = face.copy()
    for x, y in EYES:
        _ellipse(spoiled, x + shift[0], y + shift[1], level=30, filled=False)
    _frame(spoiled, shift, level=30)
    return spoiled


def sunglasses(face: Gray, random: np.random.Generator) -> Gray:
    """Cover the eyes with dark lenses."""
    shift = random.uniform(-JITTER_PX, JITTER_PX, 2)
    spoiled = face.copy()
    level = int(random.integers(10, 50))
    for x, y in EYES:
        _ellipse(spoiled, x + shift[0], y + shift[1], level=level, filled=True)
    _frame(spoiled, shift, level=level)
    return spoiled


def mask(face: Gray, random: np.random.Generator) -> Gray:
    """Cover nose, mouth and chin with a bright mask that has three folds, shaded towards the cheeks."""
    x, y = random.uniform(-JITTER_PX, JITTER_PX, 2)
    level = float(random.uniform(170, 230))
    points = np.rint((np.array(MASK) + np.array([x, y])) * (1 << SUBPIXEL)).astype(np.int32)
    inside = np.zeros_like(face)
    cv2.fillPoly(inside, [points], 255, cv2.LINE_AA, SUBPIXEL)
    rows, columns = np.mgrid[0 : face.shape[0], 0 : face.shape[1]].astype(np.float32)
    cloth = level * (1 - 0.35 * ((columns - 23.5) / 24.0) ** 2)
    for fold in (31.0, 35.0, 39.0):
        cloth -= 25.0 * np.exp(-((rows - fold - y - 0.004 * (columns - 23.5) ** 2) ** 2))
    share = inside.astype(np.float32) / 255.0
    return np.asarray(np.clip(np.rint(face * (1 - share) + cloth * share), 0, 255), np.uint8)


def _ellipse(face: Gray, x: float, y: float, *, level: int, filled: bool) -> None:
    centre = (round(x * (1 << SUBPIXEL)), round(y * (1 << SUBPIXEL)))
    axes = (round(LENS[0] * (1 << SUBPIXEL)), round(LENS[1] * (1 << SUBPIXEL)))
    thickness = -1 if filled else 1
    cv2.ellipse(face, centre, axes, 0, 0, 360, level, thickness, cv2.LINE_AA, SUBPIXEL)


def _frame(face: Gray, shift: npt.NDArray[np.float64], *, level: int) -> None:
    (left, y), (right, _) = EYES
    height = y + shift[1] - 1
    for start, end in ((left + LENS[0], right - LENS[0]), (0.0, left - LENS[0]), (right + LENS[0], 47.0)):
        ends = [
            (round((x + shift[0]) * (1 << SUBPIXEL)), round(height * (1 << SUBPIXEL))) for x in (start, end)
        ]
        cv2.line(face, ends[0], ends[1], level, 1, cv2.LINE_AA, SUBPIXEL)
