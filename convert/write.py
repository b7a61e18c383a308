"""Writes a bundle folder whole: network, manifest and card, or nothing."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec

from edge.bundle import MANIFEST_NAME, Manifest, ModelFile
from edge.errors import BundleError

MODEL_NAME = "model.tflite"
CARD_NAME = "CARD.md"


def model_file(model: bytes) -> ModelFile:
    """Return what a manifest says of the network's file."""
    return ModelFile(MODEL_NAME, hashlib.sha256(model).hexdigest(), len(model))


def write_bundle(folder: Path, manifest: Manifest, model: bytes, card: str | None = None) -> None:
    """Write the bundle beside its place, then move each file over the old one, the manifest last.

    Raises
    ------
    BundleError
        The folder cannot be written.
    """
    files = {MODEL_NAME: model, MANIFEST_NAME: encode(manifest)}
    if card is not None:
        files = {CARD_NAME: card.encode(), **files}
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.mkdir(exist_ok=True)
        for name, data in files.items():
            (partial / name).write_bytes(data)
        for name in files:
            (partial / name).replace(folder / name)
    except OSError as error:
        raise BundleError(f"cannot write {folder}: {error.strerror}", fix="pass another --out") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as JSON that people and `diff` can read."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
