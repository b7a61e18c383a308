"""What a network answers: probabilities in each label view, from a Keras model or through the device's own code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge.bundle import Manifest
from edge.errors import DataError
from edge.labels import HEADS, VIEW_HEAD, VIEW_LABELS, view_matrix
from edge.preprocess import InputSpec
from train.faces import Faces, prepare
from train.metrics import Probabilities, softmax

Logits = dict[str, npt.NDArray[np.float32]]
KERAS_BATCH: Final = 256


@dataclass(frozen=True)
class Answers:
    """Logits of some faces, and how to read them.

    Parameters
    ----------
    logits: head to float32 (N, head labels).
    manifest: of the bundle that answered; None for a Keras model, which has no temperatures or thresholds.
    """

    logits: Logits
    manifest: Manifest | None = None

    def probabilities(self, view: str) -> Probabilities:
        """Return float32 (N, view labels), calibrated if the answers are a bundle's."""
        if self.manifest is None:
            return np.asarray(softmax(self.logits[VIEW_HEAD[view]]) @ view_matrix(view), np.float32)
        chosen = self.manifest.view(view)
        head = softmax(self.logits[chosen.head], self.manifest.head(chosen.head).temperature)
        return np.asarray(head @ np.asarray(chosen.matrix, np.float32), np.float32)

    def labels(self, view: str) -> tuple[str, ...]:
        """Return the words of a view."""
        return VIEW_LABELS[view] if self.manifest is None else self.manifest.view(view).labels

    def threshold(self, view: str) -> float | None:
        """Return the probability below which a reading is `uncertain`, if one was chosen."""
        return None if self.manifest is None else self.manifest.view(view).uncertain_below


def load_keras_model(path: Path) -> Any:
    """Open a .keras file.

    Raises
    ------
    DataError
        It is not there, is not a Keras model, or has other outputs than the two heads.
    """
    import keras

    if not path.is_file():
        raise DataError(f"no model at {path}", expected="a .keras file written by `python -m train fit`")
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(
            f"{path} cannot be opened as a Keras model ({reason})", expected="a .keras file"
        ) from None
    found = {name: tuple(tensor.shape) for name, tensor in _outputs(model).items()}
    wanted = {name: (None, len(labels)) for name, labels in HEADS.items()}
    if found != wanted:
        raise DataError(f"{path} has outputs {found}", expected=f"outputs {wanted}")
    return model


def ask_keras(model: Any, faces: Faces, spec: InputSpec) -> Answers:
    """Return a Keras model's answers."""
    inputs = prepare(faces.images, spec)[..., None].astype(np.float32) / 255.0
    found = model.predict(inputs, batch_size=KERAS_BATCH, verbose=0)
    return Answers({head: np.asarray(values, np.float32) for head, values in found.items()})


def ask_bundle(path: Path | None, faces: Faces) -> Answers:
    """Return a bundle's answers by the class that runs on the device; None takes the shipped bundle."""
    from edge.classifier import EmotionClassifier

    classifier = EmotionClassifier.load(path)
    if isinstance(faces.images, np.ndarray):
        return Answers(classifier.logits(faces.images), classifier.manifest)
    parts = [classifier.logits(image[np.newaxis]) for image in faces.images]
    logits = {head: np.concatenate([part[head] for part in parts]) for head in parts[0]}
    return Answers(logits, classifier.manifest)


def _outputs(model: Any) -> dict[str, Any]:
    outputs = model.output
    return dict(outputs) if isinstance(outputs, dict) else {"output": outputs}
