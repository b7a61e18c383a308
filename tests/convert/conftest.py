"""The fixtures that training and conversion share."""

from __future__ import annotations

from tests.small_training import faces, tiny_recipe

__all__ = ["faces", "tiny_recipe"]
