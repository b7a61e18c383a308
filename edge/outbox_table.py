"""The outbox's tables: each thing that is read or written there is one method, and one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge.outbox_db import Database
from edge.types import Event


@dataclass(frozen=True, slots=True)
class Row:
    """One event that waits for the broker's acknowledgement."""

    rowid: int
    event_id: str
    face_id: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that is not on disk yet."""

    row: Row
    seq: int
    type: str
    at_s: float
    """When it was put, on the outbox's own clock."""


@dataclass(slots=True)
class Life:
    """A face that has not ended."""

    last: Event
    dropped: bool = False
    """Its `new` was given up, so nothing that follows may be sent."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a restart finds."""

    rows: int
    top: int
    """The highest rowid, 0 with none."""
    meta: dict[str, float]
    lives: dict[str, Life] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    """Faces whose last event cannot be read any more."""


class Table:
    """Rows, open faces and figures in SQLite; every method raises StoreUnavailableError when it cannot be done.

    Parameters
    ----------
    path: the SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._db = Database(path)

    @property
    def recovered_from(self) -> Path | None:
        """Where a corrupt file was moved, if one was met."""
        return self._db.recovered_from

    def reopen(self) -> None:
        """Open the file again after a fault."""
        self._db.reopen()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def load(self) -> Stored:
        """Read everything but the rows themselves."""
        [(rows, top)] = self._db.read("SELECT count(*), coalesce(max(id), 0) FROM events")
        meta = dict(self._db.read("SELECT name, value FROM meta"))
        lives: dict[str, Life] = {}
        unreadable = set()
        for face_id, payload, dropped in self._db.read("SELECT face_id, payload, dropped FROM faces"):
            try:
                lives[face_id] = Life(msgspec.json.decode(payload, type=Event), bool(dropped))
            except msgspec.MsgspecError:
                unreadable.add(face_id)
        return Stored(rows, top, meta, lives, frozenset(unreadable))

    def after(self, rowid: int, limit: int) -> list[Row]:
        """Return rows above `rowid`, oldest first."""
        query = "SELECT id, event_id, face_id, payload FROM events WHERE id > ? ORDER BY id LIMIT ?"
        return [Row(*record) for record in self._db.read(query, rowid, limit)]

    def oldest(self, limit: int) -> list[tuple[int, float]]:
        """Return rowid and time of the oldest rows."""
        return [
            (rowid, at_s)
            for rowid, at_s in self._db.read("SELECT id, at_s FROM events ORDER BY id LIMIT ?", limit)
        ]

    def delete(self, rowid: int) -> int:
        """Delete a row; return how many there were."""
        with self._db.transaction() as connection:
            return connection.execute("DELETE FROM events WHERE id = ?", (rowid,)).rowcount

    def note(self, meta: Mapping[str, float]) -> None:
        """Remember figures over a restart."""
        with self._db.transaction() as connection:
            connection.executemany("REPLACE INTO meta VALUES(?, ?)", list(meta.items()))

    def write(
        self,
        rows: Iterable[Waiting],
        *,
        deleted: Iterable[int],
        lives: Mapping[str, Life | None],
        meta: Mapping[str, float],
        recount: bool,
    ) -> int:
        """Write all of this or nothing; return how many rows there are, if asked to `recount`, else 0."""
        inserts = [
            (one.row.rowid, one.row.event_id, one.row.face_id, one.seq, one.type, one.at_s, one.row.payload)
            for one in rows
        ]
        with self._db.transaction() as connection:
            connection.executemany("DELETE FROM events WHERE id = ?", [(one,) for one in deleted])
            connection.executemany("INSERT INTO events VALUES(?, ?, ?, ?, ?, ?, ?)", inserts)
            for face_id, life in lives.items():
                if life is None:
                    connection.execute("DELETE FROM faces WHERE face_id = ?", (face_id,))
                else:
                    values = (face_id, msgspec.json.encode(life.last), life.dropped)
                    connection.execute("REPLACE INTO faces VALUES(?, ?, ?)", values)
            connection.executemany("REPLACE INTO meta VALUES(?, ?)", list(meta.items()))
            if recount:
                return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
        return 0

    def drop_life(self, *, unseen_after: int, before_s: float) -> tuple[str | None, int]:
        """Delete the oldest life begun before `before_s` whose `new` is above `unseen_after`; else one `update`.

        Returns
        -------
        The face whose life went, or None, and the number of rows that went.
        """
        with self._db.transaction() as connection:
            born = connection.execute(
                "SELECT face_id, at_s FROM events WHERE seq = 0 AND id > ? ORDER BY id LIMIT 1",
                (unseen_after,),
            ).fetchone()
            if born and born[1] < before_s:
                face_id: str = born[0]
                connection.execute("UPDATE faces SET dropped = 1 WHERE face_id = ?", (face_id,))
                done = connection.execute("DELETE FROM events WHERE face_id = ?", (face_id,))
                return face_id, done.rowcount
            # The broker knows the other faces: their `end` must still come, an `update` may be missed.
            done = connection.execute(
                "DELETE FROM events WHERE id = "
                "(SELECT id FROM events WHERE type = 'update' AND at_s < ? ORDER BY id LIMIT 1)",
                (before_s,),
            )
            return None, done.rowcount
