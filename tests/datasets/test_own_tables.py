"""What the cells of one's own table are taken for: known answers for numbers, categories, empty
cells and the many ways of writing a file; and ways out that are tried."""

import re

import numpy as np
import pytest

from framework.contracts import datasets
from framework.errors import InvalidValue

ROWS = 60


def own(root, text, **knobs):
    (root / "mine.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return datasets.build("csv", {"path": "mine.csv"} | knobs).located(root)


def lines(*columns, separator=","):
    """A table: (name, cell of each row number) for each column."""
    head = separator.join(name for name, _ in columns)
    rows = [separator.join(str(cell(row)) for _, cell in columns) for row in range(ROWS)]
    return "\n".join([head, *rows]) + "\n"


LABEL = ("label", lambda row: ("no", "yes")[row % 2])
X = ("x", lambda row: row / 4)
KIND = ("kind", lambda row: ("red", "blue", "green")[row // 2 % 3])


def refusal(dataset):
    with pytest.raises(InvalidValue) as caught:
        dataset.check_available(dataset.path)
    return caught.value


# --- categories -----------------------------------------------------------------------------------


def test_a_column_of_text_becomes_one_of_0_and_1_for_each_value(tmp_path):
    code = ("y", lambda row: {"red": 7, "blue": 8, "green": 9}[KIND[1](row)])
    dataset = own(tmp_path, lines(X, KIND, LABEL, code), scale="none")
    assert dataset.info.inputs == {"sequence": (5, 1)}
    for split in vars(dataset.load(tmp_path, dataset.info.inputs)).values():
        if hasattr(split, "inputs"):
            x, blue, green, red, y = split.inputs["sequence"][:, :, 0].T
            assert ((x * 4) % 1 == 0).all()  # in the place that the file has it in
            assert (7 * red + 8 * blue + 9 * green == y).all()
            assert (red + blue + green == 1).all()


def test_only_numbers_are_scaled(tmp_path):
    dataset = own(tmp_path, lines(X, KIND, LABEL))
    train = dataset.load(tmp_path, dataset.info.inputs).train.inputs["sequence"][:, :, 0]
    assert train[:, 0].mean() == pytest.approx(0, abs=1e-5)
    assert set(np.unique(train[:, 1:])) == {0, 1}


def test_values_are_those_of_the_train_split(tmp_path):
    """Each of them is in one row, so that some are in other splits alone."""
    dataset = own(tmp_path, lines(("name", lambda row: f"n{row}"), LABEL), categories="name")
    splits = dataset.load(tmp_path, dataset.info.inputs)
    assert dataset.info.inputs["sequence"] == (len(splits.train), 1)
    assert (splits.train.inputs["sequence"].sum(axis=1) == 1).all()
    assert not splits.validation.inputs["sequence"].any()


def test_numbers_may_be_named_as_categories(tmp_path):
    text = lines(X, ("zip, 5", lambda row: f'"{1000 + row % 4}"'), LABEL).replace(
        "zip, 5", '"zip, 5"'
    )
    assert own(tmp_path, text).info.inputs["sequence"] == (2, 1)
    for named in ('"zip, 5"', '"zip, 5", x', ' "zip, 5"'):
        assert own(tmp_path, text, categories=named).info.inputs["sequence"][0] > 4
    assert own(tmp_path, text, skip='"zip, 5"').info.inputs["sequence"] == (1, 1)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (lambda row: f"Mr {row}", "60 different texts in 60 rows"),
        (lambda row: f"${row}.50", "not written as such"),
        (lambda row: f"{row % 3},5", 'decimal="comma"'),
        (lambda row: "1,234.5", "separators of thousands"),
        (lambda row: f"{row % 7} %", "without units"),
        (lambda row: "1_000", "not written as such"),
        (lambda row: row if row != 8 else "eight", r"Found: 'eight' in row 10\."),
        (lambda row: row if row != 8 else "8,5", r"Found: '8,5' in row 10\."),
        (lambda row: row if row != 8 else "inf", r"Found: 'inf' in row 10\."),
        (lambda row: "", "holds nothing"),
        (lambda row: "NaN", "holds nothing"),
        (lambda row: row if row != 8 else "", r"empty in row 10"),
        (lambda row: row if row != 8 else "n/a", r"empty in row 10"),
    ],
)
def test_what_is_refused_has_ways_out_that_work(tmp_path, cell, said):
    """Each `knob="value"` of a message is set, and the table is then read."""
    text = lines(("a b, c", cell), X, LABEL, separator=";")
    error = refusal(own(tmp_path, text))
    assert re.search(said, str(error))
    settings = re.findall(r"""(\w+)=(?:'(.*?)'|"(.*?)")[.;)\s]""", error.todo + " ")
    assert "skip" in [knob for knob, *_ in settings]
    for knob, in_one, in_two in settings:
        assert own(tmp_path, text, **{knob: in_one or in_two}).info.classes == 2


# --- empty cells ----------------------------------------------------------------------------------


def test_empty_cells_are_filled_with_what_the_train_split_has(tmp_path, caplog):
    gap = ("gap", lambda row: ("", "NA", "?", 1, 3)[row % 5])
    kind = ("kind", lambda row: ("a", "")[row // 2 % 2])
    dataset = own(tmp_path, lines(gap, kind, LABEL), empty="fill", scale="none")
    assert dataset.info.inputs == {"sequence": (3, 1)}
    assert caplog.text.count("36 of 'gap', 30 of 'kind'") == 1
    splits = dataset.load(tmp_path, dataset.info.inputs)
    gaps, none, a = splits.train.inputs["sequence"][:, :, 0].T
    there = np.isin(gaps, (1, 3))
    assert gaps[~there] == pytest.approx(gaps[there].mean())
    assert ~there.all()
    assert set(splits.validation.inputs["sequence"][:, 0, 0]) <= set(gaps)
    assert (none + a == 1).all()


def test_an_empty_label_is_never_filled(tmp_path):
    text = lines(X, ("label", lambda row: row % 2 if row != 5 else ""))
    for task in ("classes", "regression"):
        error = refusal(own(tmp_path, text, empty="fill", task=task))
        assert error.todo == "Fill it or leave the row out."
        assert "'label' is empty in row 7" in str(error)


# --- how a file is written ------------------------------------------------------------------------

PLAIN = lines(X, KIND, LABEL)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " , "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\n\n"),
        "\n\n" + PLAIN + "\n,,\n",
        PLAIN.replace("\n", ",\n"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("x,", '"x",'),
    ],
    ids=lambda text: repr(text[:14]),
)
def test_one_table_in_many_ways_of_writing_is_the_same_data(tmp_path, text):
    digests = []
    for written in (PLAIN, text):
        dataset = own(tmp_path, written)
        digests.append(dataset.load(tmp_path, dataset.info.inputs).digests)
    assert digests[0] == digests[1]


def test_decimals_behind_a_comma_are_asked_for_once_and_then_read(tmp_path):
    comma = lines(("x", lambda row: str(row / 4).replace(".", ",")), LABEL, separator=";")
    with_point = own(tmp_path, lines(X, LABEL)).read_all()["sequence"]
    assert (own(tmp_path, comma, decimal="comma").read_all()["sequence"] == with_point).all()
    priced = comma.replace("x;label", "label;x").replace("no", "n").replace("yes", "y")
    labels = own(tmp_path, priced, decimal="comma", task="regression").read_all()["labels"]
    assert labels.tolist() == with_point[:, 0, 0].tolist()


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path):
    text = lines(X, LABEL).replace("\n2.0,", '\n\n"two\nlines",')
    assert "'two\\nlines' in row 11" in str(refusal(own(tmp_path, text)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("a,label\n", "no row"),
        ("größe,label\n".encode("latin-1"), "Save it as CSV in UTF-8"),
        ("a,label\n1,2,3\n", "Expected 2 fields in line 2, saw 3"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, said):
    assert said in str(refusal(own(tmp_path, text)))


def test_a_remark_among_the_rows_is_refused_and_the_way_out_works(tmp_path):
    head, *rows = lines(X, KIND, LABEL).splitlines()
    error = refusal(own(tmp_path, "\n".join([head, "# exported by a tool", *rows])))
    assert "row 2 is a remark" in error.what
    assert own(tmp_path, "\n".join([head, *rows])).info.classes == 2


def test_an_end_of_a_line_in_a_cell_stays_in_its_row_of_the_preview(tmp_path):
    label = ("label", lambda row: ('"two\nlines"', "one")[row % 2])
    rows = own(tmp_path, lines(X, label)).preview()
    assert rows["classes"] == "one 30, two\\nlines 30"
    assert not any("\n" in text for text in rows.values())
