"""The commands of `python -m convert`: their flags, and what they do."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

import msgspec

from edge.errors import BundleError, DataError, MissingExtraError
from train.flags import add_data_flags
from train.recipe import load_recipe

QUANTISE_EXAMPLES: Final = """\
examples:
  python -m convert quantise --model runs/emotion/model.keras --data fer2013.npz --out edge/models/emotion
  python -m convert quantise --model mine.keras --data fer2013.csv --ferplus fer2013new.csv --out mine --name mine

PublicTest sets temperatures and thresholds; PrivateTest is only measured. The bundle has model.tflite,
manifest.json and CARD.md; try it with: emotion-edge model verify OUT
"""
COMPARE_EXAMPLES: Final = """\
examples:
  python -m convert compare --model runs/emotion/model.keras --bundle edge/models/emotion --data fer2013.npz
  python -m convert compare --model m.keras --bundle out --data fer2013.npz --sheet worst.png --json
"""
CALIBRATION_EXAMPLES: Final = """\
examples:
  python -m convert calibration --data fer2013.npz --out convert/calibration_indices.json
"""
Subparsers = argparse._SubParsersAction  # noqa: SLF001 - argparse gives the type no public name


def add_quantise(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command `quantise`."""
    parser = _add(
        subparsers, "quantise", "turn a Keras model into a calibrated int8 bundle", QUANTISE_EXAMPLES
    )
    parser.add_argument(
        "--model", type=Path, required=True, help="a .keras file written by `python -m train fit`"
    )
    add_data_flags(parser)
    parser.add_argument("--out", type=Path, required=True, help="bundle folder to write")
    parser.add_argument("--name", default="emotion", help="of the bundle (emotion)")
    parser.add_argument("--version", default="1", help="of the bundle (1)")
    parser.add_argument(
        "--recipe",
        default="emotion",
        help="how to convert; also how it was trained, if no progress.json lies beside the model (emotion)",
    )
    parser.add_argument("--machine", default="", help="what it was trained on, for the card")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="measure on N faces of each split, for a quick try"
    )
    parser.set_defaults(execute=execute_quantise)


def add_compare(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command `compare`."""
    parser = _add(subparsers, "compare", "compare a Keras model with its int8 bundle", COMPARE_EXAMPLES)
    parser.add_argument("--model", type=Path, required=True, help="the .keras file")
    parser.add_argument("--bundle", type=Path, help="the bundle folder (the shipped one)")
    add_data_flags(parser)
    parser.add_argument("--split", choices=("public", "private", "both"), default="both", help="(both)")
    parser.add_argument("--worst", type=int, default=12, metavar="N", help="faces to name (12)")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="write a picture of the worst faces")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N faces of each split")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(execute=execute_compare)


def add_calibration(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the command `calibration`."""
    parser = _add(
        subparsers, "calibration", "choose the training faces that set the ranges", CALIBRATION_EXAMPLES
    )
    add_data_flags(parser)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--recipe", default="emotion", help="says how many (emotion)")
    parser.set_defaults(execute=execute_calibration)


def execute_quantise(options: argparse.Namespace) -> int:
    """Make the bundle and say what it reached."""
    fallback = load_recipe(options.recipe)
    _prepare()
    from convert.quantise import Request, make_bundle, read_progress
    from train.data import load

    progress = read_progress(options.model)
    request = Request(
        model=options.model,
        faces=load(options.data, ferplus=options.ferplus),
        out=options.out,
        name=options.name,
        version=options.version,
        # How it was trained is the run's own; how it is converted is asked for now.
        recipe=msgspec.structs.replace(progress.recipe, conversion=fallback.conversion)
        if progress
        else fallback,
        progress=progress,
        machine=options.machine or f"a machine with {os.cpu_count()} CPU cores",
        limit=options.limit,
    )
    manifest = make_bundle(request)
    print(f"{options.out}: {manifest.model.bytes:,} bytes, sha256 {manifest.model.sha256[:12]}…")
    for split, tests in manifest.scores["int8"].items():
        for test, row in tests.items():
            exact = manifest.scores["float"][split][test]
            print(
                f"  {split:<8}{test:<18}int8 {row['accuracy']:.2%}  float {exact:.2%}  ECE {row['ece']:.3f}"
            )
    return 0


def execute_compare(options: argparse.Namespace) -> int:
    """Compare and print."""
    _prepare()
    from convert.compare import as_text, compare, write_sheet
    from edge.bundle import load_bundle
    from train.answers import ask_bundle, ask_keras, load_keras_model
    from train.data import load

    spec = load_bundle(options.bundle).manifest.input
    model = load_keras_model(options.model)
    faces = load(options.data, ferplus=options.ferplus)
    results = {}
    for split in ("public", "private") if options.split == "both" else (options.split,):
        part = faces.take(faces.rows(split)[: options.limit])
        if not len(part):
            raise DataError(f"{faces.source} has no {split} faces", fix="choose another --split")
        exact, quantised = ask_keras(model, part, spec), ask_bundle(options.bundle, part)
        results[split] = compare(exact, quantised, part, worst=options.worst)
        if options.sheet and options.worst > 0:
            sheet = options.sheet.with_stem(f"{options.sheet.stem}-{split}")
            write_sheet(sheet, results[split], part, spec)
    if options.json:
        print(msgspec.json.encode(results).decode())
    else:
        print("\n\n".join(as_text(split, result) for split, result in results.items()))
    return 0


def execute_calibration(options: argparse.Namespace) -> int:
    """Choose the faces and write their rows."""
    from convert.calibration import choose
    from train.data import load

    recipe = load_recipe(options.recipe)
    indices = choose(load(options.data, ferplus=options.ferplus), recipe.conversion.calibration_faces)
    try:
        options.out.write_bytes(msgspec.json.encode(indices) + b"\n")
    except OSError as error:
        raise BundleError(f"cannot write {options.out}: {error.strerror}", fix="pass another --out") from None
    print(f"{len(indices.rows)} rows in {options.out}")
    return 0


def _prepare() -> None:
    """Set Keras to TensorFlow, the only one that converts; say what is missing."""
    from importlib.util import find_spec

    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for module in ("tensorflow", "keras"):
        if find_spec(module) is None:
            raise MissingExtraError(f"{module} is not installed", fix="pip install 'emotion-edge[convert]'")


def _add(
    subparsers: Subparsers[argparse.ArgumentParser], name: str, summary: str, examples: str
) -> argparse.ArgumentParser:
    return subparsers.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
