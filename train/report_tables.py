"""The report's figures as tables of words: one function a section."""

from __future__ import annotations

from typing import Final

from train.evaluate import TITLES
from train.faces import SPLIT_TITLES
from train.group_audit import Rate
from train.intervals import Interval
from train.report import Figures
from train.report_notes import (
    AUDIT_NOTE,
    COST_NOTE,
    DUPLICATES_NOTE,
    PEER_NOTE,
    RISK_NOTE,
    ROBUST_NOTE,
    UNCLEAR_NOTE,
    VIEWS_NOTE,
)
from train.tables import Table

EARLIER: Final = {"fer2013": "71.69", "basic": "66.5", "happy": "95.33"}
"""What the projects that this one started from report, in per cent, each on its own test; not measured here."""
ROBUST_TITLES: Final = {"fer2013": "FER2013", "ferplus_majority": "FER+ majority"}
COVERAGES: Final = (1.0, 0.9, 0.8, 0.7, 0.5, 0.3)


def per_cent(share: float, digits: int = 2) -> str:
    """Return a share as per cent."""
    return f"{share * 100:.{digits}f}"


def between(interval: Interval, digits: int = 1, scale: float = 100.0) -> str:
    """Return an interval's ends."""
    return f"{interval.low * scale:.{digits}f} to {interval.high * scale:.{digits}f}"


def views_tables(figures: Figures) -> list[Table]:
    """Return each split's tests, then the networks side by side."""
    found = []
    for split in sorted(figures.views):
        rows: list[tuple[str, ...]] = [
            (
                TITLES[test],
                f"{f.scores.faces:,}",
                per_cent(f.scores.accuracy),
                between(f.accuracy),
                f"{f.scores.macro_f1:.3f}",
                between(f.macro_f1, 3, 1.0),
                f"{f.scores.ece:.3f}",
                between(f.ece, 3, 1.0),
                EARLIER.get(test, "-") if split == "private" else "-",
            )
            for test, f in figures.views[split].items()
        ]
        role = "only reports" if split == "private" else "chose epoch, temperatures and thresholds"
        columns: tuple[str, ...] = (
            "test",
            "faces",
            "accuracy %",
            "95 %",
            "macro-F1",
            "95 %",
            "ECE",
            "95 %",
            "earlier projects %",
        )
        found.append(Table(f"Views on {SPLIT_TITLES[split]} ({role})", columns, rows, VIEWS_NOTE))
    tests = list(next(iter(figures.subjects.values())))
    side = [
        (name, *(per_cent(scores[test]) if test in scores else "-" for test in tests))
        for name, scores in figures.subjects.items()
    ]
    columns = ("network", *(TITLES[test] for test in tests))
    return [*found, Table("Networks side by side, accuracy % on PrivateTest", columns, side, PEER_NOTE)]


def class_tables(figures: Figures, split: str = "private") -> list[Table]:
    """Return precision, recall and F1 of each class."""
    found = []
    for test, f in figures.views[split].items():
        rows = [
            (
                name,
                per_cent(row["precision"], 1),
                per_cent(row["recall"], 1),
                f"{row['f1']:.3f}",
                f"{row['support']:.0f}",
            )
            for name, row in f.scores.per_class.items()
        ]
        columns = ("class", "precision %", "recall %", "F1", "faces")
        found.append(Table(f"{TITLES[test]}, {SPLIT_TITLES[split]}: each class", columns, rows))
    return found


def confusion_tables(figures: Figures, split: str = "private") -> list[Table]:
    """Return confusion matrices: rows are truth, columns answers, shaded by the share of the row."""
    found = []
    for test, f in figures.views[split].items():
        labels = tuple(f.scores.per_class)
        rows, shades = [], []
        for name, counts in zip(labels, f.scores.confusion, strict=True):
            rows.append((name, *(str(n) for n in counts)))
            shades.append([n / max(sum(counts), 1) for n in counts])
        title = f"{TITLES[test]}, {SPLIT_TITLES[split]}: truth (rows) and answers (columns)"
        found.append(Table(title, ("truth", *labels), rows, shades=shades))
    return found


def risk_tables(figures: Figures) -> list[Table]:
    """Return accuracy at some coverages, and what the manifest's threshold does."""
    curve, chosen = [], []
    for split in sorted(figures.views):
        for test, f in figures.views[split].items():
            risk = dict(zip((round(c, 2) for c in f.risk.coverages), f.risk.risks, strict=True))
            name = f"{TITLES[test]}, {SPLIT_TITLES[split]}"
            if split == "private":
                areas = (f"{f.risk.area:.4f}", f"{f.risk.least_area:.4f}")
                curve.append((name, *(per_cent(1 - risk[c], 1) for c in COVERAGES), *areas))
            if f.risk.chosen:
                c = f.risk.chosen
                chosen.append((name, f"{c.threshold:.2f}", per_cent(c.coverage, 1), per_cent(c.accuracy, 1)))
    columns = ("test", *(f"surest {c:.0%}" for c in COVERAGES), "area", "least area")
    limits = ("test", "uncertain below", "coverage %", "accuracy of what is answered %")
    return [
        Table("Accuracy % of the surest faces", columns, curve, RISK_NOTE),
        Table("At the manifest's threshold", limits, chosen, "The thresholds were chosen on PublicTest."),
    ]


