"""Every error this package raises on purpose: each says what was found, what was expected and what to do."""

from __future__ import annotations


class EmotionEdgeError(Exception):
    """Base of all errors that a user can do something about.

    Parameters
    ----------
    found:
        What was found, as a clause that can start a sentence ("model.tflite is 12 bytes").
    expected:
        What should have been there instead ("a TFLite flat buffer of 1,203,456 bytes").
    fix:
        What the reader can do about it ("reinstall the package, or pass --model with a bundle folder").
    """

    exit_code = 1

    def __init__(self, found: str, *, expected: str = "", fix: str = "") -> None:
        self.found = found
        self.expected = expected
        self.fix = fix
        parts = [found]
        if expected:
            parts.append(f"expected {expected}")
        if fix:
            parts.append(f"to fix: {fix}")
        super().__init__("; ".join(parts))


class SettingsError(EmotionEdgeError, ValueError):
    """A setting is unknown, has the wrong type, or is out of its range."""

    exit_code = 2


class SourceError(EmotionEdgeError, OSError):
    """A camera, clip or folder cannot be opened or has stopped giving frames."""

    exit_code = 3


class SourceEmptyError(SourceError):
    """A clip or folder opened but holds no frame."""


class ImageError(EmotionEdgeError, ValueError):
    """A picture cannot be read or has a shape no face can be found in."""

    exit_code = 1


class BundleError(EmotionEdgeError, ValueError):
    """A model bundle is missing, damaged or does not fit this version."""

    exit_code = 4


class RuntimeMissingError(EmotionEdgeError, ImportError):
    """No TFLite runtime could be imported."""

    exit_code = 4


class CascadeError(EmotionEdgeError, OSError):
    """OpenCV or its Haar cascade file is missing or of a version without cascades."""

    exit_code = 4


class StateError(EmotionEdgeError, OSError):
    """The state folder or the outbox database cannot be used."""

    exit_code = 5


class BrokerError(EmotionEdgeError, ConnectionError):
    """The MQTT broker address, certificate or password cannot be used."""

    exit_code = 6


class MissingExtraError(EmotionEdgeError, ImportError):
    """A command needs an optional part of the package that is not installed."""

    exit_code = 7


class DataError(EmotionEdgeError, ValueError):
    """Training or evaluation data is not in a form that can be read."""

    exit_code = 8


class TrainingError(EmotionEdgeError, RuntimeError):
    """A training run cannot go on (changed recipe, loss not a number, ...)."""

    exit_code = 9
