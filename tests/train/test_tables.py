from __future__ import annotations

from train.tables import Table

TABLE = Table("Title", ("name", "%"), [("a<b", "1.0"), ("c|d", "22.5")], "a note", [[0.5], [1.0]])


def test_text_is_aligned():
    assert TABLE.as_text().splitlines() == [
        "Title",
        "  name     %",
        "  a<b    1.0",
        "  c|d   22.5",
        "  a note",
    ]


def test_markdown_escapes_its_own_signs():
    assert TABLE.as_markdown().splitlines() == [
        "### Title", "", "| name | % |", "|---|---|", "| a<b | 1.0 |", "| c\\|d | 22.5 |", "", "a note",
    ]  # fmt: skip


def test_html_escapes_and_shades():
    html = TABLE.as_html()
    assert "a&lt;b" in html
    assert 'style="--s:0.50"' in html


def test_a_column_of_sentences_is_set_to_the_left():
    html = Table(
        "T", ("name", "how", "n"), [("a", "a sentence of many words, this", "1"), ("b", "short", "2")]
    ).as_html()
    assert html.count('class="words"') == 3
    assert "words" not in Table("T", ("name", "n"), []).as_html()
