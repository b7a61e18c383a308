"""The report as one HTML page that needs nothing else: no network, no script, no font, no picture beside it."""

from __future__ import annotations

from html import escape
from typing import Final

from edge.labels import UNCERTAIN
from train import report_svg, report_tables
from train.report import Figures
from train.report_notes import AUDIT_NOTE
from train.report_style import STYLE
from train.report_words import DATA, LAWFUL, LIMITS, noise, provenance
from train.robustness import TESTS as ROBUST_TESTS
from train.tables import Table

RELIABILITY_TESTS: Final = ("ferplus", "fer2013", "happy")
RISK_TESTS: Final = ("ferplus", "ferplus_majority", "fer2013", "happy")
SECTIONS: Final = {
    "views": "What it gets right",
    "confidence": "Does it know when it is right?",
    "unclear": "Unclear crops",
    "robustness": "Robustness",
    "groups": "Behaviour by group",
    "copies": "Near-duplicates in the data",
    "cost": "Cost",
    "provenance": "Provenance, licences, lawful use",
}
"""Anchor and title of every section, in the page's order."""


def page(figures: Figures) -> str:
    """Return the page."""
    contents = {
        "views": _views(figures),
        "confidence": _confidence(figures),
        "unclear": report_tables.unclear_table(figures).as_html(),
        "robustness": _robustness(figures),
        "groups": _groups(figures),
        "copies": _html(report_tables.duplicates_tables(figures)),
        "cost": report_tables.cost_table(figures).as_html(),
        "provenance": _words([*provenance(figures), *DATA, *LIMITS, *LAWFUL]),
    }
    links = "".join(f'<a href="#{key}">{escape(title)}</a>' for key, title in SECTIONS.items())
    sections = "".join(
        f'<section id="{key}"><h2>{escape(title)}</h2>{contents[key]}</section>'
        for key, title in SECTIONS.items()
    )
    title = f"{figures.name} {figures.version}: report"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<header><h1>{escape(title)}</h1>{_head(figures)}<nav>{links}</nav></header>"
        f"<main>{sections}</main></body></html>\n"
    )


def _head(figures: Figures) -> str:
    faces = ", ".join(f"{count:,} of {split}" for split, count in figures.faces.items())
    lines = [f"Measured on {figures.data} ({faces} test), by the code that runs on the device."]
    lines.append("What is read is a facial expression in one picture, not a feeling.")
    warnings = list(figures.notes)
    if figures.quick is not None:
        warnings.insert(
            0, f"A quick try on at most {figures.quick:,} crops of each set: its figures are rough."
        )
    tiles = "".join(
        f"<div><b>{figures.views['private'][test].scores.accuracy:.1%}</b><span>{escape(name)}</span></div>"
        for test, name in TILES.items()
        if test in figures.views["private"]
    )
    notes = "".join(f'<p class="warning">{escape(line)}</p>' for line in warnings)
    return f"{_words(lines)}{notes}<div class='tiles'>{tiles}</div><p class='note'>Accuracy on PrivateTest, int8.</p>"


TILES: Final = {
    "ferplus_majority": "FER+ majority",
    "fer2013": "FER2013, 7 classes",
    "basic": "four classes",
    "happy": "happy or not",
}


def _views(figures: Figures) -> str:
    details = "".join(
        f"<details><summary>{escape(words)}</summary><div class='grid2'>{_html(tables)}</div></details>"
        for words, tables in (
            ("Each class: precision, recall, F1", report_tables.class_tables(figures)),
            ("Confusion matrices", report_tables.confusion_tables(figures)),
        )
    )
    return _html(report_tables.views_tables(figures)) + details + _words(noise(figures))


def _confidence(figures: Figures) -> str:
    private = figures.views["private"]
    plots = [report_svg.reliability_svg(test, private[test]) for test in RELIABILITY_TESTS if test in private]
    plots.append(report_svg.risk_svg(figures, RISK_TESTS))
    return f"<div class='grid2'>{''.join(plots)}</div>" + _html(report_tables.risk_tables(figures))


def _robustness(figures: Figures) -> str:
    known = next(iter(figures.robustness[0].accuracy.values()))
    plots = "".join(report_svg.robustness_svg(figures, test) for test in ROBUST_TESTS if test in known)
    return f"<div class='grid2'>{plots}</div>" + _html(report_tables.robustness_tables(figures))


def _groups(figures: Figures) -> str:
    if not figures.audit:
        return _words(["Not measured: no faces with groups were given."])
    labels = [UNCERTAIN, *(label for label in ("happy", "angry", "sad") if label in figures.audit[0].rates)]
    plots = "".join(report_svg.audit_svg(figures, label) for label in labels)
    words = f"<p class='warning'>{escape(AUDIT_NOTE)}</p>"
    return words + f"<div class='grid2'>{plots}</div>" + _html(report_tables.audit_tables(figures))


def _html(tables: list[Table]) -> str:
    return "".join(table.as_html() for table in tables)


def _words(lines: list[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)
