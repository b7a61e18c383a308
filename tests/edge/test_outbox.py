from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge import outbox as outbox_module
from edge import outbox_db
from edge.clock import ManualClock
from edge.errors import StateError
from edge.outbox import Outbox
from tests.events import event, life

DAY_S = 86_400.0


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "outbox.sqlite"


def open_outbox(path, max_rows=1000, max_age_s=7 * DAY_S):
    return Outbox(path, max_rows=max_rows, max_age_s=max_age_s)


def put_all(outbox, events, clock):
    for one in events:
        outbox.put(one, clock.now())


def waiting(outbox):
    return [json.loads(row.payload) for row in outbox.pending(100_000)]


def kinds(outbox):
    return [(one["face_id"], one["type"]) for one in waiting(outbox)]


def test_events_wait_in_order_until_acknowledged_and_survive_a_restart(path, clock):
    outbox = open_outbox(path)
    events = life("a", clock.now()) + life("b", clock.now())
    put_all(outbox, events, clock)
    rows = outbox.pending(2)
    assert [row.event_id for row in rows] == [events[0].id, events[1].id]
    assert [row.event_id for row in outbox.pending(9, after=rows[1].rowid)] == [one.id for one in events[2:]]
    outbox.acknowledge(rows[0].rowid)
    outbox.close()
    again = open_outbox(path)
    assert [one["id"] for one in waiting(again)] == [one.id for one in events[1:]]
    assert again.depth == 5
    again.close()


def test_an_acknowledged_row_does_not_come_back_and_ids_are_never_used_twice(path, clock):
    outbox = open_outbox(path)
    outbox.put(event("a", 0, "new", clock.now()), clock.now())
    [row] = outbox.pending(5)
    outbox.acknowledge(row.rowid)
    outbox.acknowledge(row.rowid)
    outbox.close()
    again = open_outbox(path)
    assert again.pending(5) == []
    again.put(event("b", 0, "new", clock.now()), clock.now())
    assert again.pending(5)[0].rowid > row.rowid
    again.close()


def test_the_folder_is_private(path, clock):
    outbox = open_outbox(path)
    outbox.put(event("a", 0, "new", clock.now()), clock.now())
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    outbox.close()


def test_a_folder_that_cannot_be_used_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(StateError, match=r"state folder .*state cannot be used.*--state-dir"):
        open_outbox(tmp_path / "state" / "outbox.sqlite")


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path, clock):
    open_outbox(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StateError, match="newer version"):
        open_outbox(path)
    assert sorted(one.name for one in path.parent.iterdir()) == ["outbox.sqlite"]


@pytest.mark.parametrize("damage", ["garbage", "pages"])
def test_a_corrupt_database_is_moved_aside_and_a_new_one_begun(path, clock, damage):
    outbox = open_outbox(path)
    for number in range(50):
        put_all(outbox, life(f"f{number}", clock.now()), clock)
    outbox.close()
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content[:] = b"not a database" * 500
    else:
        content[4096:] = random.Random(1).randbytes(len(content) - 4096)
    path.write_bytes(content)
    again = open_outbox(path)
    assert again.recovered_from is not None
    assert again.recovered_from.read_bytes() == content
    assert again.recovered_from.name.startswith("outbox.sqlite.corrupt-20")
    assert again.degraded is None
    put_all(again, life("later", clock.now()), clock)
    assert kinds(again) == [("later", "new"), ("later", "update"), ("later", "end")]
    again.close()


def test_damage_met_in_the_middle_of_a_run_loses_no_later_event(path, clock, monkeypatch):
    monkeypatch.setattr(outbox_db, "CHECK_MAX_BYTES", 0)  # as for a large file: not searched at the start
    outbox = open_outbox(path)
    for number in range(50):
        put_all(outbox, life(f"f{number}", clock.now()), clock)
    outbox.put(event("open", 0, "new", clock.now()), clock.now())
    outbox.close()
    content = bytearray(path.read_bytes())
    content[3 * 4096 :] = random.Random(1).randbytes(len(content) - 3 * 4096)
    path.write_bytes(content)
    again = open_outbox(path)
    for number in range(20):
        put_all(again, life(f"later{number}", clock.now()), clock)
        waiting(again)
    assert again.recovered_from is not None
    assert again.degraded is None
    found = kinds(again)
    assert found[-3:] == [("later19", "new"), ("later19", "update"), ("later19", "end")]
    again.close()
    assert open_outbox(path).recovered_from is None


