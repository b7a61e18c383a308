"""Frames to an H.264 file, the same bytes for the same frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from timeline import ClipSpec

KEY_FRAME_S = 4
"""A key frame at least this often: a loop or a seek starts cleanly."""


def write(path: Path, frames: Iterable[npt.NDArray[np.uint8]], clip: ClipSpec) -> None:
    """Encode BGR frames; the file appears whole or not at all."""
    import av

    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=clip.fps)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
        stream.options = {
            "crf": str(clip.crf),
            "preset": "slow",
            "profile": "high",
            "g": str(KEY_FRAME_S * clip.fps),
            "threads": "1",  # x264's output depends on the number of threads
        }
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    part.replace(path)