def unclear_table(figures: Figures) -> Table:
    """Return how confidence tells clear faces from unclear crops."""
    rows = [
        (
            u.kind,
            u.view,
            f"{u.crops:,}",
            f"{u.auroc:.3f}",
            "-" if u.uncertain is None else per_cent(u.uncertain, 1),
            "-" if u.clear_uncertain is None else per_cent(u.clear_uncertain, 1),
        )
        for u in figures.unclear
    ]
    columns = ("crops", "view", "number", "AUROC", "read uncertain %", "clear faces uncertain %")
    return Table("Confidence: clear faces against unclear crops", columns, rows, UNCLEAR_NOTE)


def robustness_tables(figures: Figures) -> list[Table]:
    """Return accuracy and drop under each corruption, one table a test."""
    found = []
    names = list(figures.subjects)
    for test, title in ROBUST_TITLES.items():
        rows = []
        for row in figures.robustness:
            if test in next(iter(row.accuracy.values())):
                cells = [per_cent(row.accuracy[name][test], 1) for name in names]
                drops = [f"{row.drop_points[name][test]:.1f}" for name in names]
                rows.append((row.corruption, *cells, *drops, row.parameters))
        if rows:
            mean = [
                sum(row.drop_points[name][test] for row in figures.robustness[1:]) / max(len(rows) - 1, 1)
                for name in names
            ]
            kept = [
                sum(row.accuracy[name][test] for row in figures.robustness[1:]) / max(len(rows) - 1, 1)
                for name in names
            ]
            rows.append(("mean of all", *(per_cent(k, 1) for k in kept), *(f"{m:.1f}" for m in mean), ""))
            columns = ("spoiled by", *(f"{n} %" for n in names), *(f"{n}, drop" for n in names), "how")
            found.append(Table(f"Robustness, {title}, PrivateTest", columns, rows, ROBUST_NOTE))
    return found


def audit_tables(figures: Figures) -> list[Table]:
    """Return the rates by group, and their intervals."""
    if not figures.audit:
        return []
    labels = list(figures.audit[0].rates)
    head = ("group", "faces", *(f"{label} %" for label in labels), "confidence")

    def show(rate: Rate) -> str:
        return f"{rate.value * 100:.1f} ({between(rate.interval)})"

    rows = []
    for group in figures.audit:
        name = group.name if group.grouping == group.name else f"{group.grouping}: {group.name}"
        sure = f"{group.confidence.value:.3f} ({between(group.confidence.interval, 3, 1.0)})"
        rows.append((name, f"{group.faces:,}", *(show(group.rates[label]) for label in labels), sure))
    return [Table("What people of each group are shown (95 % intervals)", head, rows, AUDIT_NOTE)]


def duplicates_tables(figures: Figures) -> list[Table]:
    """Return the near-duplicates, and the figures without them."""
    rows = [
        (
            f"{SPLIT_TITLES[d.split]} in {SPLIT_TITLES[d.within]}",
            f"{d.faces:,}",
            f"{len(d.rows):,}",
            per_cent(len(d.rows) / max(d.faces, 1), 1),
            f"{d.pairs:,}",
            f"{d.other_label:,}",
        )
        for d in figures.duplicates
    ]
    head = ("looked for", "faces", "with a near-copy", "%", "pairs", "nearest has another label")
    clean = [
        (
            f"{TITLES[w.test]}, {SPLIT_TITLES[w.split]}",
            f"{w.faces:,}",
            per_cent(w.accuracy),
            f"{w.kept:,}",
            per_cent(w.without),
            between(w.interval),
            f"{(w.without - w.accuracy) * 100:+.2f}",
        )
        for w in sorted(figures.without, key=lambda w: w.split)
    ]
    columns = ("test", "faces", "accuracy %", "without near-copies", "accuracy %", "95 %", "points")
    return [
        Table("Near-duplicates across the splits", head, rows, DUPLICATES_NOTE),
        Table("Figures without them", columns, clean),
    ]


def cost_table(figures: Figures) -> Table:
    """Return size, work and relative time."""
    rows = [
        (
            name,
            f"{c.parameters:,}",
            f"{c.multiply_adds / 1e6:.1f}",
            f"{c.bytes:,}",
            f"{c.median_ms:.2f}",
            "-" if c.times_peer is None else f"{c.times_peer:.2f}",
            c.sha256[:16],
        )
        for name, c in figures.cost.items()
    ]
    columns = ("network", "parameters", "MMACs", "bytes", "ms", "times the peer's", "sha256 begins")
    return Table("Cost of one inference", columns, rows, COST_NOTE)


def all_tables(figures: Figures) -> list[Table]:
    """Return every table, in the report's order."""
    return [
        *views_tables(figures),
        *class_tables(figures),
        *confusion_tables(figures),
        *risk_tables(figures),
        unclear_table(figures),
        *robustness_tables(figures),
        *audit_tables(figures),
        *duplicates_tables(figures),
        cost_table(figures),
    ]
