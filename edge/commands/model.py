"""`emotion-edge model`: what a model bundle is, and whether it is whole and works."""

from __future__ import annotations

import argparse
import json

SUMMARY = "say what a model bundle is (info), or check that it is whole and runs (verify)"
EXAMPLES = (
    "emotion-edge model info",
    "emotion-edge model verify ./my-bundle",
    "emotion-edge model info --json",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("action", choices=("info", "verify"))
    parser.add_argument("bundle", nargs="?", help="bundle folder, or the name of a shipped one (emotion)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def execute(options: argparse.Namespace) -> int:
    """Print the manifest's main facts, after loading the bundle in full."""
    import msgspec

    from edge.bundle import load_bundle

    bundle = load_bundle(options.bundle)
    manifest = bundle.manifest
    facts = {
        "path": str(bundle.path),
        "name": manifest.name,
        "version": manifest.version,
        "sha256": manifest.model.sha256,
        "bytes": manifest.model.bytes,
        "input_px": manifest.input.size_px,
        "views": {view.name: list(view.labels) for view in manifest.views},
        "scores": manifest.scores,
        "provenance": manifest.provenance,
    }
    if options.action == "verify":
        facts = {"path": facts["path"], "sha256": facts["sha256"], "ok": True, **_run_once(options.bundle)}
    if options.json:
        print(msgspec.json.encode(facts).decode())
        return 0
    for name, value in facts.items():
        print(f"{name:10} {value if isinstance(value, str | int) else json.dumps(value)}")
    return 0


def _run_once(path: str | None) -> dict[str, object]:
    import numpy as np

    from edge.classifier import EmotionClassifier

    classifier = EmotionClassifier.load(path)
    size = classifier.input_spec.size_px
    ramp = np.tile(np.linspace(0, 255, size).astype(np.uint8), (size, 1))
    sums = {view: float(classifier.predict(ramp[np.newaxis], view).sum()) for view in classifier.views}
    return {"views": ", ".join(sums), "probabilities_sum_to_1": all(abs(s - 1) < 1e-3 for s in sums.values())}
