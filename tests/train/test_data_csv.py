from __future__ import annotations

import numpy as np
import pytest

from edge.errors import DataError
from train.data import load
from train.data_csv import FERPLUS_COLUMNS

USAGES = ("Training", "PublicTest", "PrivateTest")


def write(folder, faces, *, header="emotion,pixels,Usage", edit=None):
    lines = [
        f'{label},"{" ".join(map(str, image.ravel().tolist()))}",{USAGES[usage]}'
        for label, image, usage in zip(faces.labels, faces.images, faces.split, strict=True)
    ]
    if edit:
        lines = edit(lines)
    path = folder / "fer2013.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def write_votes(folder, votes, *, name="fer2013new.csv", columns=FERPLUS_COLUMNS):
    header = "Usage,Image name," + ",".join(columns).replace("nf", "NF")
    lines = [
        f"Training,fer{row:07d}.png," + ",".join(map(str, vote)) for row, vote in enumerate(votes.tolist())
    ]
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_equals_the_arrays_it_was_written_from(tmp_path, faces):
    write_votes(tmp_path, faces.votes)
    found = load(write(tmp_path, faces))
    assert np.array_equal(found.images, faces.images)
    assert np.array_equal(found.labels, faces.labels)
    assert np.array_equal(found.votes, faces.votes)
    assert np.array_equal(found.split, faces.split)
    assert "with fer2013new.csv" in found.source


def test_votes_may_lie_elsewhere(tmp_path, faces):
    (tmp_path / "b").mkdir()
    votes = write_votes(tmp_path / "b", faces.votes, name="plus.csv")
    assert load(write(tmp_path, faces), ferplus=votes).votes.sum() == faces.votes.sum()


def test_without_votes_they_are_zero_and_the_source_says_so(tmp_path, faces):
    found = load(write(tmp_path, faces))
    assert found.votes.sum() == 0
    assert "no FER+ votes" in found.source


def test_a_named_votes_file_that_is_missing_is_an_error(tmp_path, faces):
    with pytest.raises(DataError, match=r"plus\.csv: No such file"):
        load(write(tmp_path, faces), ferplus=tmp_path / "plus.csv")


def test_kaggles_other_file_with_spaces_in_its_header_reads_too(tmp_path, faces):
    assert len(load(write(tmp_path, faces, header="emotion, pixels, Usage"))) == 56


def cut(lines):
    row = lines[2].split('"')
    return [*lines[:2], f'{row[0]}"{" ".join(row[1].split()[:-1])}"{row[2]}', *lines[3:]]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (cut, r"fer2013\.csv, line 4: 2303 pixels; expected 2304 \(48x48\)"),
        (
            lambda rows: ["7" + rows[0][1:], *rows[1:]],
            r"line 2: emotion is '7'; expected a number from 0 to 6",
        ),
        (lambda rows: ["happy" + rows[0][1:], *rows[1:]], r"line 2: emotion is 'happy'"),
        (
            lambda rows: [rows[0].replace("Training", "Test"), *rows[1:]],
            r"line 2: Usage is 'Test'; expected Training",
        ),
        (lambda rows: [rows[0].replace('"', '"x', 1), *rows[1:]], r"line 2: a pixel is 'x"),
        (lambda rows: [rows[0].replace('"', '"900', 1), *rows[1:]], r"line 2: a pixel is '900"),
        (lambda rows: [rows[0], rows[1].rsplit(",", 1)[0]], r"line 3: 2 fields; expected 3 fields"),
        (lambda _: [], r"has no rows"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path, faces, edit, message):
    with pytest.raises(DataError, match=message):
        load(write(tmp_path, faces, edit=edit))


def test_a_missing_column_is_named(tmp_path, faces):
    with pytest.raises(
        DataError, match=r"no column 'usage'; expected columns emotion, pixels, usage; found emotion"
    ):
        load(write(tmp_path, faces, header="emotion,pixels,split"))


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "fer2013.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="is no CSV file"):
        load(path)


def test_votes_of_another_number_of_rows_are_refused(tmp_path, faces):
    write_votes(tmp_path, faces.votes[:-3])
    with pytest.raises(DataError, match=r"fer2013new\.csv has 53 rows; expected 56"):
        load(write(tmp_path, faces))


def test_votes_without_a_column_are_refused(tmp_path, faces):
    write_votes(tmp_path, faces.votes[:, :9], columns=FERPLUS_COLUMNS[:9])
    with pytest.raises(DataError, match="no column 'nf'"):
        load(write(tmp_path, faces))
