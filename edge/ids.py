"""Identifiers that are never used twice: UUID version 7, sortable by the time they were made."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import Final

VERSION_7: Final = 0x7
VARIANT_RFC: Final = 0b10


def uuid7(utc: datetime) -> str:
    """Return a UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 74 random bits.

    The random part alone keeps two ids apart when the wall clock jumps back.
    """
    milliseconds = int(utc.timestamp() * 1000) & ((1 << 48) - 1)
    high = (milliseconds << 16) | (VERSION_7 << 12) | secrets.randbits(12)
    low = (VARIANT_RFC << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=(high << 64) | low))


def boot_id() -> str:
    """Return an id for this run of the daemon: random, so a restart is seen as one."""
    return secrets.token_hex(8)
