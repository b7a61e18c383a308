"""A model bundle: a folder with `model.tflite`, `manifest.json` and `CARD.md`, loaded and checked before use."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from edge.errors import BundleError
from edge.preprocess import InputSpec

SCHEMA: Final = 1
MANIFEST_NAME: Final = "manifest.json"
MAX_MANIFEST_BYTES: Final = 1 << 20
MAX_MODEL_BYTES: Final = 64 << 20
REINSTALL: Final = "reinstall emotion-edge, or pass a bundle folder written by `python -m convert quantise`"


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The network file of a bundle."""

    file: str
    sha256: str
    bytes: int


class Quantisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """real = scale * (int8 - zero_point)."""

    scale: float
    zero_point: int


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One output tensor: the logits of one label set."""

    name: str
    output: int
    """Index of the tensor in the interpreter's list of outputs."""
    labels: tuple[str, ...]
    quantisation: Quantisation
    temperature: float
    """Logits are divided by this before the softmax (Guo et al. 2017, arXiv 1706.04599)."""


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A set of words users can ask for, computed from one head by a row-stochastic matrix."""

    name: str
    head: str
    labels: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]
    """(head labels, view labels); each row sums to 1."""
    uncertain_below: float
    """A reading whose best probability is lower than this is `uncertain`."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the device needs to know about a network; the code knows nothing of any one network."""

    schema: int
    kind: str
    name: str
    version: str
    model: ModelFile
    input: InputSpec
    input_quantisation: Quantisation
    heads: tuple[Head, ...]
    views: tuple[View, ...]
    scores: dict[str, Any] = {}
    """Figures that `python -m train evaluate` printed for this very file."""
    provenance: dict[str, Any] = {}
    """Recipe, seed, data sets, commands and wall times."""

    def head(self, name: str) -> Head:
        """Return the head called `name`; its presence was checked on loading."""
        return next(head for head in self.heads if head.name == name)

    def view(self, name: str) -> View:
        """Return the view called `name`.

        Raises
        ------
        BundleError
            The bundle has no such view.
        """
        for view in self.views:
            if view.name == name:
                return view
        known = ", ".join(view.name for view in self.views)
        raise BundleError(
            f"model {self.name!r} has no label view {name!r}",
            expected=f"one of {known}",
            fix="choose one of these",
        )


class Bundle(msgspec.Struct, frozen=True):
    """A checked bundle: where it is, what its manifest says, and the bytes of its network."""

    path: Path
    manifest: Manifest
    model: bytes


def bundled_path(name: str) -> Path:
    """Return the folder of a bundle shipped with the package."""
    return Path(str(resources.files("edge"))) / "models" / name


def load_bundle(path: str | Path | None = None, *, name: str = "emotion", kind: str = "emotion") -> Bundle:
    """Read a bundle folder and refuse it unless every part fits.

    Parameters
    ----------
    path: the bundle's folder, or the name of a shipped one; `None` takes the shipped bundle called `name`.
    kind: what the bundle must be for.

    Raises
    ------
    BundleError
        A file is missing, the checksum or the schema differs, or the manifest contradicts itself.
    """
    folder = bundled_path(name) if path is None else _folder(path)
    manifest = read_manifest(folder)
    if manifest.kind != kind:
        raise BundleError(
            f"bundle {folder} is of kind {manifest.kind!r}",
            expected=f"kind {kind!r}",
            fix="pass another bundle",
        )
    return Bundle(folder, manifest, _read_model(folder, manifest.model))


def _folder(path: str | Path) -> Path:
    folder = Path(path)
    shipped = bundled_path(folder.name)
    return shipped if folder.parent == Path() and not folder.exists() and shipped.is_dir() else folder