def test_a_closed_outbox_answers_and_does_not_open_its_file_again(path, clock):
    outbox = open_outbox(path)
    outbox.close()
    assert outbox.pending(5) == []
    outbox.tend(clock.now())
    outbox.acknowledge(1)
    assert outbox.oldest_age_s(clock.now()) == 0


# --- the disk is full -------------------------------------------------------------------------------


def fill_disk(outbox):
    """SQLite's own limit gives the very error of a full disk, SQLITE_FULL."""
    connection = outbox._table._db._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")


def empty_disk(outbox):
    outbox._table._db._connection.execute("PRAGMA max_page_count=1000000")


def test_a_full_disk_keeps_events_in_memory_says_so_and_heals_in_order(path, clock):
    outbox = open_outbox(path)
    put_all(outbox, life("before", clock.now()), clock)
    fill_disk(outbox)
    for number in range(40):
        put_all(outbox, life(f"full{number}", clock.now()), clock)
    assert outbox.degraded == "disk-full"
    assert outbox.depth == 123
    order = [row.event_id for row in outbox.pending(200)]
    assert len(order) == 123
    first, second, *_ = outbox.pending(2)
    outbox.acknowledge(first.rowid)  # a row on disk: its deletion may have to wait
    assert outbox.pending(1) == [second]
    in_memory = outbox.pending(200)[-1]
    outbox.acknowledge(in_memory.rowid)
    empty_disk(outbox)
    clock.advance(2)
    outbox.tend(clock.now())
    assert outbox.degraded is None
    assert outbox.depth == 121
    outbox.close()
    again = open_outbox(path)
    assert [row.event_id for row in again.pending(200)] == order[1:-1]
    again.close()


def test_memory_is_bounded_while_the_disk_is_full_and_whole_lives_are_dropped(path, clock, monkeypatch):
    monkeypatch.setattr(outbox_module, "MEMORY_ROWS", 30)
    outbox = open_outbox(path)
    fill_disk(outbox)
    for number in range(60):
        put_all(outbox, life(f"f{number}", clock.now()), clock)
    assert outbox.degraded == "disk-full"
    lives = {}
    for face, kind in kinds(outbox):
        lives.setdefault(face, []).append(kind)
    assert set(map(tuple, lives.values())) == {("new", "update", "end")}
    assert "f59" in lives
    assert outbox.dropped.events == 180 - outbox.depth
    assert outbox.dropped.faces == 60 - len(lives)
    outbox.close()


FULL_DISK = """
import sys
from pathlib import Path
from edge.clock import ManualClock
from edge.outbox import Outbox
from tests.events import life
clock, folder = ManualClock(), Path(sys.argv[1])
outbox = Outbox(folder / "outbox.sqlite", max_rows=10_000, max_age_s=1e6)
ballast = folder / "ballast"
try:
    ballast.write_bytes(bytes(10_000_000))
except OSError as error:
    assert error.errno == 28, error
for number in range(200):
    for one in life(f"f{number}", clock.now()):
        outbox.put(one, clock.now())
print(outbox.degraded, outbox.depth)
ballast.unlink()
clock.advance(5)
outbox.tend(clock.now())
print(outbox.degraded, outbox.depth)
outbox.close()
outbox = Outbox(folder / "outbox.sqlite", max_rows=10_000, max_age_s=1e6)
print(outbox.degraded, outbox.depth, len(outbox.pending(1000)))

# The disk is full at the start already, and the last boot left a face open.
open_face, *_ = life("open", clock.now())
outbox.put(open_face, clock.now())
outbox.close()
try:
    ballast.write_bytes(bytes(10_000_000))
except OSError:
    pass
outbox = Outbox(folder / "outbox.sqlite", max_rows=10_000, max_age_s=1e6)
early = outbox.end_open_faces(clock.now(), boot_id="boot-2")
for one in life("later", clock.now(), boot_id="boot-2"):
    outbox.put(one, clock.now())
print(outbox.degraded)
ballast.unlink()
clock.advance(5)
outbox.tend(clock.now())
print(outbox.degraded, outbox.depth, [one.face_id for one in outbox.open_faces()])
"""


