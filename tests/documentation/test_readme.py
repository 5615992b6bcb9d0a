"""The two READMEs say the same, and what they say is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
BOTH = {"README.md": ENGLISH, "README.zh.md": CHINESE}


def headings(text):
    """The levels of the headings, in their order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", without_code(text), re.MULTILINE)]


def without_code(text):
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def fenced(text):
    return re.findall(r"```.*?```", text, re.DOTALL)


def commands(text):
    """Every command of an indented block or in backticks.

    What follows a `#` is a comment, in the page's language.
    """
    blocks = [
        line.split("#")[0].strip() for line in text.splitlines() if line.startswith("    make ")
    ]
    return blocks, re.findall(r"`(make [^`]*)`", without_code(text))


def numbers(text):
    """The rows of tables of results."""
    rows = [
        line for line in text.splitlines() if line.startswith("| ") and re.search(r"\d\.\d\d", line)
    ]
    return [re.findall(r"-?\d[\d.,]*\d\b", row) for row in rows]


def test_the_headings_match():
    assert headings(ENGLISH) == headings(CHINESE)


def test_the_commands_and_the_code_match():
    assert commands(ENGLISH) == commands(CHINESE)
    assert fenced(ENGLISH) == fenced(CHINESE)


def test_the_numbers_in_tables_match():
    assert numbers(ENGLISH)
    assert numbers(ENGLISH) == numbers(CHINESE)


def test_pictures_and_links_match():
    def targets(text):
        return [
            target
            for target in re.findall(r"\]\(([^)]+)\)", text)
            if not target.startswith("README")
        ]

    assert targets(ENGLISH) == targets(CHINESE)


@pytest.mark.parametrize("name", BOTH)
def test_what_a_page_points_to_is_there(name):
    targets = [
        target
        for target in re.findall(r"\]\(([^)]+)\)", BOTH[name])
        if not target.startswith("http")
    ]
    assert targets
    for target in targets:
        assert (ROOT / target).is_file(), target


@pytest.mark.parametrize("name", BOTH)
def test_every_make_target_exists(name):
    blocks, inline = commands(BOTH[name])
    targets = {line.split()[1] for line in (*blocks, *inline)}
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets <= known | {"help"}
    assert {"study", "test", "ui", "diff", "export", "new", "doctor", "forget", "data"} <= targets


def test_every_shipped_study_that_is_named_is_there():
    studies = {path.stem for path in (ROOT / "studies").glob("*.py")}
    named = set(re.findall(r"NAME=(\w+_(?:prune|quantize))\b", ENGLISH))
    assert named - {"threshold_prune"} <= studies


def test_make_help_tells_of_each_target_once():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    told = re.findall(r"^  make ([a-z-]+)", done.stdout, re.MULTILINE)
    assert len(told) == len(set(told))
    assert {
        "study",
        "report",
        "data",
        "new",
        "doctor",
        "forget",
        "clean-cache",
        "diff",
        "export",
        "ui",
    } <= set(told)
