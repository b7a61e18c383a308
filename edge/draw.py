"""Boxes and words on a copy of a picture, for people who asked to see one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import cv2

from edge.types import Colour

BOX_COLOUR: Final = (80, 220, 80)
TEXT_COLOUR: Final = (20, 20, 20)
FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


def draw_faces(image: Colour, faces: Iterable[dict[str, Any]]) -> Colour:
    """Return a copy of `image` with a box and a label for each face.

    Parameters
    ----------
    image: uint8 (H, W, 3) BGR.
    faces: records with `box`, `emotion` and `confidence`, as `classify --json` prints.
    """
    marked = image.copy()
    for face in faces:
        x, y, width, height = face["box"]
        # Line and letters grow with the face, so that they can be read on a large photo too.
        thickness = max(1, round(width / 80))
        size = max(0.4, width / 220)
        cv2.rectangle(marked, (x, y), (x + width, y + height), BOX_COLOUR, thickness)
        text = f"{face['emotion']} {face['confidence']:.0%}"
        (text_width, text_height), below = cv2.getTextSize(text, FONT, size, thickness)
        top = y - text_height - 2 * below if y >= text_height + 2 * below else y + height
        left = max(0, min(x, marked.shape[1] - text_width))
        corner = (left + text_width, top + text_height + 2 * below)
        cv2.rectangle(marked, (left, top), corner, BOX_COLOUR, cv2.FILLED)
        at = (left, top + text_height + below)
        cv2.putText(marked, text, at, FONT, size, TEXT_COLOUR, thickness, cv2.LINE_AA)
    return marked