def test_a_really_full_file_system_loses_nothing(tmp_path, root):
    """A small tmpfs in its own mount name space; where the kernel forbids that, the test above stands for it."""
    mount = "mount -t tmpfs -o size=3m tmpfs"
    script = f'{mount} "$1" && exec "$2" -c "$3" "$1"'
    for unshare in (["unshare", "-m"], ["unshare", "-rm"]):
        possible = subprocess.run([*unshare, "sh", "-c", f"{mount} {tmp_path}"], capture_output=True)
        if possible.returncode == 0:
            break
    else:
        return
    done = subprocess.run(
        [*unshare, "sh", "-c", script, "sh", str(tmp_path), sys.executable, FULL_DISK],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=60,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:3] == ["disk-full 600", "None 600", "None 600 600"]
    assert lines[3] in {"disk-full", "disk-error", "cannot-open"}
    assert lines[4] == "None 605 []"  # the open face has its end, and the later life is there


# --- bounds -----------------------------------------------------------------------------------------


def test_when_full_the_oldest_life_goes_whole_and_is_counted(path, clock):
    outbox = open_outbox(path, max_rows=10)
    for face in "abcd":
        put_all(outbox, life(face, clock.now()), clock)
    assert {face for face, _ in kinds(outbox)} == {"b", "c", "d"}
    assert outbox.depth == 9
    assert (outbox.dropped.faces, outbox.dropped.events) == (1, 3)
    outbox.close()


def test_what_follows_of_a_dropped_open_face_is_dropped_too_over_restarts(path, clock):
    outbox = open_outbox(path, max_rows=10)
    outbox.put(event("open", 0, "new", clock.now()), clock.now())
    for face in "abcd":
        put_all(outbox, life(face, clock.now()), clock)
    outbox.put(event("open", 1, "update", clock.now()), clock.now())
    outbox.close()
    again = open_outbox(path, max_rows=10)
    again.put(event("open", 2, "end", clock.now()), clock.now())
    assert "open" not in {face for face, _ in kinds(again)}
    assert again.open_faces() == []
    assert again.end_open_faces(clock.now(), boot_id="boot-2") == []
    again.close()


def test_a_face_whose_new_was_sent_keeps_its_end_when_the_outbox_is_full(path, clock):
    outbox = open_outbox(path, max_rows=10)
    outbox.put(event("known", 0, "new", clock.now()), clock.now())
    outbox.acknowledge(outbox.pending(1)[0].rowid)
    for seq in range(1, 30):
        outbox.put(event("known", seq, "update", clock.now()), clock.now())
    assert outbox.depth == 10
    put_all(outbox, life("other", clock.now()), clock)
    outbox.put(event("known", 30, "end", clock.now()), clock.now())
    assert ("known", "end") in kinds(outbox)
    assert outbox.depth <= 10
    outbox.close()


def test_lives_beyond_the_age_are_dropped_also_over_a_restart(path, clock):
    outbox = open_outbox(path, max_age_s=DAY_S)
    put_all(outbox, life("old", clock.now()), clock)
    clock.advance(0.8 * DAY_S)
    put_all(outbox, life("young", clock.now()), clock)
    assert outbox.oldest_age_s(clock.now()) == pytest.approx(0.8 * DAY_S)
    outbox.close()
    booted = ManualClock(clock.now().utc)  # its monotonic clock starts at 0 again
    booted.advance(0.3 * DAY_S)
    again = open_outbox(path, max_age_s=DAY_S)
    again.tend(booted.now())
    assert {face for face, _ in kinds(again)} == {"young"}
    assert again.oldest_age_s(booted.now()) == pytest.approx(0.3 * DAY_S, rel=1e-3)
    again.close()


