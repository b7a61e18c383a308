from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from edge.ids import boot_id, uuid7

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_it_is_a_version_7_uuid_of_its_time():
    made = uuid.UUID(uuid7(NOON))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(NOON.timestamp() * 1000)


def test_ids_sort_by_time():
    ids = [uuid7(NOON + timedelta(milliseconds=i)) for i in range(100)]
    assert ids == sorted(ids)


def test_no_id_comes_twice_even_if_the_clock_stands_still():
    assert len({uuid7(NOON) for _ in range(10_000)}) == 10_000
    assert boot_id() != boot_id()
