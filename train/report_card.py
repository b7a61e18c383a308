"""The section of a bundle's card that the report regenerates: its tables as Markdown."""

from __future__ import annotations

from train import report_tables as tables
from train.report import Figures
from train.report_words import noise


def card_figures(figures: Figures) -> str:
    """Return the section, from the heading on."""
    chosen = [
        *tables.views_tables(figures),
        *tables.class_tables(figures),
        *tables.risk_tables(figures),
        tables.unclear_table(figures),
        *tables.robustness_tables(figures),
        *tables.audit_tables(figures),
        *tables.duplicates_tables(figures),
        tables.cost_table(figures),
    ]
    rough = f"A quick try on at most {figures.quick} crops of each set: rough.\n" if figures.quick else ""
    head = [
        "## Measured by `python -m train report`\n",
        rough,
        f"{figures.name} {figures.version}, sha256 `{figures.sha256}`, on {figures.data}.\n",
        "\n".join(noise(figures)) + "\n",
    ]
    notes = [f"- {note}" for note in figures.notes]
    return (
        "\n".join([part for part in head if part] + [table.as_markdown() for table in chosen] + notes) + "\n"
    )