@pytest.mark.parametrize("jump_s", [-DAY_S, DAY_S, 365 * DAY_S])
def test_a_jump_of_the_wall_clock_drops_nothing(path, clock, jump_s):
    outbox = open_outbox(path, max_age_s=DAY_S)
    put_all(outbox, life("a", clock.now()), clock)
    clock.jump(jump_s)
    clock.advance(100)
    put_all(outbox, life("b", clock.now()), clock)
    assert outbox.depth == 6
    assert outbox.oldest_age_s(clock.now()) == pytest.approx(100)
    outbox.close()


def test_an_event_that_the_broker_will_never_take_is_counted(path, clock):
    outbox = open_outbox(path)
    put_all(outbox, life("a", clock.now()), clock)
    outbox.refuse(outbox.pending(1)[0].rowid)
    assert (outbox.depth, outbox.dropped.refused) == (2, 1)
    outbox.close()


# --- ends after a crash -----------------------------------------------------------------------------


def test_faces_left_open_by_a_crash_are_ended_once_with_the_next_number(path, clock):
    outbox = open_outbox(path)
    put_all(outbox, [event("a", 0, "new", clock.now()), event("a", 1, "update", clock.now())], clock)
    put_all(outbox, life("b", clock.now()), clock)
    last_seen = clock.advance(30)
    outbox.put(event("c", 0, "new", last_seen), last_seen)
    assert [one.face_id for one in outbox.open_faces()] == ["a", "c"]
    outbox.close()
    later = clock.advance(3600)
    again = open_outbox(path)
    ends = again.end_open_faces(later, boot_id="boot-2")
    assert [(one.face_id, one.seq, one.type, one.reason) for one in ends] == [
        ("a", 2, "end", "restart"),
        ("c", 1, "end", "restart"),
    ]
    assert {one.ts for one in ends} == {later.stamp}
    assert {one.end_ts for one in ends} == {last_seen.stamp}
    assert {one.boot_id for one in ends} == {"boot-2"}
    again.put(event("d", 0, "new", later, boot_id="boot-2"), later)
    assert again.end_open_faces(later, boot_id="boot-2") == []
    again.close()
    third = open_outbox(path)
    assert [one.face_id for one in third.end_open_faces(later, boot_id="boot-3")] == ["d"]
    assert third.open_faces() == []
    third.close()


def test_ends_before_the_clock_is_set_say_so(path, clock):
    outbox = open_outbox(path)
    outbox.put(event("a", 0, "new", clock.now()), clock.now())
    outbox.close()
    again = open_outbox(path)
    clock.synced = False
    [end] = again.end_open_faces(clock.now(), boot_id="boot-2")
    assert end.clock == "unsynced"
    again.close()


CHILD = """
import sys
from pathlib import Path
from edge.clock import SystemClock
from edge.outbox import Outbox
from tests.events import event
clock = SystemClock()
outbox = Outbox(Path(sys.argv[1]), max_rows=100_000, max_age_s=1e6)
number = 0
while True:
    kind = ("new", "update", "end")[number % 3]
    one = event(f"face-{number // 3}", number % 3, kind, clock.now())
    outbox.put(one, clock.now())
    print(one.id, flush=True)
    number += 1
"""


def test_kill_9_loses_no_event_that_was_put(path, root):
    reported = []
    for run in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True, cwd=root
        )
        reported += [child.stdout.readline().strip() for _ in range(100 + 77 * run)]
        child.send_signal(signal.SIGKILL)
        reported += [line.strip() for line in child.stdout if line.endswith("\n")]
        child.wait()
        child.stdout.close()
    outbox = open_outbox(path)
    assert outbox.recovered_from is None
    stored = [row.event_id for row in outbox.pending(1_000_000)]
    assert len(set(stored)) == len(stored)
    known = set(reported)
    assert [one for one in stored if one in known] == reported
    outbox.close()


# --- any sequence of events, deliveries, crashes and full disks -------------------------------------


