"""Network cameras: RTSP and HTTP streams through OpenCV's FFmpeg."""

from __future__ import annotations

from typing import Final

import cv2

from edge.clock import Clock
from edge.errors import SourceError
from hardware.capture import CaptureSource

OPEN_TIMEOUT_S: Final = 10.0
"""A camera behind Wi-Fi may wake up slowly; longer than this is not there."""


def open_stream(
    url: str, name: str, clock: Clock, *, interval_s: float, stall_s: float, keep_colour: bool = False
) -> CaptureSource:
    """Open a stream.

    Parameters
    ----------
    url: rtsp://, rtsps://, http:// or https://, with user and password where the camera wants them.
    name: the address without them, for messages.
    interval_s: shortest time between two decoded frames.
    stall_s: a read that takes longer than this fails.

    Raises
    ------
    SourceError
        Nobody answers, or what comes is not video.
    """
    # Without these FFmpeg waits 30 seconds, during which nobody could tell a slow camera from a dead one.
    options = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(OPEN_TIMEOUT_S * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        max(1, int(stall_s * 1000)),
    ]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, options)
    if not capture.isOpened():
        capture.release()
        raise SourceError(
            f"no video from {name}",
            expected=f"a stream that answers within {OPEN_TIMEOUT_S:.0f} s",
            fix="check address, user and password, and that the camera is on; `ffprobe URL` says more",
        )
    return CaptureSource(
        capture,
        name,
        clock,
        interval_s=interval_s,
        keep_colour=keep_colour,
        gone="check the network and that the camera is on",
    )
