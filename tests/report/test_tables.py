"""Markdown, CSV and LaTeX: exact, escaped, and of the right shape."""

import csv as reader
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.report.frame import object_frame
from framework.report.tables.columns import Column, columns_of, csv, latex, markdown
from framework.report.tables.numbers import grouped, percent, ratio
from framework.report.tables.text import latex_text, markdown_text

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


def test_latex_is_a_booktabs_table_without_a_vertical_rule():
    text = latex(
        FRAME, COLUMNS, compared=[False, True, True, True], caption="100% & more", label="a b/c"
    )
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert r"\begin{tabular}{@{}lrrr@{}}" in text
    assert "|" not in text
    assert r"\caption{100\% \& more}" in text
    assert r"\label{tab:a-b-c}" in text
    assert r" & \multicolumn{1}{c}{Accuracy (\%)} & \multicolumn{2}{c}{Parameters} \\" in text
    assert r"\cmidrule(lr){2-2} \cmidrule(lr){3-4}" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in rows[1:]} == {3}
    assert text.count("{") == text.count("}")


def test_the_best_of_the_compared_rows_is_bold_with_all_that_show_the_same():
    text = latex(FRAME, COLUMNS, compared=[False, True, True, True], caption="", label="t")
    assert r"dense & 99.00 & 190,734 & 1.00$\times$" in text
    assert r"trial 1 & 98.00 & 38,147 & 5.0$\times$" in text  # both show 98.00: nobody is better
    assert r"trial 2 & 98.00 & \textbf{9,536} & \textbf{20.0$\times$}" in text
    assert r"trial 3 &  & \textbf{9,536} & \textbf{20.0$\times$}" in text


def test_nothing_is_bold_where_there_is_nothing_to_compare():
    assert "textbf" not in latex(
        FRAME, COLUMNS, compared=[False, True, False, False], caption="", label="t"
    )


def test_a_table_without_a_front_says_so():
    text = latex(FRAME[:1], COLUMNS, compared=[False], caption="", label="t")
    assert r"\multicolumn{4}{l}{No trial is on the front.} \\" in text


def test_a_negative_number_has_a_true_minus():
    frame = object_frame([{"acc": -0.002}], ["acc"])
    assert "$-$0.20" in latex(frame, [ACCURACY], compared=[True], caption="", label="t")


def test_latex_specials_are_spelled_out():
    text = latex_text(NASTY)
    bare = re.sub(r"\\text[a-z]+\{\}|\\[&%$#_{}]", "", text)
    assert not set(bare) & set(r"&%$#_{}~^\<>|")
    assert r"\textbackslash{}input\{/etc/passwd\}" in text
    assert latex_text("two\nlines\x07") == r"two lines\textbackslash{}x07"


def test_no_table_hands_on_what_steers_a_terminal_or_turns_the_reading():
    name = "\x1b[2Jtrial\x07 \u202egnp"
    frame = object_frame([{"net": name}], ["net"])
    column = Column(name="net", head=name, short=name)
    texts = [
        markdown(frame, [column]),
        csv(frame.rename(columns={"net": name})),
        latex(frame, [column], compared=[True], caption=name, label=name),
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