class AnyLife(RuleBasedStateMachine):
    """A consumer that drops duplicates sees each life whole: `new` first, numbers rising, one `end` at the end."""

    @initialize(max_rows=st.sampled_from([10, 12, 25, 1000]))
    def begin(self, max_rows):
        self.folder = tempfile.TemporaryDirectory()
        self.max_rows = max_rows
        self.clock = ManualClock()
        self.boot = 0
        self.count = 0
        self.open: dict[str, int] = {}
        self.seen: dict[str, dict] = {}
        self.acknowledged: set[str] = set()
        self.began: set[str] = set()
        self.dropped = 0
        self.path = Path(self.folder.name) / "0" / "outbox.sqlite"
        self.outbox = open_outbox(self.path, max_rows=max_rows)

    def put(self, face, seq, kind):
        now = self.clock.advance(1)
        self.outbox.put(event(face, seq, kind, now, boot_id=f"boot-{self.boot}"), now)

    @rule()
    def new(self):
        face = f"f{self.count}"
        self.count += 1
        self.open[face] = 0
        self.began.add(face)
        self.put(face, 0, "new")

    @precondition(lambda self: self.open)
    @rule(data=st.data(), times=st.integers(1, 4))
    def update(self, data, times):
        face = data.draw(st.sampled_from(sorted(self.open)))
        for _ in range(times):
            self.open[face] += 1
            self.put(face, self.open[face], "update")

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def end(self, data):
        face = data.draw(st.sampled_from(sorted(self.open)))
        self.put(face, self.open.pop(face) + 1, "end")

    @rule(window=st.integers(1, 6), taken=st.integers(0, 6))
    def deliver(self, window, taken):
        for index, row in enumerate(self.outbox.pending(window)):
            assert row.event_id not in self.acknowledged
            self.seen.setdefault(row.event_id, json.loads(row.payload))
            if index < taken:
                self.outbox.acknowledge(row.rowid)
                self.acknowledged.add(row.event_id)

    @rule()
    def full(self):
        fill_disk(self.outbox)

    @rule()
    def heal(self):
        if self.outbox._table._db._connection:
            empty_disk(self.outbox)
        self.outbox.tend(self.clock.advance(2))
        assert self.outbox.degraded is None

    @rule()
    def crash(self):
        """What a kill leaves behind is the files as they are; what was only in memory is gone, so heal first."""
        self.heal()
        self.boot += 1
        path = Path(self.folder.name) / str(self.boot) / "outbox.sqlite"
        path.parent.mkdir()
        for file in self.path.parent.iterdir():
            (path.parent / file.name).write_bytes(file.read_bytes())
        self.dropped += self.outbox.dropped.faces
        self.outbox.close()
        self.path, self.outbox = path, open_outbox(path, max_rows=self.max_rows)
        self.outbox.end_open_faces(self.clock.advance(5), boot_id=f"boot-{self.boot}")
        self.open.clear()

    @invariant()
    def bounded(self):
        if hasattr(self, "outbox") and self.outbox.degraded is None:
            # Faces that the broker knows keep their `end` whatever happens.
            assert self.outbox.depth <= self.max_rows + len({one["face_id"] for one in self.seen.values()})

    def teardown(self):
        if not hasattr(self, "outbox"):
            return
        self.heal()
        for face, seq in list(self.open.items()):
            self.put(face, seq + 1, "end")
        while self.outbox.depth:
            self.deliver(6, 6)
        assert self.outbox.open_faces() == []
        lives: dict[str, list[dict]] = {}
        for one in self.seen.values():
            lives.setdefault(one["face_id"], []).append(one)
        for events in lives.values():
            numbers = [one["seq"] for one in events]
            assert numbers == sorted(set(numbers))
            assert events[0]["type"] == "new"
            assert [one["type"] for one in events].count("end") == 1
            assert events[-1]["type"] == "end"
            if self.max_rows == 1000:
                assert numbers == list(range(len(numbers)))
        self.dropped += self.outbox.dropped.faces
        assert len(lives) == len(self.began) - self.dropped
        if self.max_rows == 1000:
            assert self.dropped == 0
        self.outbox.close()
        self.folder.cleanup()


AnyLife.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
TestAnyLife = AnyLife.TestCase
