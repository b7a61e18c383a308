"""The borders between the packages: who may import whom, and where pixels may be handled."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    path for package in ("edge", "hardware", "train", "convert") for path in (ROOT / package).rglob("*.py")
)

PIXEL_MODULES = {
    "edge/apps/bench.py", "edge/apps/checks.py", "edge/commands/classify.py", "edge/draw.py", "edge/finder.py",
    "edge/haar.py", "edge/images.py", "edge/motion.py", "edge/preprocess.py", "edge/quiet.py",
    "edge/source_files.py",
}  # fmt: skip
"""Modules of `edge` that may import cv2; `hardware` and `train` handle pixels by their nature."""
PIXEL_FREE = (
    "edge/outbox.py", "edge/outbox_db.py", "edge/publisher.py", "edge/broker.py", "edge/payloads.py",
    "edge/person.py", "edge/stats.py", "edge/tracker.py",
)  # fmt: skip
"""Modules between a reading and the broker: they must not be able to hold a picture."""
TENSORFLOW_KERNELS = {"train/network_cost.py", "train/norm.py"}
"""Modules of `train` that reach below Keras: for speed, and for the .tflite schema that counts multiply-adds."""
RUNTIMES = {"ai_edge_litert", "tflite_runtime"}


def imports(path: Path) -> set[str]:
    """Return the dotted names that a module imports anywhere, lazily too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".", 1)[0] for name in imports(path)}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_its_package_may(path):
    package = path.relative_to(ROOT).parts[0]
    forbidden = {
        "edge": {"tensorflow", "keras", "sklearn", "matplotlib", "train", "convert", "torch", "jax"},
        "hardware": {"tensorflow", "keras", "train", "convert", "torch", "jax"},
        "train": {"tensorflow", "convert", "hardware"},
        "convert": {"hardware"},
    }[package]
    if name_of(path) in TENSORFLOW_KERNELS:
        forbidden = forbidden - {"tensorflow"}
    assert not tops(path) & forbidden


@pytest.mark.parametrize("path", [p for p in MODULES if name_of(p).startswith("edge/")], ids=name_of)
def test_cv2_only_where_pixels_are_handled(path):
    if name_of(path) not in PIXEL_MODULES:
        assert "cv2" not in tops(path)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_tflite_runtime_is_known_to_one_module(path):
    if name_of(path) != "edge/runtime.py":
        assert not tops(path) & RUNTIMES


@pytest.mark.parametrize("name", PIXEL_FREE)
def test_what_publishes_knows_no_pixels(name):
    found = imports(ROOT / name)
    assert not {n.split(".", 1)[0] for n in found} & {"cv2"}
    assert not {n for n in found if n in ("edge.types.Frame", "edge.types.Gray", "edge.types.Colour")}


def test_hardware_imports_no_stage_of_edge():
    allowed = tuple(f"edge.{n}" for n in ("types", "clock", "errors", "settings", "quiet", "images"))
    for path in MODULES:
        if name_of(path).startswith("hardware/"):
            strays = {n for n in imports(path) if n.startswith("edge.") and not n.startswith(allowed)}
            assert not strays, f"{name_of(path)}: {strays}"


def test_only_the_clock_reads_the_time_or_sleeps():
    for path in MODULES:
        if name_of(path).startswith("edge/") and name_of(path) != "edge/clock.py":
            assert "time" not in imports(path), name_of(path)
            assert not {n for n in imports(path) if n.startswith("time.")}, name_of(path)


def test_a_running_daemon_has_loaded_no_training_library():
    code = (
        "import sys, edge.daemon, edge.apps.bench, edge.apps.demo, edge.apps.checks, edge.commands.classify\n"
        "bad = {'tensorflow', 'keras', 'sklearn', 'train', 'convert', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {bad}' if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
