from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from edge.settings import Settings, device_id_from_host
from edge.settings_file import load_settings


@given(st.text())
def test_any_host_name_makes_a_valid_device_id(host):
    made = device_id_from_host(host)
    assert load_settings(overrides=[("device.id", f'"{made}"')]).device_id == made


def test_the_state_folder_follows_systemd_then_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/emotion-edge:/var/lib/other")
    assert str(Settings().state_dir) == "/var/lib/emotion-edge"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path))
    assert Settings().state_dir == tmp_path / "emotion-edge"
