from __future__ import annotations

import os
import stat

import pytest

from edge.errors import StateError
from edge.state_lock import LOCK_NAME, StateLock


def test_the_second_is_told_who_the_first_is(tmp_path):
    with (
        StateLock(tmp_path),
        pytest.raises(StateError, match=f"process {os.getpid()}"),
        StateLock(tmp_path),
    ):
        pass


def test_it_is_free_again_afterwards_and_private(tmp_path):
    folder = tmp_path / "state"
    for _ in range(2):
        with StateLock(folder):
            assert (folder / LOCK_NAME).read_text().strip() == str(os.getpid())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="--state-dir"), StateLock(tmp_path / "file" / "state"):
        pass
