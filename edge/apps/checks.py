"""The checks of `doctor`: each looks at one thing the daemon needs."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from edge.broker_url import parse_broker_url
from edge.clock import SystemClock, clock_is_synced
from edge.errors import EmotionEdgeError
from edge.settings import Settings

LEAST_PYTHON: Final = (3, 11)
LEAST_DISK_MB: Final = 200
"""A full outbox of a hundred thousand events takes about sixty."""
CONNECT_TIMEOUT_S: Final = 3.0

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found."""

    name: str
    status: Status
    found: str
    fix: str = ""


def examine(settings: Settings) -> list[Result]:
    """Run every check; one that cannot run is a failed one, never a traceback."""
    checks: tuple[tuple[str, Callable[[Settings], Result]], ...] = (
        ("python", _python),
        ("system", _system),
        ("opencv", _opencv),
        ("model", _model),
        ("source", _source),
        ("state", _state),
        ("disk", _disk),
        ("broker", _broker),
        ("clock", _clock),
    )
    return [_guarded(name, check, settings) for name, check in checks]


def _guarded(name: str, check: Callable[[Settings], Result], settings: Settings) -> Result:
    try:
        return check(settings)
    except EmotionEdgeError as error:
        expected = f", expected {error.expected}" if error.expected else ""
        return Result(name, "fail", f"{error.found}{expected}", error.fix)
    except Exception as error:
        return Result(name, "fail", f"{type(error).__name__}: {error}", "please report this as a bug")


def _python(_: Settings) -> Result:
    version = platform.python_version()
    if sys.version_info[:2] < LEAST_PYTHON:
        return Result("python", "fail", version, "use Python 3.11 or newer")
    return Result("python", "ok", f"{version} in {sys.prefix}")


def _system(_: Settings) -> Result:
    found = f"{platform.system()} {platform.machine()}, {platform.architecture()[0]}"
    if sys.maxsize < 2**32:
        return Result(
            "system", "fail", found, "install a 64-bit system: LiteRT and OpenCV have no 32-bit wheels"
        )
    return Result("system", "ok", found)


def _opencv(settings: Settings) -> Result:
    import cv2
    import numpy as np

    from edge.haar import HaarDetector

    HaarDetector(settings.finder.cascade)
    return Result("opencv", "ok", f"OpenCV {cv2.__version__} with numpy {np.__version__}, cascade found")


def _model(settings: Settings) -> Result:
    import numpy as np

    from edge.classifier import EmotionClassifier

    classifier = EmotionClassifier.load(settings.emotion.bundle or None)
    classifier.predict(np.zeros((1, 48, 48), np.uint8), settings.emotion.view)
    manifest = classifier.manifest
    return Result("model", "ok", f"{manifest.name} {manifest.version} runs, view {settings.emotion.view}")


def _source(settings: Settings) -> Result:
    from edge.source import open_source

    source = open_source(settings.source, SystemClock())
    try:
        frame = source.read()
    finally:
        source.close()
    if frame is None:
        return Result("source", "fail", f"{source.name} gives no picture", "choose another with --source")
    height, width = frame.gray.shape
    return Result("source", "ok", f"{source.name} gives {width}x{height}")


def _state(settings: Settings) -> Result:
    from edge.state_lock import StateLock

    with StateLock(settings.state_dir):
        return Result("state", "ok", f"{settings.state_dir} can be written")


def _disk(settings: Settings) -> Result:
    folder = settings.state_dir
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < LEAST_DISK_MB:
        fix = f"free some space: at least {LEAST_DISK_MB} MB keep a week without a broker"
        return Result("disk", "warn", f"{free_mb} MB free at {folder}", fix)
    return Result("disk", "ok", f"{free_mb:,} MB free at {folder}")


def _broker(settings: Settings) -> Result:
    address = parse_broker_url(settings.mqtt.url)
    try:
        socket.create_connection((address.host, address.port), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        fix = "start a broker (sudo apt install mosquitto) or pass --broker; events wait in the outbox till then"
        return Result("broker", "warn", f"{address}: {error.strerror or error}", fix)
    return Result("broker", "ok", f"{address} listens")


def _clock(_: Settings) -> Result:
    if not clock_is_synced():
        fix = "connect to a network, or check `timedatectl`; events say clock: unsynced until then"
        return Result("clock", "warn", "the clock has not been set from the network yet", fix)
    return Result("clock", "ok", "set, or not kept by systemd-timesyncd")
