"""Raspberry Pi cameras through the distribution's Picamera2, whose gray plane is used without a conversion.

Picamera2 belongs to the distribution (it must match its libcamera and numpy), so it is imported only when asked
for. Tried here without a board only: see hardware/README.md.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge.clock import Clock
from edge.errors import SourceError
from edge.types import Colour, Frame, Gray

FASTEST_FRAME_US: Final = 33_333
"""30 frames a second: every sensor can, and more would only cost power."""
INSTALL: Final = (
    "`sudo apt install python3-picamera2`, and make the virtual environment with --system-site-packages; "
    "never pip-install it over the distribution's numpy"
)


class PicameraSource:
    """One opened Picamera2 camera.

    Parameters
    ----------
    camera: a started `Picamera2`.
    gray: name of its YUV420 stream; its upper rows are the gray picture.
    colour: name of its RGB888 stream (in memory blue, green, red), or an empty text.
    size: width and height in pixels.
    stall_s: a picture that takes longer than this is an error.
    """

    live = True

    def __init__(
        self,
        camera: Any,
        name: str,
        clock: Clock,
        *,
        gray: str,
        colour: str,
        size: tuple[int, int],
        stall_s: float,
    ) -> None:
        self.name = name
        self._camera, self._clock, self._stall_s = camera, clock, stall_s
        self._streams = [gray, colour] if colour else [gray]
        self._size = size
        self._index = 0

    def read(self) -> Frame | None:
        """Return the next frame, blocking until there is one; raises `SourceError` when none comes."""
        try:
            # Both from one request, so gray and colour show the same instant.
            arrays, _ = self._camera.capture_arrays(self._streams, wait=self._stall_s)
        except Exception as error:  # libcamera's own errors have no common base.
            raise SourceError(
                f"{self.name} gives no picture ({_clause(error)})",
                expected=f"a frame within {self._stall_s:g} s",
                fix="check the ribbon cable; `rpicam-hello` shows whether the camera works at all",
            ) from error
        at_s = self._clock.now().monotonic_s
        colour = _as_colour(arrays[1], self._size) if len(arrays) > 1 else None
        frame = Frame(gray=gray_plane(arrays[0], self._size), index=self._index, at_s=at_s, colour=colour)
        self._index += 1
        return frame

    def close(self) -> None:
        """Stop the camera and give it back."""
        camera, self._camera = self._camera, None
        if camera is not None:
            _close(camera)


def open_picamera2(
    number: int,
    size: tuple[int, int],
    clock: Clock,
    *,
    interval_s: float,
    stall_s: float,
    keep_colour: bool = False,
) -> PicameraSource:
    """Open and start a camera.

    Parameters
    ----------
    number: 0 for the first camera.
    size: width and height in pixels; an odd one is made even, as YUV420 demands.
    interval_s: the slowest frame: in the dark a frame may be exposed for this long.
    keep_colour: run a colour stream beside the gray one.

    Raises
    ------
    SourceError
        Picamera2 is not installed or clashes with numpy, there is no such camera, or it is in use.
    """
    module = _import_picamera2()
    name = f"picamera2:{number}"
    width, height = size[0] // 2 * 2, size[1] // 2 * 2
    try:
        camera = module.Picamera2(number)
    except Exception as error:  # IndexError without a camera, RuntimeError when it is in use.
        raise SourceError(
            f"{name} cannot be opened ({_clause(error)})",
            expected="a connected camera that no other program uses",
            fix="`rpicam-hello --list-cameras` lists them; check ribbon cable, overlay, and other programs",
        ) from error
    slowest_us = max(FASTEST_FRAME_US, int(interval_s * 1e6))
    streams: dict[str, Any] = {"main": {"size": (width, height), "format": "YUV420"}}
    if keep_colour:  # The low-resolution stream may not be larger than main, and is YUV420 on every Pi.
        streams = {
            "main": {"size": (width, height), "format": "RGB888"},
            "lores": {"size": (width, height), "format": "YUV420"},
        }
    try:
        camera.configure(
            camera.create_video_configuration(
                **streams, controls={"FrameDurationLimits": (FASTEST_FRAME_US, slowest_us)}, queue=False
            )
        )
        camera.start()
    except Exception as error:
        _close(camera)
        raise SourceError(
            f"{name} refuses {width} x {height} pixels ({_clause(error)})",
            expected="a size that the camera can give",
            fix="set [source] width_px = 640 and height_px = 480",
        ) from error
    return PicameraSource(
        camera,
        name,
        clock,
        gray="lores" if keep_colour else "main",
        colour="main" if keep_colour else "",
        size=(width, height),
        stall_s=stall_s,
    )


def gray_plane(array: npt.NDArray[Any], size: tuple[int, int]) -> Gray:
    """Cut the gray plane out of a YUV420 buffer.

    Parameters
    ----------
    array: uint8 (H * 3 / 2, stride); rows may be padded at their right end, so stride >= W.
    size: W and H in pixels.

    Returns
    -------
    uint8 (H, W): the first H rows; not copied where there is no padding.
    """
    width, height = size
    if array.ndim != 2 or array.dtype != np.uint8 or array.shape[0] < height or array.shape[1] < width:
        raise SourceError(
            f"a buffer of shape {array.shape} and type {array.dtype}",
            expected=f"uint8 ({height * 3 // 2}, at least {width}), as YUV420 has",
            fix="update Picamera2 (`sudo apt full-upgrade`)",
        )
    return np.ascontiguousarray(array[:height, :width])


def _as_colour(array: npt.NDArray[Any], size: tuple[int, int]) -> Colour:
    return np.ascontiguousarray(array[: size[1], : size[0], :3], dtype=np.uint8)


def _import_picamera2() -> Any:
    try:
        return importlib.import_module("picamera2")
    except ModuleNotFoundError as error:
        raise SourceError(
            f"the Python package {error.name} is not installed",
            expected="Picamera2, from the distribution",
            fix=INSTALL,
        ) from None
    except Exception as error:  # An ImportError or ValueError when numpy's binary interface differs.
        raise SourceError(
            f"Picamera2 cannot be imported ({_clause(error)})",
            expected="the distribution's Picamera2 with the distribution's numpy",
            fix=INSTALL,
        ) from error


def _close(camera: Any) -> None:
    for step in (camera.stop, camera.close):
        with contextlib.suppress(Exception):  # A camera that is gone cannot be stopped, and must not stop us.
            step()


def _clause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
