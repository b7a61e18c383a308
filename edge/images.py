"""Read one still image safely: whole, of a known kind, of a sane size, as 8-bit colour."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import ImageError
from edge.image_format import check_whole, size_of, sniff
from edge.quiet import hush_opencv
from edge.types import Colour, Gray

MAX_PIXELS: Final = 100_000_000
"""Larger pictures are refused before decoding: 100 megapixels are 300 MB of memory."""
MAX_FILE_BYTES: Final = 400_000_000
"""A larger file is no photo: this is more than MAX_PIXELS uncompressed."""
KINDS: Final = "a JPEG, PNG, BMP, WebP, TIFF or PNM picture"

hush_opencv()


def read_image(path: str | Path) -> Colour:
    """Read a picture from a file.

    Parameters
    ----------
    path: a JPEG, PNG, BMP, WebP, TIFF or PNM file, gray or colour, 8 or 16 bits, with or without alpha.

    Returns
    -------
    uint8 (H, W, 3), channels blue, green, red; turned upright as its EXIF says, alpha dropped, 16 bits scaled to 8.

    Raises
    ------
    ImageError
        There is no such file, it is not a picture, is cut short or damaged, or has more than 100 megapixels.
    """
    path = Path(path)
    return decode_image(_read_bytes(path), path.name)


def decode_image(data: bytes, name: str) -> Colour:
    """Decode a picture as `read_image` does; `name` is for messages."""
    if not data:
        raise ImageError(f"{name} is empty (0 bytes)", expected=KINDS, fix="copy the file again")
    kind = sniff(data)
    if kind is None:
        raise ImageError(f"{name} is not a picture", expected=KINDS, fix="check the file, or convert it")
    size = size_of(data, kind)
    if size is not None and 0 in size:
        raise ImageError(f"{name} is {size[0]} x {size[1]} pixels", expected=KINDS, fix="copy the file again")
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise ImageError(
            f"{name} is {size[0]} x {size[1]} pixels",
            expected=f"at most {MAX_PIXELS // 1_000_000} million pixels",
            fix="scale it down first",
        )
    broken = check_whole(data, kind)
    if broken:
        raise ImageError(f"{name}: {broken}", expected=f"a whole {kind} file", fix="copy the file again")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError):
        pixels = None
    if pixels is None:
        raise ImageError(
            f"{name} cannot be decoded as {kind}",
            expected="an undamaged picture of 8 or 16 bits a channel",
            fix="open it in a picture viewer and save it again",
        )
    return to_bgr(pixels)


def to_gray(pixels: npt.NDArray[Any]) -> Gray:
    """Return uint8 (H, W) from uint8 or uint16 pixels (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA."""
    pixels = _to_8_bit(pixels)
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    channels = pixels.shape[2]
    if channels == 1:
        return np.ascontiguousarray(pixels[:, :, 0])
    code = cv2.COLOR_BGR2GRAY if channels == 3 else cv2.COLOR_BGRA2GRAY
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def to_bgr(pixels: npt.NDArray[Any]) -> Colour:
    """Return uint8 (H, W, 3) from uint8 or uint16 pixels (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA."""
    pixels = _to_8_bit(pixels)
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(pixels[:, :, :3])


def _to_8_bit(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Scale 16 bits to 8 and refuse every other kind or shape."""
    shape, kind = pixels.shape, pixels.dtype
    if pixels.ndim not in {2, 3} or 0 in shape or (pixels.ndim == 3 and shape[2] not in {1, 3, 4}):
        raise ImageError(
            f"an array of shape {shape}",
            expected="(H, W), (H, W, 1), (H, W, 3) or (H, W, 4), none of them 0",
            fix="pass one picture",
        )
    if kind == np.uint8:
        return pixels
    if kind == np.uint16:
        return (pixels >> 8).astype(np.uint8)
    raise ImageError(
        f"pixels of type {kind}", expected="uint8 or uint16", fix="convert them to uint8, 0 to 255"
    )


def _read_bytes(path: Path) -> bytes:
    name = path.name or str(path)
    try:
        status = path.stat()
        # Only a regular file is read: a pipe or a device might never end.
        if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE_BYTES:
            return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name.
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{path}: {reason}", expected="a readable file", fix="check the path") from None
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(f"{name} is a folder", expected=KINDS, fix="name the files in it")
    if stat.S_ISREG(status.st_mode):
        raise ImageError(
            f"{name} has {status.st_size:,} bytes",
            expected=f"at most {MAX_FILE_BYTES:,}",
            fix="check the file",
        )
    raise ImageError(f"{name} is not a regular file", expected=KINDS, fix="check the path")
