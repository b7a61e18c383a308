"""One daemon for one state folder: the second is refused and told who the first is."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge.errors import StateError

LOCK_NAME: Final = "daemon.lock"
PRIVATE: Final = 0o700


class StateLock:
    """Holds the state folder while the daemon runs; the kernel lets go of it when the process dies.

    Raises
    ------
    StateError
        On entering: the folder cannot be made or written, or another daemon holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = -1

    def __enter__(self) -> Self:
        path = self._folder / LOCK_NAME
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(
                f"the state folder {self._folder} cannot be written ({error.strerror})",
                expected="a folder of this user",
                fix="pass --state-dir with one, or correct its owner",
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise StateError(
                f"another daemon (process {holder}) is using the state folder {self._folder}",
                expected="one daemon for each state folder",
                fix="stop that one, or pass another --state-dir (and another --device-id)",
            ) from None
        # A full disk must not keep a daemon from starting: the lock holds without the number.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
