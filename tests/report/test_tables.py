"""Markdown, CSV and LaTeX: exact, escaped, and of the right shape."""

import csv as reader
import io
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import InvalidValue, UnknownName
from framework.report.choices import choices_of
from framework.report.frame import object_frame
from framework.report.tables.columns import Column, columns_of, csv, markdown, table_of
from framework.report.tables.fit import Layout
from framework.report.tables.latex import latex
from framework.report.tables.numbers import grouped, percent, ratio
from framework.report.tables.text import csv_cell, csv_cells, latex_text, markdown_text

NET = Column(name="net", head="net", short="Net")
ACCURACY = Column(
    name="acc", head="accuracy (%)", group="Accuracy (%)", short="Val.", text=percent, better="max"
)
SIZE = Column(
    name="size", head="size", group="Parameters", short="Non-zero", text=grouped, better="min"
)
RATIO = Column(
    name="ratio", head="ratio", group="Parameters", short="Ratio", text=ratio, better="max", level=1
)
COLUMNS = (NET, ACCURACY, SIZE, RATIO)
ROWS = [
    {"net": "dense", "acc": 0.99, "size": 190734, "ratio": 1.0},
    {"net": "trial 1", "acc": 0.98, "size": 38147, "ratio": 5.0},
    {"net": "trial 2", "acc": 0.9799999, "size": 9536, "ratio": 20.0013},
    {"net": "trial 3", "acc": None, "size": 9536, "ratio": 20.0013},
]
FRAME = object_frame(ROWS, ["net", "acc", "size", "ratio"])
NASTY = r"a|b_c & 100% $x$ #1 {y} ~ ^ \input{/etc/passwd} <script>"


def test_numbers_as_a_paper_shows_them():
    assert [percent(value) for value in (0.984, 1.0, -0.00001, -0.1)] == [
        "98.40",
        "100.00",
        "0.00",
        "-10.00",
    ]
    assert [ratio(value) for value in (0.98, 1, 5.24, 48.12, 124.4, 1110)] == [
        "0.98x",
        "1.00x",
        "5.2x",
        "48.1x",
        "124x",
        "1,110x",
    ]
    assert grouped(190734.0) == "190,734"


def test_markdown_has_one_line_a_row_with_numbers_to_the_right():
    lines = markdown(FRAME, COLUMNS).splitlines()
    assert len(lines) == 6
    assert re.fullmatch(r"\|:-+\|-+:\|-+:\|-+:\|", lines[1])
    assert [cell.strip() for cell in lines[3].strip("|").split("|")] == [
        "trial 1",
        "98.00",
        "38,147",
        "5.0x",
    ]


def test_columns_without_a_value_and_above_the_level_are_left_out():
    without = FRAME.assign(acc=None)
    assert [column.name for column in columns_of(without, COLUMNS, level=0)] == ["net", "size"]
    assert [column.name for column in columns_of(FRAME, COLUMNS, level=1)] == [
        "net",
        "acc",
        "size",
        "ratio",
    ]


def paper(frame=FRAME, shown=COLUMNS, compared=(False, True, True, True), **layout):
    table = table_of(frame, shown, name="a b/c", caption="100% & more", compared=compared)
    return latex([table], Layout(**layout))


def rows_of(text):
    return [line for line in text.splitlines() if line.endswith(r"\\")]


def test_latex_is_a_booktabs_table_without_a_vertical_rule():
    text = paper()
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert "{@{}@{\\extracolsep{\\fill}}lS[table-format=2.2]S[table-format=6.0]" in text
    assert "|" not in text
    assert r"\caption{100\% \& more}" in text
    assert r"\label{tab:a-b/c}".replace("/", "-") in text
    assert r"\multicolumn{2}{c}{Parameters} \\" in text
    assert r"\cmidrule(lr){3-4}" in text
    assert {line.count(" & ") for line in rows_of(text)[1:]} == {3}
    assert text.count("{") == text.count("}")


def test_the_best_of_the_compared_rows_is_bold_with_all_that_show_the_same():
    rows = [line.removesuffix(r" \\") for line in rows_of(paper())[2:]]
    assert rows == [
        "dense & 99.00 & 190734 & 1.00",
        "trial 1 & 98.00 & 38147 & 5.0",  # both show 98.00: nobody is better
        r"trial 2 & 98.00 & \bfseries 9536 & \bfseries 20.0",
        r"trial 3 &  & \bfseries 9536 & \bfseries 20.0",
    ]


def test_nothing_is_bold_where_there_is_nothing_to_compare():
    assert "bfseries" not in paper(compared=(False, True, False, False))


def test_a_negative_number_is_aligned_by_its_sign():
    frame = object_frame([{"net": "a", "acc": -0.002}], ["net", "acc"])
    text = paper(frame, (NET, ACCURACY), (True,))
    assert "S[table-format=-1.2]" in text
    assert "a & -0.20 " in text


def test_what_is_the_same_in_every_row_is_a_note_and_no_column():
    frame = FRAME.assign(size=9536)
    text = paper(frame)
    assert "The same in every row: size 9,536." in text
    assert "Non-zero" not in text


