"""What a picture file's bytes say before it is decoded: its kind, its size, whether it is whole.

Decoders differ in what they do with a file that was cut short: some give a picture whose lower part is gray, in
which a face finder finds nothing and nobody learns why. So the container is walked here first; no pixel is decoded.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import Final

_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A marker in entropy-coded data: neither a stuffed zero, nor a restart, nor padding."""
_JPEG_SIZE_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END, _JPEG_SCAN, _JPEG_STANDALONE = 0xD9, 0xDA, frozenset({0x01, *range(0xD0, 0xD9)})
_PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_PNM: Final = re.compile(rb"P[1-6](?:\s+|#[^\n]*\n)+(\d{1,9})(?:\s+|#[^\n]*\n)+(\d{1,9})")
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257


def sniff(data: bytes) -> str | None:
    """Return the kind of picture (`JPEG`, `PNG`, `BMP`, `WebP`, `TIFF`, `PNM`) from its first bytes, or `None`."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(_PNG_MAGIC):
        return "PNG"
    if data.startswith(b"BM") and len(data) >= 26:
        return "BMP"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    return "PNM" if _PNM.match(data[:1024]) else None


def size_of(data: bytes, kind: str) -> tuple[int, int] | None:
    """Return width and height in pixels as the header gives them, before any turning; `None`: it does not say."""
    try:
        if kind == "JPEG":
            return _jpeg_size(data)
        if kind == "PNG":
            return _pair(struct.unpack_from(">II", data, 16))
        if kind == "BMP":
            width, height = struct.unpack_from("<ii", data, 18)
            return abs(width), abs(height)  # A negative height means: stored from the top.
        if kind == "WebP":
            return _webp_size(data)
        if kind == "TIFF":
            return _tiff_size(data)
        match = _PNM.match(data[:1024])
        return (int(match[1]), int(match[2])) if match else None
    except (struct.error, IndexError):
        return None


def check_whole(data: bytes, kind: str) -> str:
    """Return what is missing or damaged as a clause, or an empty text where the file looks whole."""
    if kind == "JPEG":
        return "" if _jpeg_ends(data) else f"cut short after {len(data):,} bytes (no end marker)"
    if kind == "PNG":
        return _png_fault(data)
    if kind in {"BMP", "WebP"}:
        told = int.from_bytes(data[2:6], "little") if kind == "BMP" else _riff_bytes(data)
        return f"cut short: {len(data):,} of {told:,} bytes" if told > len(data) else ""
    return ""  # OpenCV's TIFF and PNM decoders refuse a file that is cut short.


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]


def _jpeg_ends(data: bytes) -> bool:
    """Walk the segments to the end marker: an embedded thumbnail has one of its own, so searching would not do."""
    at, in_scan = 2, False
    while True:
        if in_scan:
            match = _JPEG_MARKER.search(data, at)
            if match is None:
                return False
            at = match.start()
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if len(data) < at + 2 or data[at] != 0xFF:
            return False
        marker = data[at + 1]
        if marker == _JPEG_END:
            return True
        at += 2
        if marker not in _JPEG_STANDALONE:
            at += max(2, int.from_bytes(data[at : at + 2], "big"))
        in_scan = in_scan or marker == _JPEG_SCAN


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2
        if marker != 0xFF and marker not in _JPEG_STANDALONE:
            at += max(2, int.from_bytes(data[at : at + 2], "big"))
    return None


def _png_fault(data: bytes) -> str:
    at = len(_PNG_MAGIC)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return f"damaged near byte {at:,} (wrong checksum)"
        if name == b"IEND":
            return ""
        at = end
    return f"cut short after {len(data):,} bytes (no end chunk)"


def _riff_bytes(data: bytes) -> int:
    return int.from_bytes(data[4:8], "little") + 8


def _webp_size(data: bytes) -> tuple[int, int] | None:
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _tiff_size(data: bytes) -> tuple[int, int] | None:
    order = "<" if data.startswith(b"II") else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, directory)
    found: dict[int, int] = {}
    for entry in range(entries):
        at = directory + 2 + 12 * entry
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in {_TIFF_WIDTH, _TIFF_HEIGHT}:
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)
    width, height = found.get(_TIFF_WIDTH), found.get(_TIFF_HEIGHT)
    return (width, height) if width and height else None
