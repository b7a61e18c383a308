"""The outbox: every event waits here, on disk, from the moment it happens until the broker acknowledges it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from edge.ids import uuid7
from edge.outbox_age import AgeClock
from edge.outbox_db import StoreUnavailableError
from edge.outbox_table import Life, Row, Table, Waiting
from edge.types import EndReason, Event, Moment

logger = logging.getLogger(__name__)

MEMORY_ROWS: Final = 5_000
"""Rows kept in memory while the disk cannot be written: about 5 MB."""
HEAL_INTERVAL_S: Final = 1.0
"""A disk that refused a write is tried again this often, so that a full one does not slow the camera loop."""
TEND_INTERVAL_S: Final = 60.0
"""Rows are checked for age, and a sign of life is noted, this often."""
LATE_OPEN_ID: Final = 1 << 40
"""First rowid when the file could not be read at the start: above any that it may hold."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was given up since the start, in whole face lives wherever possible."""

    faces: int = 0
    events: int = 0
    refused: int = 0
    """Events that the broker will never take, such as one larger than its limit."""


class Outbox:
    """Events that survive a crash, oldest first. Every method may be called from any thread.

    Parameters
    ----------
    path: the SQLite file; its folder is created with mode 0700.
    max_rows: with more rows than this, the oldest whole face life is dropped.
    max_age_s: a life older than this is dropped too.

    Raises
    ------
    StateError
        The folder cannot be written, or a newer version wrote the file.
    """

    def __init__(self, path: Path, *, max_rows: int, max_age_s: float) -> None:
        self.max_age_s = max_age_s
        self._max_rows = max_rows
        self._lock = threading.RLock()
        self._table = Table(path)
        self._degraded: str | None = None
        self._dropped = Dropped()
        self._memory: list[Waiting] = []
        self._acknowledged: set[int] = set()  # rows on disk whose deletion the disk refused so far
        self._lives: dict[str, Life] = {}
        self._changed: set[str] = set()  # faces whose row in the table `faces` is out of date
        self._stored = 0
        self._next_id = 1
        self._handed = 0  # rows up to here may have reached the broker
        self._age = AgeClock()
        self._boot_id: str | None = None
        self._loaded = False
        self._tried_at_s = float("-inf")
        self._tended_at_s = float("-inf")
        try:
            self._load()
        except StoreUnavailableError as error:
            self._failed(error.reason)
            self._next_id = LATE_OPEN_ID

    @property
    def recovered_from(self) -> Path | None:
        """Where a corrupt database was moved, if one was met."""
        return self._table.recovered_from

    @property
    def degraded(self) -> str | None:
        """Why new events are in memory only (`disk-full`, `disk-error`, ...); None when all is well."""
        return self._degraded

    @property
    def depth(self) -> int:
        """How many events wait."""
        with self._lock:
            return max(0, self._stored - len(self._acknowledged)) + len(self._memory)

    @property
    def dropped(self) -> Dropped:
        """What was given up since the start."""
        return self._dropped

    def put(self, event: Event, now: Moment) -> None:
        """Keep an event until it is acknowledged; it is on disk on return, unless `degraded` says why not."""
        with self._lock:
            at_s = self._age.read(now)
            if self._belongs_to_dropped(event):
                return
            if event.type == "end":
                self._lives.pop(event.face_id, None)
            else:
                self._lives[event.face_id] = Life(event)
            self._changed.add(event.face_id)
            row = Row(self._next_id, event.id, event.face_id, msgspec.json.encode(event))
            self._next_id += 1
            self._memory.append(Waiting(row, event.seq, event.type, at_s))
            self._flush(now)
            self._limit_rows()
            self._tend(now)

    def pending(self, limit: int, after: int = 0) -> list[Row]:
        """Return up to `limit` waiting events with a rowid above `after`, oldest first.

        What was returned may have been sent, so the life that it belongs to is not dropped as a whole any more.
        """
        with self._lock:
            rows: list[Row] = []
            try:
                found = self._table.after(after, limit + len(self._acknowledged))
                rows = [row for row in found if row.rowid not in self._acknowledged]
            except StoreUnavailableError as error:
                self._failed(error.reason)
            rows += [one.row for one in self._memory if one.row.rowid > after]
            rows = rows[:limit]
            if rows and rows[-1].rowid > self._handed:
                self._handed = rows[-1].rowid
                try:
                    if self._degraded is None:
                        self._table.note({"handed": float(self._handed)})
                except StoreUnavailableError as error:
                    self._failed(error.reason)
            return rows

    def acknowledge(self, rowid: int) -> None:
        """Forget an event that the broker has taken over."""
        with self._lock:
            for index, one in enumerate(self._memory):
                if one.row.rowid == rowid:
                    del self._memory[index]
                    return
            if self._degraded is None:
                try:
                    count = self._table.delete(rowid)
                except StoreUnavailableError as error:
                    self._failed(error.reason)
                else:
                    self._stored -= count
                    return
            self._acknowledged.add(rowid)

    def refuse(self, rowid: int) -> None:
        """Give up one event that the broker will never take, and count it."""
        with self._lock:
            self.acknowledge(rowid)
            self._dropped = replace(self._dropped, refused=self._dropped.refused + 1)

    def open_faces(self) -> list[Event]:
        """Return the last event of each face that has begun and not ended, crashes included."""
        with self._lock:
            return [life.last for life in self._lives.values() if not life.dropped]

    def end_open_faces(self, now: Moment, *, boot_id: str, reason: EndReason = "restart") -> list[Event]:
        """End each face that an earlier boot left open; return the events, which wait like any other.

        `end_ts` is the last moment at which the earlier boot is known to have run (to a minute).
        """
        with self._lock:
            self._boot_id = boot_id
            alive = min(self._age.last_alive, now.stamp)
            ends = []
            for face_id, life in list(self._lives.items()):
                if life.last.boot_id == boot_id:
                    continue
                end = msgspec.structs.replace(
                    life.last,
                    id=uuid7(now.utc),
                    type="end",
                    seq=life.last.seq + 1,
                    ts=now.stamp,
                    end_ts=max(life.last.ts, alive),
                    boot_id=boot_id,
                    reason=reason,
                    clock=msgspec.UNSET if now.synced else "unsynced",
                )
                if not life.dropped:
                    ends.append(end)
                    self.put(end, now)
                self._lives.pop(face_id, None)
                self._changed.add(face_id)
            return ends

    def oldest_age_s(self, now: Moment) -> float:
        """Return how long the oldest waiting event has waited, in seconds; 0 when none waits."""
        with self._lock:
            oldest = [one.at_s for one in self._memory[:1]]
            try:
                records = self._table.oldest(1 + len(self._acknowledged))
                oldest += [at_s for rowid, at_s in records if rowid not in self._acknowledged]
            except StoreUnavailableError as error:
                self._failed(error.reason)
            return max(0.0, self._age.read(now) - min(oldest)) if oldest else 0.0

    def tend(self, now: Moment) -> None:
        """Do what is due: write what a full disk kept in memory, drop what is too old, note a sign of life."""
        with self._lock:
            self._age.read(now)
            if self._memory or self._acknowledged or self._degraded:
                self._flush(now)
                self._limit_rows()
            self._tend(now)

    def close(self) -> None:
        """Write what can be written and close the file."""
        with self._lock:
            if self._memory or self._acknowledged:
                try:
                    self._write(None)
                except StoreUnavailableError as error:
                    logger.error(  # noqa: TRY400  # the reason says all, a traceback adds nothing
                        "%d events are lost: they were in memory only (%s)", len(self._memory), error.reason
                    )
            self._table.close()

    def _load(self) -> None:
        stored = self._table.load()
        if stored.unreadable:
            logger.warning(
                "%d open faces in the outbox cannot be read: no end is sent", len(stored.unreadable)
            )
            self._changed |= stored.unreadable
        self._lives = stored.lives | self._lives
        self._stored = stored.rows
        self._handed = max(self._handed, int(stored.meta.get("handed", 0)))
        self._next_id = max(self._next_id, stored.top + 1, self._handed + 1)
        self._age.resume(stored.meta.get("age_s", 0.0), stored.meta.get("alive_utc_s", 0.0))
        self._loaded = True

    def _belongs_to_dropped(self, event: Event) -> bool:
        life = self._lives.get(event.face_id)
        if life is None or not life.dropped:
            return False
        self._dropped = replace(self._dropped, events=self._dropped.events + 1)
        if event.type == "end":
            del self._lives[event.face_id]
            self._changed.add(event.face_id)
        return True

    def _flush(self, now: Moment) -> None:
        """Write what is in memory; while the disk refuses, try only now and then."""
        if self._degraded and now.monotonic_s - self._tried_at_s < HEAL_INTERVAL_S:
            return
        self._tried_at_s = now.monotonic_s
        try:
            if self._degraded not in (None, "disk-full", "locked"):
                self._table.reopen()
            late = not self._loaded
            if late:
                self._load()
            self._write(now)
            if late and self._boot_id is not None:
                self.end_open_faces(now, boot_id=self._boot_id)  # those that could not be read at the start
        except StoreUnavailableError as error:
            self._failed(error.reason)
            if error.reason == "corrupt":  # a new file was begun: this event goes there
                try:
                    self._write(now)
                except StoreUnavailableError as again:
                    self._failed(again.reason)

    def _write(self, now: Moment | None) -> None:
        meta = {"age_s": self._age.age_s, "handed": float(self._handed)}
        if now is not None:
            meta["alive_utc_s"] = now.utc.timestamp()
        recount = bool(self._acknowledged or self._degraded)
        counted = self._table.write(
            self._memory,
            deleted=self._acknowledged,
            lives={face_id: self._lives.get(face_id) for face_id in self._changed},
            meta=meta,
            recount=recount,
        )
        self._stored = counted if recount else self._stored + len(self._memory)
        self._degraded = None
        self._memory.clear()
        self._acknowledged.clear()
        self._changed.clear()

    def _failed(self, reason: str) -> None:
        """Go on without the disk, or, when the file was corrupt and is moved aside, with a new one."""
        if reason == "corrupt":
            self._stored = 0
            self._acknowledged.clear()
            self._changed |= self._lives.keys()
            self._loaded = True
            return
        self._degraded = reason

    def _limit_rows(self) -> None:
        if self._degraded:
            while len(self._memory) > MEMORY_ROWS and self._drop_from_memory():
                pass
        else:
            while self.depth > self._max_rows and self._drop_from_disk(float("inf")):
                pass

    def _tend(self, now: Moment) -> None:
        interval_s = min(TEND_INTERVAL_S, self.max_age_s / 10)
        if self._degraded or now.monotonic_s - self._tended_at_s < interval_s:
            return
        self._tended_at_s = now.monotonic_s
        while self._drop_from_disk(self._age.age_s - self.max_age_s):
            pass
        try:
            self._write(now)  # the sign of life
        except StoreUnavailableError as error:
            self._failed(error.reason)

    def _drop_from_disk(self, before_s: float) -> bool:
        """Drop the oldest life begun before `before_s` that no broker has seen; else an `update` of another."""
        try:
            face_id, count = self._table.drop_life(unseen_after=self._handed, before_s=before_s)
        except StoreUnavailableError as error:
            self._failed(error.reason)
            return False
        self._stored -= count
        self._count_dropped(face_id, count)
        return count > 0

    def _drop_from_memory(self) -> bool:
        born = (one for one in self._memory if one.seq == 0 and one.row.rowid > self._handed)
        update = (one for one in self._memory if one.type == "update")
        if first := next(born, None):
            face_id: str | None = first.row.face_id
            kept = [one for one in self._memory if one.row.face_id != face_id]
        elif first := next(update, None):
            face_id, kept = None, [one for one in self._memory if one is not first]
        else:
            return False
        count = len(self._memory) - len(kept)
        self._memory = kept
        self._count_dropped(face_id, count)
        return True

    def _count_dropped(self, face_id: str | None, count: int) -> None:
        faces = self._dropped.faces + (face_id is not None)
        if count and not self._dropped.events:
            logger.warning("the outbox is full: the oldest faces are dropped, whole")
        self._dropped = replace(self._dropped, faces=faces, events=self._dropped.events + count)
        if face_id is not None and (life := self._lives.get(face_id)):
            life.dropped = True
            self._changed.add(face_id)
