"""Tables of a report, written once and rendered as text, Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WORDS: Final = 24
"""A column with longer cells holds sentences and not figures: HTML sets it to the left."""


@dataclass(frozen=True)
class Table:
    """Rows of cells that are already words; the first column names the row.

    Parameters
    ----------
    note: what to know when reading it; may be empty.
    shades: for some tables, 0 to 1 a cell: how strongly HTML colours it.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    shades: Sequence[Sequence[float]] | None = None

    def as_text(self) -> str:
        """Return aligned columns for a terminal."""
        cells = [self.columns, *self.rows]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.columns))]
        lines = [self.title]
        for row in cells:
            parts = [
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  " + "  ".join(parts).rstrip())
        return "\n".join([*lines, *([f"  {self.note}"] if self.note else [])])

    def as_markdown(self) -> str:
        """Return a pipe table under a heading."""
        lines = [f"### {self.title}", "", _pipes(self.columns), "|---" * len(self.columns) + "|"]
        lines += [_pipes(row) for row in self.rows]
        return "\n".join([*lines, *(["", self.note] if self.note else []), ""])

    def as_html(self) -> str:
        """Return a table in a box that scrolls sideways on a narrow screen."""
        longest = [max(map(len, cells)) for cells in zip(*self.rows, strict=True)] or [0] * len(self.columns)
        wordy = [length > WORDS for length in longest]
        words = ' class="words"'
        head = "".join(
            f'<th scope="col"{words if wide else ""}>{escape(column)}</th>'
            for column, wide in zip(self.columns, wordy, strict=True)
        )
        body = []
        for index, row in enumerate(self.rows):
            cells = [f'<th scope="row">{escape(row[0])}</th>']
            for column, cell in enumerate(row[1:]):
                style = ""
                if self.shades is not None:
                    style = f' style="--s:{self.shades[index][column]:.2f}" class="shade"'
                elif wordy[column + 1]:
                    style = words
                cells.append(f"<td{style}>{escape(cell)}</td>")
            body.append(f"<tr>{''.join(cells)}</tr>")
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        kind = "table" if self.shades is None else "table matrix"
        return (
            f'<figure class="{kind}"><figcaption>{escape(self.title)}</figcaption><div class="scroll">'
            f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>{note}</figure>"
        )


def _pipes(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
