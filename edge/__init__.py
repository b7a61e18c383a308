"""emotion-edge: facial expressions read on the device.

What is read is a facial expression, not a feeling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.errors import EmotionEdgeError

if TYPE_CHECKING:
    from edge.classifier import EmotionClassifier
    from edge.finder import FaceFinder
    from edge.types import Face

__version__ = "0.1.0"
__all__ = ["EmotionClassifier", "EmotionEdgeError", "Face", "FaceFinder", "__version__"]

_HOMES = {"EmotionClassifier": "edge.classifier", "FaceFinder": "edge.finder", "Face": "edge.types"}


def __getattr__(name: str) -> Any:
    """Import a public class when it is first asked for, so that `--help` need not load OpenCV."""
    if name not in _HOMES:
        raise AttributeError(f"module 'edge' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
