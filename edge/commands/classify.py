"""`emotion-edge classify`: faces and their expressions in picture files."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.commands.options import add_settings_options, settings_from
from edge.errors import EmotionEdgeError, ImageError

if TYPE_CHECKING:
    from edge.classifier import EmotionClassifier
    from edge.finder import FaceFinder
    from edge.types import Colour

SUMMARY = "read the expressions of the faces in picture files"
EXAMPLES = (
    "emotion-edge classify party.jpg",
    "emotion-edge classify *.jpg --view happy --json",
    "emotion-edge classify party.jpg --annotate annotated/",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="picture file (JPEG, PNG, …)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--view", help="ferplus (default), fer2013, basic, five or happy")
    parser.add_argument(
        "--model", metavar="BUNDLE", help="model bundle: a folder, or the name of a shipped one"
    )
    parser.add_argument(
        "--annotate", metavar="DIR", help="write copies with boxes and words into this folder"
    )
    add_settings_options(parser)


def execute(options: argparse.Namespace) -> int:
    """Classify each picture; return 1 when one of them could not be read."""
    settings = settings_from(options)
    from edge.classifier import EmotionClassifier
    from edge.finder import FaceFinder

    classifier = EmotionClassifier.load(settings.emotion.bundle or None, threads=settings.emotion.threads)
    view = settings.emotion.view
    classifier.labels(view)  # refuses an unknown view before any work
    finder = FaceFinder(cascade=settings.finder.cascade)
    folder = Path(options.annotate) if options.annotate else None
    failed = False
    for name in options.images:
        try:
            image, record = _classify(name, finder, classifier, view)
            if folder is not None:
                _annotate(folder, name, image, record)
        except EmotionEdgeError as error:
            failed = True
            if options.json:
                print(json.dumps({"file": name, "error": str(error)}))
            else:
                print(f"emotion-edge: error: {error}", file=sys.stderr)
            continue
        print(json.dumps(record) if options.json else _readable(record))
    return 1 if failed else 0


def _classify(
    name: str, finder: FaceFinder, classifier: EmotionClassifier, view: str
) -> tuple[Colour, dict[str, Any]]:
    import cv2
    import numpy as np

    from edge.images import read_image
    from edge.labels import UNCERTAIN
    from edge.types import Frame

    image = read_image(Path(name))
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    frame = Frame(gray, index=0, at_s=0.0)
    labels = classifier.labels(view)
    threshold = classifier.uncertain_below(view)
    faces = []
    for face in finder.find(gray):
        probabilities = classifier.read(frame, face, view).probabilities
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        faces.append(
            {
                "box": list(face.box),
                "emotion": labels[best] if confidence >= threshold else UNCERTAIN,
                "confidence": round(confidence, 4),
                "probabilities": {
                    label: round(float(value), 4) for label, value in zip(labels, probabilities, strict=True)
                },
                "score": round(face.score, 4),
            }
        )
    height, width = gray.shape
    return image, {"file": name, "width": width, "height": height, "faces": faces}


def _readable(record: dict[str, Any]) -> str:
    if not record["faces"]:
        return f"{record['file']}: no face found"
    said = []
    for face in record["faces"]:
        x, y, width, height = face["box"]
        said.append(f"{face['emotion']} {face['confidence']:.2f} at {x},{y} {width}x{height}")
    return f"{record['file']}: " + "; ".join(said)


def _annotate(folder: Path, name: str, image: Colour, record: dict[str, Any]) -> None:
    import cv2

    from edge.draw import draw_faces

    marked = draw_faces(image, record["faces"])
    target = folder / f"{Path(name).stem}.annotated.jpg"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ok, encoded = cv2.imencode(".jpg", marked)
        if ok:
            target.write_bytes(encoded.tobytes())
    except OSError as error:
        raise ImageError(
            f"{target}: {error.strerror}",
            expected="a folder that can be written",
            fix="pass another --annotate",
        ) from None
    if not ok:
        raise ImageError(f"{target} could not be encoded as JPEG", fix="report this picture's size as a bug")
