"""The emotion network: crops of faces in, calibrated probabilities of the chosen words out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.bundle import Bundle, Quantisation, load_bundle
from edge.errors import BundleError, ImageError
from edge.labels import DEFAULT_VIEW
from edge.preprocess import InputSpec, cut, quantise, to_input
from edge.runtime import Network
from edge.types import Face, Frame, Gray, Probabilities, Reading

QUANTISATION_TOLERANCE = 1e-5
"""Relative difference between a scale in the manifest and in the network that rounding can explain."""


class EmotionClassifier:
    """Reads facial expressions from gray crops of faces with an int8 network.

    Examples
    --------
    >>> import numpy as np
    >>> from edge import EmotionClassifier
    >>> classifier = EmotionClassifier.load()
    >>> classifier.labels("happy")
    ('happy', 'not_happy')
    >>> classifier.predict(np.zeros((2, 48, 48), np.uint8), view="happy").shape
    (2, 2)
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        manifest = bundle.manifest
        size = manifest.input.size_px
        self.manifest = manifest
        self._network = Network(
            bundle.model,
            input_shape=(1, size, size, 1),
            output_sizes={head.output: len(head.labels) for head in manifest.heads},
            name=str(bundle.path),
            threads=threads,
        )
        _same(manifest.input_quantisation, self._network.input_quantisation, f"{bundle.path}: input")
        for head in manifest.heads:
            _same(
                head.quantisation,
                self._network.output_quantisation(head.output),
                f"{bundle.path}: {head.name}",
            )
        self._matrices = {view.name: np.asarray(view.matrix, np.float32) for view in manifest.views}

    @classmethod
    def load(cls, bundle: str | Path | None = None, *, threads: int = 1) -> EmotionClassifier:
        """Load a bundle folder, or the shipped one.

        Parameters
        ----------
        bundle: folder with `manifest.json` and `model.tflite`; `None`: the one that comes with the package.
        threads: processor threads of the network.

        Raises
        ------
        BundleError
            The bundle is missing, damaged or does not fit.
        RuntimeMissingError
            No TFLite runtime is installed.
        """
        return cls(load_bundle(bundle), threads=threads)

    @property
    def input_spec(self) -> InputSpec:
        """What the network takes, for the stage that cuts faces."""
        return self.manifest.input

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the label views this model answers in."""
        return tuple(view.name for view in self.manifest.views)

    def labels(self, view: str = DEFAULT_VIEW) -> tuple[str, ...]:
        """Return the words of a view, in the order of `predict`'s columns.

        Raises
        ------
        BundleError
            The model has no such view.
        """
        return self.manifest.view(view).labels

    def uncertain_below(self, view: str = DEFAULT_VIEW) -> float:
        """Return the calibrated probability below which a reading is `uncertain`."""
        return self.manifest.view(view).uncertain_below

    def predict(self, faces: npt.NDArray[np.uint8], view: str = DEFAULT_VIEW) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities.

        Parameters
        ----------
        faces: uint8 (N, H, W) gray crops of any size; one crop (H, W) is taken as N = 1.
        view: `ferplus`, `fer2013`, `basic`, `five` or `happy`.

        Returns
        -------
        float32 (N, labels); each row sums to 1.

        Raises
        ------
        ImageError
            `faces` has another shape or dtype.
        BundleError
            The model has no such view.
        """
        chosen = self.manifest.view(view)
        logits = self.logits(faces)[chosen.head]
        return self._probabilities(logits, view)

    def logits(self, faces: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Return each head's dequantised logits, before temperature.

        Parameters
        ----------
        faces: uint8 (N, H, W) gray crops of any size.

        Returns
        -------
        float32 (N, head labels) for each head's name.
        """
        crops = _check_faces(faces)
        heads = self.manifest.heads
        found = {head.name: np.empty((len(crops), len(head.labels)), np.float32) for head in heads}
        scale = self.manifest.input_quantisation
        for row, crop in enumerate(crops):
            pixels = to_input(crop, self.manifest.input)
            outputs = self._network.run(quantise(pixels, scale.scale, scale.zero_point))
            for head in heads:
                real = outputs[head.output].astype(np.float32) - head.quantisation.zero_point
                found[head.name][row] = real * np.float32(head.quantisation.scale)
        return found

    def read(self, frame: Frame, face: Face, view: str) -> Reading:
        """Read one face of one frame: the pipeline's stage between finder and person."""
        crop = cut(frame.gray, face.box, self.manifest.input.crop)
        probabilities: Probabilities = self.predict(crop[np.newaxis], view)[0]
        return Reading(face.face_id, view, self.labels(view), probabilities, frame.at_s)

    def _probabilities(self, logits: npt.NDArray[np.float32], view: str) -> npt.NDArray[np.float32]:
        chosen = self.manifest.view(view)
        scaled = logits / np.float32(self.manifest.head(chosen.head).temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        shares = np.exp(scaled)
        shares /= shares.sum(axis=1, keepdims=True)
        return np.asarray(shares @ self._matrices[view], np.float32)


def _check_faces(faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    array: Gray = np.asarray(faces)
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim != 3 or array.dtype != np.uint8 or (len(array) > 0 and 0 in array.shape):
        raise ImageError(
            f"faces are {array.dtype} {array.shape}",
            expected="uint8 (N, H, W): gray crops of at least 1x1 pixel",
            fix="convert with cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) and stack the crops",
        )
    return array


def _same(written: Quantisation, found: tuple[float, int], what: str) -> None:
    scale, zero_point = found
    if abs(scale - written.scale) > QUANTISATION_TOLERANCE * scale or zero_point != written.zero_point:
        raise BundleError(
            f"{what} is quantised with scale {scale:.6g} and zero point {zero_point}",
            expected=f"scale {written.scale:.6g} and zero point {written.zero_point}, as the manifest says",
            fix="convert the model again: manifest and network are not of one conversion",
        )