def test_columns_are_seven_at_most_the_first_by_importance_and_the_others_can_be_had():
    many = [
        Column(name=f"c{place}", head=f"c{place}", text=grouped, level=int(place < 3))
        for place in range(9)
    ]
    rows = [{"net": f"{row}"} | {f"c{place}": row + place for place in range(9)} for row in (1, 2)]
    frame = object_frame(rows, ["net", *(f"c{place}" for place in range(9))])
    text = paper(frame, (NET, *many), (True, True))
    assert "% not shown, COLUMNS= chooses: c0 c1 c2" in text
    assert rows_of(text)[0].startswith("Net & {c3} & {c4} & {c5} & {c6} & {c7} & {c8}")
    narrow = paper(frame, (NET, *many), (True, True), width="column")
    assert rows_of(narrow)[0].count("&") == 4
    assert r"\begin{table}" in narrow
    chosen = paper(frame, (NET, *many), (True, True), columns=["c8", "c0"])
    assert rows_of(chosen)[0].startswith("Net & {c8} & {c0} ")
    with pytest.raises(UnknownName, match="column called 'c9'"):
        paper(frame, (NET, *many), (True, True), columns=["c9"])


def test_a_table_longer_than_a_page_goes_on_in_a_second_one():
    rows = [{"net": f"trial {row}", "acc": row / 100} for row in range(80)]
    text = paper(object_frame(rows, ["net", "acc"]), (NET, ACCURACY), [True] * 80)
    assert text.count(r"\begin{table*}") == 3
    assert "Part 1 of 3" in text
    assert r"\label{tab:a-b-c-3}" in text
    assert sum(line.startswith("trial") for line in rows_of(text)) == 80


@pytest.mark.parametrize("width", ["", "column", "page"])
def test_how_wide_and_which_columns_and_axes(width):
    choices = choices_of(columns="a, b c", width=width, axes="x y")
    assert choices.layout == Layout(["a", "b", "c"], width or "page")
    assert choices.axes == ["x", "y"]
    assert choices.wide == (width == "page")


def test_what_cannot_be_chosen_is_told_with_the_way_out():
    with pytest.raises(InvalidValue, match="WIDTH=wide"):
        choices_of(width="wide")
    with pytest.raises(InvalidValue, match="AXES=x"):
        choices_of(axes="x")


def test_latex_specials_are_spelled_out():
    text = latex_text(NASTY)
    bare = re.sub(r"\\hspace\{0pt\}|\\text[a-z]+\{\}|\\[&%$#_{}]", "", text)
    assert not set(bare) & set(r"&%$#_{}~^\<>|")
    assert r"\textbackslash{}input\{/\hspace{0pt}etc/\hspace{0pt}passwd\}" in text
    assert latex_text("été 中 a--b") == r"\'{e}t\'{e} [U+4E2D] a-{}-b"
    assert latex_text("two\nlines\x07") == r"two lines\textbackslash{}x07"


def test_no_table_hands_on_what_steers_a_terminal_or_turns_the_reading():
    name = "\x1b[2Jtrial\x07 \u202egnp"
    frame = object_frame([{"net": name}], ["net"])
    column = Column(name="net", head=name, short=name)
    texts = [
        markdown(frame, [column]),
        csv(frame.rename(columns={"net": name})),
        latex([table_of(frame, [column], name=name, caption=name)], Layout()),
    ]
    for text in texts:
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
        assert "x1b" in text


@given(st.text())
def test_no_text_breaks_out_of_its_markdown_cell(text):
    assert len(re.findall(r"(?<!\\)\|", markdown_text(text).replace("\\\\", ""))) == 0
    assert "<" not in markdown_text(text)
    assert len(markdown_text(text).splitlines()) <= 1


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0"]
)
def test_a_text_cell_that_a_spreadsheet_would_run_is_defused(text):
    frame = object_frame([{text: text, "n": -1.5, "k": -3}], [text, "n", "k"])
    head, row = list(reader.reader(io.StringIO(csv(frame), newline="")))
    assert head[0] == row[0] == "'" + text.replace("\r", "\n")
    assert row[1:] == ["-1.5", "-3"]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_in_csv_are_exact(values):
    rows = list(
        reader.reader(io.StringIO(csv(object_frame([{"v": value} for value in values], ["v"]))))
    )
    assert [float(row[0]) for row in rows[1:]] == values


def test_whole_numbers_stay_whole_beside_a_gap():
    assert (
        csv(object_frame([{"k": 4, "v": 0.1}, {"k": None, "v": None}], ["k", "v"]))
        == "k,v\n4,0.1\n,\n"
    )


def test_cells_of_a_csv_are_what_they_are_whatever_was_written_before():
    """True equals 1 equals 1.0, and a list is no key of anything."""
    values = [True, 1, 1.0, False, 0, 0.0, [1, 2], {"a": 1}, None, math.nan, "=1", -1]
    texts = ["True", "1", "1.0", "False", "0", "0.0", "[1, 2]", "{'a': 1}", "", "", "'=1", "-1"]
    assert list(map(csv_cell, values)) == texts
    assert list(map(csv_cell, reversed(values))) == texts[::-1]


@given(st.lists(st.floats() | st.integers() | st.none() | st.booleans() | st.text()))
def test_a_column_is_its_cells(values):
    assert csv_cells(values) == list(map(csv_cell, values))
    floats = [value for value in values if isinstance(value, float)]
    assert csv_cells(floats) == list(map(csv_cell, floats))
