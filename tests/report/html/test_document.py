"""The page as a file: what is in it, and what cannot be."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from page_support import HOSTILE, written
from synthetic_runs import study_of_thirty

from framework.report.html import of_study
from framework.report.html.document import program
from framework.report.html.encode import short
from framework.report.html.model import Field
from framework.report.tables.layout import FORMATS
from framework.report.tables.numbers import percent

SIZE_LIMIT = 300_000
VOID = {"meta", "img"}


class Elements(HTMLParser):
    """All elements with their attributes, and what is not closed as it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(text)


def block(page: Path) -> dict:
    text = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)[1]
    return json.loads(text)


@pytest.fixture(params=["thirty", "thousand", "hostile", "nothing", "comparison"])
def page(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def test_a_page_is_well_formed_and_runs_and_fetches_nothing_but_itself(page: Path) -> None:
    elements = Elements(page.read_text("utf-8"))
    assert elements.open == []
    for tag, attributes in elements.found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form"), tag
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("src", "data:").startswith("data:")
        address = attributes.get("href", "")
        assert (
            not address
            or address.startswith("http://127.0.0.1:5000/#/runs/")
            or (re.fullmatch(r"[a-z_]+\.[a-z]+", address))
        )
    assert [tag for tag, _ in elements.found].count("script") == 2


def test_the_policy_allows_the_style_and_the_script_of_the_page_alone(page: Path) -> None:
    text = page.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'"
    assert parts["img-src"] == "data:"
    for name, pattern in (("style-src", "<style>(.*?)</style>"), ("script-src", '"module">(.*?)<')):
        content = re.search(pattern + ("/script>" if "script" in name else ""), text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert parts[name] == f"'sha256-{digest}'"


def test_a_thousand_trials_fit_into_the_page(thousand: Path) -> None:
    assert thousand.stat().st_size <= SIZE_LIMIT
    assert len(block(thousand)["labels"]) == 1002


def test_the_same_runs_make_the_same_bytes(thirty: Path, tmp_path: Path) -> None:
    again = written(list(reversed(study_of_thirty())), tmp_path)
    assert again.read_bytes() == thirty.read_bytes()


def test_scripts_write_text_as_text_alone() -> None:
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert word not in program()


def test_no_text_from_outside_is_obeyed(hostile: Path) -> None:
    text = hostile.read_text("utf-8")
    elements = Elements(text)
    assert "img" not in [tag for tag, attributes in elements.found if "onerror" in attributes]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b\u2028\u2029]", text)
    assert text.count("<script") == 2
    shown = " ".join(elements.texts)
    # it is all there, as it was written
    assert "\\input{/etc/passwd}" in shown
    assert "\\u202eright" in shown
    assert "\\x1b[31mred" in shown
    assert " ".join(HOSTILE[0].split()) in shown


def test_without_scripts_there_are_the_front_and_the_result(thirty: Path) -> None:
    elements = Elements(thirty.read_text("utf-8"))
    shown = " ".join(elements.texts)
    assert "7 are on the front" in shown
    assert "The smallest net within 1 point of its dense net is" in shown
    with (thirty.parent / "pareto.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["row"] == "front"]
    listed = [row for row in rows if float(row["val_accuracy"]) > 0.89]
    assert 0 < len(listed) < len(rows)
    for row in listed:
        assert percent(float(row["val_accuracy"])) in elements.texts
    assert f"{len(rows) - len(listed)} more nets on the front, more than 10 points below" in shown


def test_every_row_of_a_table_leads_to_its_runs(thirty: Path, comparison: Path) -> None:
    links = re.findall(r'<th scope="row"><a href="[^"]*/runs/([^"]*)"', thirty.read_text("utf-8"))
    assert links[:2] == ["dense", "same"]
    assert "run26a0" in links
    rows = re.findall(r'<th scope="row">(.*?)</th>', comparison.read_text("utf-8"))
    assert all("/#/runs/" in row for row in rows)
    assert rows[0].count("/#/runs/") == 3


def test_the_page_says_what_it_lacks_and_what_made_it(thirty: Path) -> None:
    shown = " ".join(Elements(thirty.read_text("utf-8")).texts)
    assert "over seeds, with n: n = 1 seed: no mean, no standard deviation." in shown
    assert "Met. Baseline and control are measured as the rows are." in shown
    assert "squeezelab study squeezenet_prune\nsqueezelab report squeezenet_prune" in shown
    assert "provenance.json" in shown


def test_of_very_many_trials_a_page_has_the_front_and_some_others_and_says_so(
    thirty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_study, "MOST_TRIALS", 4)
    page = written(study_of_thirty(), tmp_path)
    every, some = block(thirty), block(page)
    trials = [label for label in some["labels"] if isinstance(label, int)]
    front = {some["labels"][at] for at in some["front"]}
    assert front == {every["labels"][at] for at in every["front"]}
    assert set(trials) == front | set(range(0, 30, 8))
    said = f"{len(trials)} of 30 trials: the front, and of the others one in 8"
    assert said in " ".join(Elements(page.read_text("utf-8")).texts)
    assert "trials: the front" not in thirty.read_text("utf-8")
    with (tmp_path / "trials.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 30


def test_a_study_of_which_nothing_has_finished_has_a_page(nothing: Path) -> None:
    shown = " ".join(Elements(nothing.read_text("utf-8")).texts)
    assert "none is on the front" in shown
    assert block(nothing)["failed"] == {"0": "diverged"}


def test_numbers_are_written_in_few_digits_only_where_a_reader_sees_the_same() -> None:
    share = Field(name="share", head="share", format="percent", text=FORMATS["percent"])
    assert short(share, 0.98803827) == 0.98804
    number = Field(name="r2", head="R2", format="decimals", text=FORMATS["decimals"])
    # 0.1234, where five digits would be shown as 0.1235
    assert short(number, 0.123449996) == 0.123449996
    assert short(share, 3.0) == 3
    assert short(share, float("inf")) is None
    assert short(share, True) is None