def read_manifest(folder: Path) -> Manifest:
    """Read and check `manifest.json` of a bundle folder, without its network.

    Raises
    ------
    BundleError
        See `load_bundle`.
    """
    raw = _read_bytes(folder, MANIFEST_NAME, MAX_MANIFEST_BYTES)
    try:
        schema = msgspec.json.decode(raw, type=dict[str, Any]).get("schema")
    except msgspec.MsgspecError as error:
        raise BundleError(
            f"{folder / MANIFEST_NAME}: {error}", expected="a JSON object", fix=REINSTALL
        ) from None
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        fix = "upgrade emotion-edge: pip install -U emotion-edge" if newer else "convert the model again"
        raise BundleError(
            f"bundle {folder} has manifest schema {schema!r}", expected=f"schema {SCHEMA}", fix=fix
        )
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BundleError(
            f"{folder / MANIFEST_NAME}: {error}",
            expected="a manifest as docs/bundle.md describes",
            fix=REINSTALL,
        ) from None
    _check_manifest(folder, manifest)
    return manifest


def _check_manifest(folder: Path, manifest: Manifest) -> None:
    def refuse(found: str, expected: str) -> BundleError:
        return BundleError(f"bundle {folder}: {found}", expected=expected, fix=REINSTALL)

    if not 8 <= manifest.input.size_px <= 512:
        raise refuse(f"input.size_px is {manifest.input.size_px}", "8 to 512 pixels")
    if manifest.input.contrast.std_floor <= 0 or manifest.input.crop.box_scale <= 0:
        raise refuse("input.contrast.std_floor or input.crop.box_scale is not positive", "numbers above 0")
    quantisations = [manifest.input_quantisation, *(head.quantisation for head in manifest.heads)]
    if any(not 0 < quantisation.scale < float("inf") for quantisation in quantisations):
        raise refuse("a quantisation scale is not positive", "scales above 0")
    names = [head.name for head in manifest.heads]
    if len(set(names)) != len(names) or len({head.output for head in manifest.heads}) != len(names):
        raise refuse(f"two heads share a name or an output ({', '.join(names)})", "one output for each head")
    for head in manifest.heads:
        if not head.temperature > 0:
            raise refuse(f"head {head.name!r} has temperature {head.temperature}", "a number above 0")
    for view in manifest.views:
        if view.head not in names:
            raise refuse(f"view {view.name!r} is on head {view.head!r}", f"one of {', '.join(names)}")
        rows = len(manifest.head(view.head).labels)
        matrix_rows = {len(row) for row in view.matrix}
        if len(view.matrix) != rows or matrix_rows != {len(view.labels)}:
            raise refuse(
                f"view {view.name!r} has a matrix of {len(view.matrix)} x {sorted(matrix_rows)}",
                f"{rows} x {len(view.labels)}, as its head and labels have",
            )
        if not np.allclose(np.asarray(view.matrix).sum(axis=1), 1.0, atol=1e-4):
            raise refuse(f"view {view.name!r} has a matrix row that does not sum to 1", "row-stochastic")
        if not 0 <= view.uncertain_below < 1:
            raise refuse(f"view {view.name!r} has uncertain_below {view.uncertain_below}", "0 to below 1")


def _read_model(folder: Path, model: ModelFile) -> bytes:
    if Path(model.file).name != model.file:
        raise BundleError(f"bundle {folder} names the network {model.file!r}", expected="a plain file name")
    data = _read_bytes(folder, model.file, MAX_MODEL_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    if len(data) != model.bytes or digest != model.sha256:
        raise BundleError(
            f"{folder / model.file} has {len(data):,} bytes and sha256 {digest[:12]}…",
            expected=f"{model.bytes:,} bytes and sha256 {model.sha256[:12]}…",
            fix=f"the file is damaged or was replaced: {REINSTALL}",
        )
    return data


def _read_bytes(folder: Path, name: str, limit: int) -> bytes:
    path = folder / name
    try:
        size = path.stat().st_size
        if size > limit:
            raise BundleError(f"{path} has {size:,} bytes", expected=f"at most {limit:,}", fix=REINSTALL)
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BundleError(
            f"{path}: {reason}", expected="a bundle folder with this file", fix=REINSTALL
        ) from None
