"""The report's plots as inline SVG: small, sharp on any screen, and coloured by the page, light or dark."""

from __future__ import annotations

import math
from html import escape
from typing import Final

from train.evaluate import TITLES
from train.report import Figures, TestFigures
from train.robustness import CLEAN

WIDTH: Final = 420
HEIGHT: Final = 330
LEFT: Final = 46
RIGHT: Final = 12
TOP: Final = 12
BOTTOM: Final = 42
ROW_PX: Final = 22
LABEL_PX: Final = 118
DOTS_WIDTH: Final = 520
COLOURS: Final = 4
"""Series that the page has colours for; more begin again."""


def reliability_svg(test: str, figures: TestFigures) -> str:
    """Return accuracy over confidence in bins, with the share of faces as the bars' strength."""
    parts = [_axes("confidence %", "accuracy %"), _line([(0, 0), (1, 1)], "guide")]
    most = max(share for _, _, share in figures.reliability)
    for confidence, right, share in figures.reliability:
        x, y = _x(confidence), _y(right)
        title = f"confidence {confidence:.1%}, accuracy {right:.1%}, {share:.1%} of the faces"
        parts.append(
            f'<rect class="bar" x="{x - 9:.1f}" y="{y:.1f}" width="18" height="{_y(0) - y:.1f}" '
            f'opacity="{0.25 + 0.75 * share / most:.2f}"><title>{title}</title></rect>'
        )
    return _figure(
        parts, WIDTH, HEIGHT, f"Reliability, {TITLES[test]}: ECE {figures.scores.ece:.3f}", RELIABILITY
    )


def risk_svg(figures: Figures, tests: tuple[str, ...]) -> str:
    """Return accuracy of the surest share of faces, with the manifest's thresholds as dots."""
    parts = [_axes("coverage %", "accuracy %", lowest=0.5)]
    shown = [test for test in tests if test in figures.views["private"]]
    for index, test in enumerate(shown):
        risk = figures.views["private"][test].risk
        points = [(c, max(0.0, (1 - r - 0.5) * 2)) for c, r in zip(risk.coverages, risk.risks, strict=True)]
        parts.append(_line(points, f"line c{index % COLOURS}"))
        if risk.chosen:
            x, y = _x(risk.chosen.coverage), _y(max(0.0, (risk.chosen.accuracy - 0.5) * 2))
            title = f"uncertain below {risk.chosen.threshold:.2f}"
            parts.append(
                f'<circle class="dot c{index % COLOURS}" cx="{x:.1f}" cy="{y:.1f}" r="6">'
                f"<title>{title}</title></circle>"
            )
    return _figure(
        parts, WIDTH, HEIGHT, "Risk and coverage, PrivateTest", RISK, legend=[TITLES[test] for test in shown]
    )


def robustness_svg(figures: Figures, test: str) -> str:
    """Return a row of dots a corruption, one dot a network."""
    names = list(figures.subjects)
    rows = [row for row in figures.robustness if test in next(iter(row.accuracy.values()))]
    parts = _grid(len(rows))
    for line, row in enumerate(rows):
        parts.append(_label(line, row.corruption, bold=row.corruption == CLEAN))
        for index, name in reversed(list(enumerate(names))):
            value = row.accuracy[name][test]
            parts.append(_dot(line, value, index, f"{name}, {row.corruption}: {value:.1%}"))
    return _figure(parts, DOTS_WIDTH, _tall(len(rows)), f"Accuracy % on {TITLES[test]}", "", legend=names)


def audit_svg(figures: Figures, label: str) -> str:
    """Return the share of people of each group who are shown `label`, with 95 % intervals."""
    most = max(group.rates[label].interval.high for group in figures.audit)
    full = min(1.0, math.ceil(most * 10) / 10)
    parts = _grid(len(figures.audit), full)
    for line, group in enumerate(figures.audit):
        rate = group.rates[label]
        middle = ROW_PX * line + ROW_PX / 2
        low, high = (_wide(end / full) for end in (rate.interval.low, rate.interval.high))
        parts.append(_label(line, group.name, bold=line == 0))
        parts.append(
            f'<line class="line c0" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>'
        )
        parts.append(_dot(line, rate.value / full, 0, f"{group.name}: {rate.value:.1%} {label}"))
    return _figure(parts, DOTS_WIDTH, _tall(len(figures.audit)), f"Share shown “{label}” by group, %", AUDIT)


RELIABILITY: Final = "Honest bars end on the dashed line; stronger bars hold more faces."
RISK: Final = "Dots: what is answered at the manifest's thresholds. The vertical axis begins at 50 %."
AUDIT: Final = "A difference in behaviour, not in accuracy. Lines: 95 % intervals."


def _figure(
    parts: list[str], width: int, height: int, title: str, note: str, *, legend: list[str] | None = None
) -> str:
    keys = "".join(
        f'<span><i class="key c{index % COLOURS}"></i>{escape(name)}</span>'
        for index, name in enumerate(legend or [])
    )
    words = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<figure class="plot"><figcaption>{escape(title)}</figcaption><div class="keys">{keys}</div>'
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
        f"{words}</figure>"
    )


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _axes(across: str, up: str, lowest: float = 0.0) -> str:
    parts = []
    for tick in range(6):
        share = tick / 5
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(share):.1f}" y2="{_y(share):.1f}"/>'
        )
        value = (lowest + share * (1 - lowest)) * 100
        parts.append(f'<text x="{LEFT - 6}" y="{_y(share) + 4:.1f}" text-anchor="end">{value:.0f}</text>')
        parts.append(
            f'<text x="{_x(share):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{share * 100:.0f}</text>'
        )
    parts.append(f'<text x="{_x(0.5):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>')
    middle = _y(0.5)
    parts.append(
        f'<text x="12" y="{middle:.1f}" text-anchor="middle" transform="rotate(-90 12 {middle:.1f})">{up}</text>'
    )
    return "".join(parts)


def _line(points: list[tuple[float, float]], kind: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _wide(share: float) -> float:
    return LABEL_PX + share * (DOTS_WIDTH - LABEL_PX - RIGHT - 8)


def _tall(rows: int) -> int:
    return ROW_PX * rows + 24


def _grid(rows: int, full: float = 1.0) -> list[str]:
    parts = []
    for tick in range(6):
        x = _wide(tick / 5)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{ROW_PX * rows}"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{ROW_PX * rows + 16}" text-anchor="middle">{tick * 20 * full:.0f}</text>'
        )
    return parts


def _label(line: int, words: str, *, bold: bool) -> str:
    weight = ' font-weight="700"' if bold else ""
    y = ROW_PX * line + ROW_PX / 2 + 4
    return f'<text x="{LABEL_PX - 10}" y="{y}" text-anchor="end"{weight}>{escape(words)}</text>'


def _dot(line: int, share: float, index: int, title: str) -> str:
    y = ROW_PX * line + ROW_PX / 2
    return (
        f'<circle class="dot c{index % COLOURS}" cx="{_wide(share):.1f}" cy="{y:.1f}" r="5.5">'
        f"<title>{escape(title)}</title></circle>"
    )
