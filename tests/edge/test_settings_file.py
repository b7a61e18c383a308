from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import SettingsError
from edge.settings import Settings
from edge.settings_file import load_settings, settings_toml


def write(tmp_path, text):
    path = tmp_path / "kiosk.toml"
    path.write_text(text)
    return path


def refused(tmp_path, text):
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_need_no_file():
    assert load_settings() == Settings()


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path):
    path = write(tmp_path, "[finder]\nmin_face_px = 40\nheartbeat_s = 2\nmax_faces = 3\n")
    environment = {"EMOTION_EDGE_FINDER_MIN_FACE_PX": "50", "EMOTION_EDGE_FINDER_MAX_FACES": "4", "PATH": "x"}
    found = load_settings(path, environment=environment, overrides=[("finder.min_face_px", "60")])
    assert (found.finder.min_face_px, found.finder.max_faces, found.finder.heartbeat_s) == (60, 4, 2.0)


def test_what_show_prints_is_read_back(tmp_path):
    settings = load_settings(overrides=[("source.uri", 'a "quoted" name.mp4'), ("mqtt.protocol", "5")])
    assert load_settings(write(tmp_path, settings_toml(settings))) == settings


def test_a_typo_names_the_nearest_key(tmp_path):
    assert "did you mean 'min_face_px'" in refused(tmp_path, "[finder]\nmin_fase_px = 40\n")
    assert "did you mean 'finder'" in refused(tmp_path, "[fnder]\nmin_face_px = 40\n")
    assert "config show" in refused(tmp_path, "[finder]\nqqq = 40\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[finder\n", "valid TOML"),
        ("[finder]\nmin_face_px = 'wide'\n", "min_face_px = 'wide'; expected int"),
        ("[source]\nframe_interval_s = -1\n", "frame_interval_s = -1; expected"),
        ("[source]\nframe_interval_s = nan\n", "nan"),
        ("[source]\nframe_interval_s = inf\n", "inf"),
        ("[emotion]\nthreads = 0\n", "threads = 0"),
        ("[source]\nloop = 1\n", "loop = 1"),
        ("[mqtt]\nprotocol = '4'\n", "protocol"),
        ("[device]\nid = 'Küche'\n", "Küche"),
        ("finder = 3\n", "a table [finder]"),
        ("[source]\nreopen_min_s = 40\n", "reopen_min_s <= reopen_max_s"),
        ("[mqtt]\ncert_file = 'a.pem'\n", "cert_file and key_file"),
    ],
)
def test_a_wrong_value_says_what_was_found(tmp_path, text, said):
    assert said in refused(tmp_path, text)


def test_a_missing_or_binary_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml")
    path = tmp_path / "kiosk.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="TOML"):
        load_settings(path)


def test_an_unknown_variable_is_refused_too():
    with pytest.raises(SettingsError, match="EMOTION_EDGE_FINDER_SPEED"):
        load_settings(environment={"EMOTION_EDGE_FINDER_SPEED": "3"})


def test_a_camera_number_is_a_text():
    assert load_settings(overrides=[("source.uri", "0")]).source.uri == "0"


@given(st.text(max_size=200))
def test_any_text_as_a_file_is_settings_or_one_clear_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load_settings(path)
    except SettingsError as error:
        assert str(path) in str(error)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


@given(st.sampled_from(["finder.min_face_px", "source.stall_s", "mqtt.base", "emotion.threads"]), VALUES)
def test_any_value_is_taken_or_refused_by_name(key, value):
    try:
        load_settings(overrides=[(key, value)])
    except SettingsError as error:
        assert key.split(".")[1] in str(error)


def test_what_show_prints_says_what_each_key_means():
    text = settings_toml(Settings())
    assert "# Faces narrower than this, in pixels of the frame, are not looked for" in text
    assert text.count("#") > 20
