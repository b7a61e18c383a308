"""Sources that end: a video file, a folder of images, one image. Each frame has a due time, none waits for it."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from edge.clock import Clock
from edge.errors import ImageError, SourceEmptyError, SourceError
from edge.images import read_image, to_bgr, to_gray
from edge.quiet import hush_opencv
from edge.types import Frame

IMAGE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".pnm"}
)
DEFAULT_FPS: Final = 25.0
"""Taken where a video names no believable rate."""
FPS_RANGE: Final = (0.1, 240.0)
"""Believable frames a second; containers without a rate say 0, 1000 or 90000 (their time base)."""
DECODER_THREADS: Final = 1
"""FFmpeg's default of one a core costs memory for buffers and gains nothing at a clip's own speed."""

_CONTAINERS: Final = re.compile(
    rb"....(?:ftyp|moov|mdat|free|skip|wide|pnot)|RIFF....AVI |\x1a\x45\xdf\xa3|OggS|FLV|GIF8|DKIF|YUV4MPEG2"
    rb"|\x30\x26\xb2\x75|\0\0\x01[\xb0-\xbf]|\0\0\0?\x01[\x09\x27\x47\x67\x40\x42\x44\x46]|\xff\xd8\xff"
    rb"|\x47.{187}\x47|.{4}\x47.{191}\x47",
    re.DOTALL,
)
"""First bytes of what FFmpeg is given. Without this it renders any text file as video (its ANSI art decoder),
and a playlist could make it fetch addresses."""

_log = logging.getLogger(__name__)

hush_opencv()


class VideoSource:
    """A video file, read through FFmpeg.

    Parameters
    ----------
    path: the file.
    clock: gives the first frame's due time; the others follow at the file's own rate.
    loop: start again at the end, for ever; `index` counts on and `at_s` goes on.
    keep_colour: fill `Frame.colour`.

    Raises
    ------
    SourceError
        The file is not a video that FFmpeg can decode.
    SourceEmptyError
        It is, and holds no frame.
    """

    live = False

    def __init__(self, path: Path, clock: Clock, *, loop: bool = False, keep_colour: bool = False) -> None:
        self.name = _printable(path.name)
        self._path, self._clock, self._loop, self._keep_colour = path, clock, loop, keep_colour
        self._index = 0
        self._in_pass = 0
        self._start_s: float | None = None
        self._capture = self._open()
        self.fps = _believable(self._capture.get(cv2.CAP_PROP_FPS))
        """Frames a second."""
        self._promised = int(max(0.0, self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        # Decoded now, so that an empty or damaged file is known when it is opened.
        self._ahead: npt.NDArray[Any] | None = self._decode()
        if self._ahead is None:
            self.close()
            raise SourceEmptyError(
                f"{self.name} holds no frame that can be decoded",
                expected="a video with at least one frame",
                fix="check that it plays elsewhere, and copy it again",
            )

    def read(self) -> Frame | None:
        """Return the next frame, or `None` at the end."""
        pixels, self._ahead = self._ahead, None
        if pixels is None:
            pixels = self._decode()
        if pixels is None:
            self._warn_if_short()
            if not self._loop or not self._in_pass:
                return None
            self._capture.release()
            self._capture, self._in_pass = self._open(), 0
            pixels = self._decode()
            if pixels is None:
                raise SourceError(f"{self.name} has no frames any more", fix="check the file")
        if self._start_s is None:
            self._start_s = self._clock.now().monotonic_s
        frame = Frame(
            gray=to_gray(pixels),
            index=self._index,
            at_s=self._start_s + self._index / self.fps,
            colour=to_bgr(pixels) if self._keep_colour else None,
        )
        self._index += 1
        self._in_pass += 1
        return frame

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        _check_video(self._path, self.name)
        options = [cv2.CAP_PROP_N_THREADS, DECODER_THREADS] if hasattr(cv2, "CAP_PROP_N_THREADS") else []
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG, options)
        if not capture.isOpened():
            capture.release()
            raise SourceError(
                f"{self.name} cannot be opened as a video",
                expected="a whole MP4, MKV, WebM, AVI or other file that FFmpeg decodes",
                fix="a file cut short while it was copied or recorded looks like this: copy or record it again",
            )
        return capture

    def _decode(self) -> npt.NDArray[Any] | None:
        try:
            found, pixels = self._capture.read()
        except cv2.error:
            return None
        return np.asarray(pixels) if found and pixels is not None else None

    def _warn_if_short(self) -> None:
        # Containers round, so one or two missing frames mean nothing.
        if self._promised - self._in_pass > max(2, self._promised // 50):
            _log.warning(
                "%s ended after %d of %d frames: it may be cut short",
                self.name,
                self._in_pass,
                self._promised,
            )
            self._promised = 0  # Said once, also when it loops.


class ImageSource:
    """A folder of images in natural order (`2.jpg` before `10.jpg`), or one image.

    One image is due each `interval_s`: the loop's own pace (`frame_interval_s`), so that it sees each of them once.
    An image that cannot be read is skipped with a line in the log, and counted in `skipped`.

    Raises
    ------
    SourceEmptyError
        There is no image that can be read.
    """

    live = False

    def __init__(
        self, path: Path, clock: Clock, *, interval_s: float, loop: bool = False, keep_colour: bool = False
    ) -> None:
        self.name = _printable(path.name or str(path))
        self.skipped = 0
        """Images that could not be read, so far."""
        self._clock, self._interval_s, self._loop, self._keep_colour = clock, interval_s, loop, keep_colour
        self._index = 0
        self._start_s: float | None = None
        self._paths = [path] if path.is_file() else _images_in(path, self.name)
        self._warned: set[Path] = set()
        self._pictures = self._passes()
        self._ahead: npt.NDArray[np.uint8] | None = next(self._pictures, None)
        if self._ahead is None:
            raise SourceEmptyError(
                f"none of the {len(self._paths)} images of {self.name} can be read",
                expected="at least one whole picture",
                fix="the log names what is wrong with each",
            )

    def read(self) -> Frame | None:
        """Return the next image as a frame, or `None` at the end."""
        pixels, self._ahead = self._ahead, None
        if pixels is None:
            pixels = next(self._pictures, None)
        if pixels is None:
            if self._loop and self._index:
                raise SourceError(
                    f"none of the images of {self.name} can be read any more", fix="check the folder"
                )
            return None
        if self._start_s is None:
            self._start_s = self._clock.now().monotonic_s
        frame = Frame(
            gray=to_gray(pixels),
            index=self._index,
            at_s=self._start_s + self._index * self._interval_s,
            colour=pixels if self._keep_colour else None,
        )
        self._index += 1
        return frame

    def close(self) -> None:
        """Let go of the folder; nothing is held open between images."""
        self._pictures = iter(())
        self._ahead = None

    def _passes(self) -> Iterator[npt.NDArray[np.uint8]]:
        while True:
            good = 0
            for path in self._paths:
                try:
                    pixels = read_image(path)
                except ImageError as error:
                    self._skip(path, error)
                    continue
                good += 1
                yield pixels
            if not self._loop or not good:
                return

    def _skip(self, path: Path, error: ImageError) -> None:
        if path not in self._warned:  # Said once, also when it loops.
            self._warned.add(path)
            self.skipped += 1
            _log.warning("skipped an image of %s: %s", self.name, _printable(error.found))


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts `2.jpg` before `10.jpg`."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _images_in(folder: Path, name: str) -> list[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise SourceError(
            f"{name}: {error.strerror}", expected="a folder that can be read", fix="check its permissions"
        ) from None
    paths = [
        entry
        for entry in entries
        if entry.suffix.lower() in IMAGE_SUFFIXES and not entry.name.startswith(".") and not entry.is_dir()
    ]
    if not paths:
        raise SourceEmptyError(
            f"the folder {name} holds no image ({len(entries)} other entries)",
            expected=f"files ending in {', '.join(sorted(IMAGE_SUFFIXES))}",
            fix="name the folder that holds the images themselves; folders inside it are not looked into",
        )
    return sorted(paths, key=lambda path: (natural_key(path.name), path.name))


def _check_video(path: Path, name: str) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise SourceError(
            f"{name}: {error.strerror}",
            expected="a video file that can be read",
            fix="check path and permissions",
        ) from None
    if not start:
        raise SourceEmptyError(f"{name} is empty (0 bytes)", expected="a video", fix="copy the file again")
    if not _CONTAINERS.match(start):
        raise SourceError(
            f"{name} is neither a video nor a picture",
            expected="an MP4, MKV, WebM, AVI, MPEG, OGG, FLV, WMV, GIF or Y4M video, or a picture",
            fix="check the file, or convert it",
        )


def _believable(fps: float) -> float:
    low, high = FPS_RANGE
    return fps if math.isfinite(fps) and low <= fps <= high else DEFAULT_FPS


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
