"""The outbox's SQLite file: moved aside when corrupt, its errors given names."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from edge.errors import StateError

logger = logging.getLogger(__name__)

SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events(
    id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, face_id TEXT NOT NULL, seq INTEGER NOT NULL,
    type TEXT NOT NULL, at_s REAL NOT NULL, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS events_face ON events(face_id);
CREATE INDEX IF NOT EXISTS events_birth ON events(id) WHERE seq = 0;
CREATE INDEX IF NOT EXISTS events_update ON events(id) WHERE type = 'update';
CREATE TABLE IF NOT EXISTS faces(
    face_id TEXT PRIMARY KEY, payload BLOB NOT NULL, dropped INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""
BUSY_TIMEOUT_S: Final = 0.5
"""A backup tool may hold the file for a moment; the camera loop must not wait longer than this."""
CHECK_MAX_BYTES: Final = 16_000_000
"""Larger files are not searched for damage at the start (a second on a small board); damage shows on use."""

_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_REASONS: Final = {
    sqlite3.SQLITE_FULL: "disk-full",
    sqlite3.SQLITE_IOERR: "disk-error",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_CANTOPEN: "cannot-open",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
}
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})


class StoreUnavailableError(Exception):
    """The file cannot be read or written now; `reason` is the name of the state."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Database:
    """One SQLite connection that outlives full disks and corrupt files. Not thread-safe: its owner locks.

    Parameters
    ----------
    path: the file; its folder is created with mode 0700.

    Raises
    ------
    StateError
        The folder or file cannot be written by this user.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recovered_from: Path | None = None
        """Where a corrupt file was moved, if one was met."""
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        try:
            self._open()
        except StoreUnavailableError as error:
            if error.reason == "read-only":
                raise _unwritable(path, "it is read-only") from None
            logger.debug("the outbox %s cannot be opened now (%s)", path, error.reason)

    def reopen(self) -> None:
        """Open the file again after a fault; raises StoreUnavailableError while that is not possible."""
        self._disconnect()
        self._open_again()

    def read(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        try:
            return self._connected().execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise self._named(error) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing; raises StoreUnavailableError when nothing was written."""
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._named(error) from error
        except BaseException:
            self._roll_back()
            raise

    def close(self) -> None:
        """Close the file; all that was written stays."""
        self._closed = True
        self._disconnect()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._open_again()
        if self._connection is None:
            raise StoreUnavailableError("cannot-open")
        return self._connection

    def _roll_back(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _open_again(self) -> None:
        if self._closed:
            raise StoreUnavailableError("closed")
        try:
            self._open()
        except StateError as error:  # worth a stop at the start, not in the middle of a run
            raise StoreUnavailableError("cannot-open") from error

    def _open(self) -> None:
        try:
            _create(self.path)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise StoreUnavailableError("disk-full") from error
            raise _unwritable(self.path, error.strerror or str(error)) from None
        try:
            self._connection = _connect(self.path)
        except sqlite3.Error as error:
            fault = self._named(error)  # a corrupt file is moved aside here
            if fault.reason != "corrupt":
                raise fault from error
            try:
                self._connection = _connect(self.path)
            except sqlite3.Error as again:
                raise self._named(again) from again

    def _named(self, error: sqlite3.Error) -> StoreUnavailableError:
        """Give the error its name; move a corrupt file aside, so that the next use begins a new one."""
        # Errors of Python's own wrapper, such as a closed connection, carry no code.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
        if code in _CORRUPT:
            self._move_aside()
        return StoreUnavailableError(_REASONS.get(code, "disk-error"))

    def _move_aside(self) -> None:
        self._disconnect()
        with contextlib.suppress(OSError):
            # The stamp is of the last change: what a person looks for, and no clock is read here.
            changed = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
            target = self.path.with_name(f"{self.path.name}.corrupt-{changed:%Y%m%dT%H%M%SZ}")
            number = 0
            while target.exists():
                number += 1
                target = self.path.with_name(f"{self.path.name}.corrupt-{changed:%Y%m%dT%H%M%SZ}-{number}")
            self.path.rename(target)
            self.recovered_from = target
            for suffix in ("-wal", "-shm"):
                side = self.path.with_name(self.path.name + suffix)
                if side.exists():
                    side.rename(target.with_name(target.name + suffix))
            logger.error("the outbox %s was corrupt: moved to %s, a new one begun", self.path, target)

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise StateError(
            f"{path} was written by a newer version (schema {version})",
            expected=f"schema {SCHEMA_VERSION}",
            fix="install that version again, or move the file away: what waits in it is then not sent",
        )
    small = path.stat().st_size <= CHECK_MAX_BYTES
    if version and small and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        damage = sqlite3.DatabaseError("quick_check")
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage
    if version < SCHEMA_VERSION:
        connection.executescript(f"BEGIN;{SCHEMA}PRAGMA user_version={SCHEMA_VERSION};COMMIT;")


def _create(path: Path) -> None:
    """Make the folder and an empty file that only this user can read; SQLite's side files follow its mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _unwritable(path: Path, why: str) -> StateError:
    return StateError(
        f"the state folder {path.parent} cannot be used: {why}",
        expected="a folder in which this user can create files",
        fix="pass --state-dir with such a folder, or correct its owner and mode",
    )
