from __future__ import annotations

import hashlib
import json
import shutil

import pytest

from edge.bundle import bundled_path, load_bundle
from edge.classifier import EmotionClassifier
from edge.errors import BundleError


@pytest.fixture
def bundle(tmp_path):
    """A copy of the shipped bundle that a test may spoil."""
    folder = tmp_path / "bundle"
    shutil.copytree(bundled_path("emotion"), folder)
    return folder


def edit(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def refused(folder):
    with pytest.raises(BundleError) as caught:
        EmotionClassifier.load(folder)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_shipped_bundle_loads_and_its_checksum_is_its_file_s():
    bundle = load_bundle()
    assert hashlib.sha256(bundle.model).hexdigest() == bundle.manifest.model.sha256
    assert {view.name for view in bundle.manifest.views} == {"ferplus", "fer2013", "basic", "five", "happy"}
    assert len(bundle.model) < 1_500_000


def test_a_shipped_bundle_goes_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_bundle("emotion").path == bundled_path("emotion")
    assert "no-such-model" in refused("no-such-model")
    (tmp_path / "emotion").mkdir()  # a folder that is there comes first
    assert "manifest.json" in refused("emotion")


def test_a_missing_folder_or_file_is_named(tmp_path, bundle):
    assert "nowhere" in refused(tmp_path / "nowhere")
    (bundle / "model.tflite").unlink()
    assert "model.tflite" in refused(bundle)


def test_one_changed_byte_is_refused(bundle):
    path = bundle / "model.tflite"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "sha256" in refused(bundle)


def test_a_truncated_network_with_a_right_checksum_is_refused(bundle):
    path = bundle / "model.tflite"
    path.write_bytes(path.read_bytes()[:1000])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit(bundle, lambda m: m["model"].update(sha256=digest, bytes=1000))
    assert "cannot be loaded" in refused(bundle)


def test_a_text_file_as_network_is_refused(bundle):
    path = bundle / "model.tflite"
    path.write_text("not a network")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit(bundle, lambda m: m["model"].update(sha256=digest, bytes=13))
    assert "cannot be loaded" in refused(bundle)


def test_a_newer_schema_says_upgrade(bundle):
    edit(bundle, lambda m: m.update(schema=99))
    assert "pip install -U" in refused(bundle)


def drop_label(manifest):
    manifest["heads"][0]["labels"].pop()
    for view in manifest["views"]:
        if view["head"] == manifest["heads"][0]["name"]:
            view["matrix"].pop()
            view["matrix"] = view["matrix"][:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(kind="landmarks"), "kind"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m.pop("heads"), "heads"),
        (drop_label, "values"),
        (lambda m: m["input"].update(size_px=64), "64"),
        (lambda m: m["input"].update(size_px=-1), "size_px"),
        (lambda m: m["input_quantisation"].update(scale=0.5), "scale"),
        (lambda m: m["input_quantisation"].update(scale=0), "scale"),
        (lambda m: m["heads"][0].update(temperature=0), "temperature"),
        (lambda m: m["heads"][0].update(output=7), "output"),
        (lambda m: m["heads"][0]["quantisation"].update(zero_point=99), "zero point"),
        (lambda m: m["views"][0].update(head="nose"), "nose"),
        (lambda m: m["views"][0]["matrix"].pop(), "matrix"),
        (lambda m: m["views"][0]["labels"].append("bored"), "matrix"),
        (lambda m: m["views"][0]["matrix"][0].__setitem__(0, 0.5), "sum to 1"),
        (lambda m: m["views"][0].update(uncertain_below=2), "uncertain_below"),
        (lambda m: m["model"].update(file="../model.tflite"), "plain file name"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(bundle, change, said):
    edit(bundle, change)
    assert said in refused(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"schema": 1}', "\ufeff{}"])
def test_a_broken_manifest_is_one_clear_line(bundle, text):
    (bundle / "manifest.json").write_text(text)
    assert "manifest.json" in refused(bundle) or "schema" in refused(bundle)
