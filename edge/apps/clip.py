"""The clip that comes with the package (edge/assets/ATTRIBUTION.md says whose pictures are in it)."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from edge.errors import SourceError


def bundled_clip() -> Path:
    """Return the path of the bundled clip.

    Raises
    ------
    SourceError
        The installation lacks it.
    """
    path = Path(str(resources.files("edge"))) / "assets" / "demo.mp4"
    if not path.is_file():
        raise SourceError(
            f"there is no clip at {path}", expected="the package's own clip", fix="reinstall emotion-edge"
        )
    return path
