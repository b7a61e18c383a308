"""Where pictures come from: what a source is, and which one an address (`source.uri`) means."""

from __future__ import annotations

import difflib
import re
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from edge.clock import Clock
from edge.errors import SourceError
from edge.settings import SourceSettings
from edge.types import Frame

EXAMPLES: Final = (
    "a camera's number (0) or path (/dev/video0), picamera2, a video file, a folder of images, "
    "or an rtsp:// or http:// address"
)
MAX_CAMERA_NUMBER: Final = 63
"""Linux gives at most 64 video devices by default."""


class Source(Protocol):
    """One opened source, used from one thread at a time."""

    name: str
    """For messages; never holds a password."""
    live: bool
    """True: a camera, frames come when they come. False: a file or folder, whose frames have a due time."""

    def read(self) -> Frame | None:
        """Return the next frame, or `None` at a clean end (files only).

        A live source blocks until there is one. A file does not wait for `Frame.at_s`, so reading it in a loop
        gives every frame at once, always the same ones: for benches and tests.

        Raises
        ------
        SourceError
            The camera is gone or gives garbage.
        """

    def close(self) -> None:
        """Give the device or file back; a second call does nothing."""


class SourceState(StrEnum):
    """How the source is doing; the named states behind `camera/availability` and stats."""

    OPENING = "opening"
    PLAYING = "playing"
    STALLED = "stalled"
    """It is there but gives no frame."""
    GONE = "gone"
    """It cannot be opened or read; opening it is tried again with growing pauses."""
    CHANGED = "changed"
    """It plays, and gave another picture size a moment ago."""
    ENDED = "ended"
    """A file or folder has been played to its end."""
    FAILED = "failed"
    """Given up: a file that cannot be read on, or a camera driver that hangs for good."""


class SourceKind(StrEnum):
    """What an address means."""

    V4L2 = "V4L2 camera"
    PICAMERA2 = "Picamera2 camera"
    STREAM = "stream"
    VIDEO = "video file"
    IMAGE = "picture"
    FOLDER = "folder of images"

    @property
    def live(self) -> bool:
        """Whether frames come when they come."""
        return self in {SourceKind.V4L2, SourceKind.PICAMERA2, SourceKind.STREAM}


def kind_of(uri: str) -> SourceKind:
    """Say what an address means, without opening it.

    Raises
    ------
    SourceError
        It is none of the known forms, or names a file that is not there.
    """
    if re.fullmatch(r"[0-9]+", uri):
        if int(uri) > MAX_CAMERA_NUMBER:
            raise SourceError(
                f"camera number {uri}",
                expected=f"0 to {MAX_CAMERA_NUMBER}",
                fix=f"for a file of that name write ./{uri}",
            )
        return SourceKind.V4L2
    if uri.startswith("/dev/"):
        return SourceKind.V4L2
    if re.fullmatch(r"picamera2(:[0-9])?", uri):
        return SourceKind.PICAMERA2
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", uri)
    if scheme:
        if scheme[1].lower() in {"rtsp", "rtsps", "http", "https"} and _host(uri):
            return SourceKind.STREAM
        raise SourceError(
            f"source {safe_name(uri)!r}", expected=EXAMPLES, fix="check [source] uri or --source"
        )
    return _kind_of_path(uri)


def open_source(settings: SourceSettings, clock: Clock, *, keep_colour: bool = False) -> Source:
    """Open the source that `settings.uri` names.

    Parameters
    ----------
    settings: address, picture size, pace.
    clock: stamps the frames of a camera, and gives a file's first frame its due time.
    keep_colour: fill `Frame.colour` too; costs memory and, on a camera, a second conversion.

    Raises
    ------
    SourceError
        There is no such source, or it gives no picture.
    """
    kind = kind_of(settings.uri)
    size = (settings.width_px, settings.height_px)
    # Twice as often as the loop looks: fresh, and yet most of a fast camera's frames need not be decoded.
    interval_s = settings.frame_interval_s / 2
    if kind is SourceKind.V4L2:
        from hardware.v4l2 import open_v4l2

        path = settings.uri if settings.uri.startswith("/dev/") else f"/dev/video{int(settings.uri)}"
        return open_v4l2(path, size, clock, interval_s=interval_s, keep_colour=keep_colour)
    if kind is SourceKind.PICAMERA2:
        from hardware.picamera2 import open_picamera2

        number = int(settings.uri.partition(":")[2] or 0)
        return open_picamera2(
            number, size, clock, interval_s=interval_s, stall_s=settings.stall_s, keep_colour=keep_colour
        )
    if kind is SourceKind.STREAM:
        from hardware.stream import open_stream

        return open_stream(
            settings.uri,
            safe_name(settings.uri),
            clock,
            interval_s=interval_s,
            stall_s=settings.stall_s,
            keep_colour=keep_colour,
        )
    from edge.source_files import ImageSource, VideoSource

    path_ = Path(settings.uri).expanduser()
    if kind is SourceKind.VIDEO:
        return VideoSource(path_, clock, loop=settings.loop, keep_colour=keep_colour)
    return ImageSource(
        path_, clock, interval_s=settings.frame_interval_s, loop=settings.loop, keep_colour=keep_colour
    )


def safe_name(uri: str) -> str:
    """Return an address fit for a log: without user, password and query, on one line."""
    # Also where it is misspelt (rtsp:/user:password@host, user:password@host): an error shows it then.
    secret = re.match(r"([A-Za-z][A-Za-z0-9+.-]*:/+|[^/]*:).*@", uri, re.DOTALL)
    if secret:
        start = secret[1] if secret[1].endswith("/") else "..."
        uri = start + uri[secret.end() :]
    if "://" in uri:
        try:
            parts = urlsplit(uri)
            uri = urlunsplit((parts.scheme, parts.netloc, parts.path, "..." if parts.query else "", ""))
        except ValueError:  # Such as an IPv6 address without its bracket: keep only what cannot be a secret.
            uri = uri.partition("://")[0] + "://..."
    return "".join(letter if letter.isprintable() else "?" for letter in uri)


def _host(uri: str) -> str:
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""


def _kind_of_path(uri: str) -> SourceKind:
    path = Path(uri).expanduser() if uri else Path()
    try:
        if uri and path.is_dir():
            return SourceKind.FOLDER
        if uri and path.is_file():
            return _kind_of_file(path)
        found = "is neither a file nor a folder" if uri and path.exists() else "names nothing that is there"
    except (OSError, ValueError) as error:
        found = f"cannot be looked at ({getattr(error, 'strerror', None) or error})"
    raise SourceError(f"source {safe_name(uri)!r} {found}", expected=EXAMPLES, fix=_nearest(path))


def _kind_of_file(path: Path) -> SourceKind:
    from edge.image_format import sniff

    with path.open("rb") as file:
        start = file.read(1024)
    # A motion-JPEG file starts as a picture does.
    is_image = sniff(start) is not None and path.suffix.lower() not in {".mjpg", ".mjpeg"}
    return SourceKind.IMAGE if is_image else SourceKind.VIDEO


def _nearest(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
    except (OSError, ValueError):
        names = []
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {safe_name(str(path.parent / close[0]))!r}?"
    return "check [source] uri or --source"
