"""The words for expressions: the two label sets networks are trained on and the five views users can ask for.

What is read is a facial *expression*, not a feeling; `emotion` is the field's and Home Assistant's word for it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

FERPLUS_HEAD: Final = (
    "neutral",
    "happy",
    "surprise",
    "sad",
    "angry",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "not_a_face",
)
"""The ten columns of FER+ (Barsoum et al. 2016, arXiv 1608.01041), in the order of its vote table."""

FER2013_HEAD: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven classes of FER2013 (Goodfellow et al. 2013, arXiv 1307.0414), in the order of its label numbers."""

HEADS: Final[dict[str, tuple[str, ...]]] = {"ferplus": FERPLUS_HEAD, "fer2013": FER2013_HEAD}

VIEW_LABELS: Final[dict[str, tuple[str, ...]]] = {
    "ferplus": ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
    "fer2013": FER2013_HEAD,
    "basic": ("angry", "happy", "sad", "neutral"),
    "five": ("angry", "disgust", "sad", "happy", "surprise"),
    "happy": ("happy", "not_happy"),
}
"""The label order of each view. Other people's checks rely on these orders: never change one."""

VIEW_HEAD: Final[dict[str, str]] = {
    "ferplus": "ferplus",
    "fer2013": "fer2013",
    "basic": "fer2013",
    "five": "fer2013",
    "happy": "ferplus",
}
"""The head each view is computed from: the one trained on the labels that the view is measured on."""

DEFAULT_VIEW: Final = "ferplus"
UNCERTAIN: Final = "uncertain"
NOBODY: Final = "none"


def view_matrix(view: str) -> npt.NDArray[np.float32]:
    """Return the row-stochastic matrix that turns a head's probabilities into a view's.

    A head class that the view has no word for (`unknown` and `not_a_face` in `ferplus`, `fear` in `basic`)
    is spread evenly over the view's labels: it changes no arg-max and lowers the confidence, so that what
    the view cannot name reads as `uncertain` and never as a confident wrong word.

    Returns
    -------
    float32 (head labels, view labels), each row sums to 1.

    Raises
    ------
    KeyError
        `view` is not one of `VIEW_LABELS`.
    """
    head = HEADS[VIEW_HEAD[view]]
    labels = VIEW_LABELS[view]
    matrix = np.zeros((len(head), len(labels)), np.float32)
    for row, name in enumerate(head):
        if name in labels:
            matrix[row, labels.index(name)] = 1.0
        elif view == "happy" and name not in ("unknown", "not_a_face"):
            matrix[row, labels.index("not_happy")] = 1.0
        else:
            matrix[row, :] = 1.0 / len(labels)
    return matrix
