"""USB and other V4L2 cameras through OpenCV, with a look at the device first so that errors can say what it is."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from edge.clock import Clock
from edge.errors import SourceError
from hardware.capture import CaptureSource

_CAPABILITY: Final = struct.Struct("16s32s32sIII12x")
"""struct v4l2_capability of linux/videodev2.h: driver, card, bus_info, version, capabilities, device_caps."""
_QUERYCAP: Final = 0x80000000 | _CAPABILITY.size << 16 | ord("V") << 8
"""VIDIOC_QUERYCAP, _IOR('V', 0, struct v4l2_capability)."""
_CAPTURES: Final = 0x1 | 0x1000
"""V4L2_CAP_VIDEO_CAPTURE, with one plane or several."""
_HAS_DEVICE_CAPS: Final = 0x80000000
CSI_DRIVERS: Final = frozenset(
    {"unicam", "rp1-cfe", "bcm2835-isp", "bcm2835-codec", "pispbe", "rpivid", "rpi-hevc-dec"}
)
"""Video nodes of a Raspberry Pi's own camera path: they give raw or no pictures; libcamera drives them."""


@dataclass(frozen=True, slots=True)
class Device:
    """What the kernel says of a video node."""

    driver: str
    card: str
    captures: bool


def open_v4l2(
    path: str,
    size: tuple[int, int],
    clock: Clock,
    *,
    interval_s: float,
    keep_colour: bool = False,
    query: Callable[[str], Device] | None = None,
    capture: Callable[[str], cv2.VideoCapture] | None = None,
) -> CaptureSource:
    """Open a V4L2 camera.

    Parameters
    ----------
    path: such as /dev/video0 or /dev/v4l/by-id/...
    size: width and height to ask for, in pixels; the camera may give another.
    interval_s: shortest time between two decoded frames.
    query, capture: stand-ins for the kernel and OpenCV in tests.

    Raises
    ------
    SourceError
        There is no such device, it is not a camera, is in use, or may not be used; the fix lists those there are.
    """
    device = (query or query_device)(path)
    name = f"{path} ({device.card})" if device.card else path
    if not device.captures:
        raise SourceError(
            f"{name} is not a capture device",
            expected="a node that gives pictures (a camera's second node gives only metadata)",
            fix=_others(path),
        )
    if device.driver in CSI_DRIVERS:
        raise SourceError(
            f"{name} belongs to the Raspberry Pi's own camera path (driver {device.driver})",
            expected="a USB camera",
            fix='for a camera on the ribbon cable set uri = "picamera2"',
        )
    opened = (capture or (lambda node: cv2.VideoCapture(node, cv2.CAP_V4L2)))(path)
    if not opened.isOpened():
        opened.release()
        raise SourceError(
            f"{name} cannot be opened as a camera",
            expected="a camera that no other program uses",
            fix=f"see who uses it with `fuser -v {path}`; {_others(path)}",
        )
    # Motion JPEG first: uncompressed pictures of several cameras do not fit on one USB bus. A camera without it,
    # or without this size, keeps its own.
    opened.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    opened.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
    opened.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    opened.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # The latest picture, not the oldest of four.
    return CaptureSource(
        opened,
        name,
        clock,
        interval_s=interval_s,
        keep_colour=keep_colour,
        gone="check its cable, power and whether another program uses it",
    )


def query_device(path: str) -> Device:
    """Ask the kernel what a video node is; raises `SourceError` where it is none or may not be opened."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        raise _not_opened(path, error) from None
    try:
        answer = bytearray(_CAPABILITY.size)
        fcntl.ioctl(handle, _QUERYCAP, answer)
    except OSError:  # ENOTTY: some other kind of device or file.
        raise SourceError(
            f"{path} is not a video device", expected="a V4L2 camera such as /dev/video0", fix=_others(path)
        ) from None
    finally:
        os.close(handle)
    driver, card, _, _, capabilities, own = _CAPABILITY.unpack(answer)
    flags = own if capabilities & _HAS_DEVICE_CAPS else capabilities
    return Device(_text(driver), _text(card), bool(flags & _CAPTURES))


def video_devices(folder: Path = Path("/dev")) -> list[str]:
    """List the machine's video nodes in order."""
    nodes = [node for node in folder.glob("video*") if re.fullmatch(r"video[0-9]+", node.name)]
    return [str(node) for node in sorted(nodes, key=lambda node: int(node.name[5:]))]


def _not_opened(path: str, error: OSError) -> SourceError:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return SourceError(
            f"{path}: permission denied",
            expected="the right to use the camera",
            fix="`sudo usermod -aG video $USER`, then log in again",
        )
    if error.errno == errno.EBUSY:
        return SourceError(
            f"{path} is in use", expected="a free camera", fix=f"see by whom with `fuser -v {path}`"
        )
    if error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return SourceError(f"there is no camera {path}", expected="a connected camera", fix=_others(path))
    return SourceError(f"{path}: {error.strerror}", expected="a camera", fix=_others(path))


def _others(path: str) -> str:
    others = [node for node in video_devices() if node != path]
    if others:
        return f"this machine has {', '.join(others[:8])}"
    return (
        'this machine has no /dev/video*: check cable and power (a Pi\'s ribbon camera is uri = "picamera2")'
    )


def _text(raw: bytes) -> str:
    text = raw.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in text)
