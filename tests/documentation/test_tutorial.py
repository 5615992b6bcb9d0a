"""The tutorial: both languages say the same, every command works, every table is filled from our
runs."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs import tutorial

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ((ROOT / path).read_text("utf-8") for path in tutorial.PAGES)
COMMANDS = tutorial.commands(ENGLISH)
STUDIES = [command for command in COMMANDS if command.startswith("make study")]
SHORT = ("train.epochs=1", "train.warmup_epochs=0", "train.batch_size=64", "compress.0.epochs=1")


def cells(text):
    """The numbers of every table."""
    rows = [
        line for line in text.splitlines() if line.startswith("| ") and re.search(r"\d\.\d", line)
    ]
    return [re.findall(r"\d[\d.,]*", row) for row in rows]


def emptied(text):
    """The page without its tables."""
    return tutorial.PLACE.sub(r"\1\3", text)


def test_tables_are_filled_where_a_page_has_none():
    trial = {
        "val_accuracy": "0.9",
        "params_nonzero": "1000",
        "params_total": "2000",
        "size_tflite_bytes": "3000",
    }
    trial |= {"size_tflite_compressed_bytes": "400", "baseline.size_tflite_compressed_bytes": "800"}
    steps = [tutorial.Step("net", "digits", [trial] * 4) for _ in STUDIES]
    for text, language in ((ENGLISH, "en"), (CHINESE, "zh")):
        assert cells(emptied(text)) == []
        assert len(cells(tutorial.filled(emptied(text), steps, language))) == 5 * len(STUDIES)


def test_both_languages_have_the_same_commands_code_and_numbers():
    assert tutorial.commands(CHINESE) == COMMANDS
    assert re.findall(r"```python.*?```", ENGLISH, re.DOTALL) == re.findall(
        r"```python.*?```", CHINESE, re.DOTALL
    )
    assert cells(ENGLISH) == cells(CHINESE)
    assert len(cells(ENGLISH)) == 5 * len(STUDIES)  # four rows each, and one in the last table
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (ENGLISH, CHINESE)]
    assert levels[0] == levels[1]


def test_the_study_shown_is_the_study_that_runs():
    (shown,) = re.findall(r"```python\n(.*?)```", ENGLISH, re.DOTALL)
    assert shown in (ROOT / "studies" / "prune_and_quantize.py").read_text("utf-8")


def test_it_names_nets_of_every_kind():
    nets = {tutorial.label(tutorial.settings_of(command)[1]).split()[0] for command in STUDIES}
    assert nets == {
        "lenet5",
        "squeezenet",
        "squeezenet_se",
        "lstm",
        "transformer",
        "image_text",
        "image_audio",
    }


def test_there_is_a_table_for_each_study():
    for text in (ENGLISH, CHINESE):
        assert len(re.findall("<!-- table -->", text)) == len(STUDIES)
        assert len(re.findall("<!-- all -->", text)) == 1


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with the shipped studies and reports, for runs of one epoch."""
    root = tmp_path_factory.mktemp("tutorial")
    for name in ("studies", "reports"):
        shutil.copytree(
            ROOT / name, root / name, ignore=shutil.ignore_patterns("out", "__pycache__")
        )
    return root


NAMES = {command: tutorial.label(tutorial.settings_of(command)[1]) for command in STUDIES}
# small nets: the others are tried once
WHOLE = ("lenet5 preset=tutorial", "lstm units=128", "image_audio")
# the first two kinds run in `make test`, all in `make test-all`
FAST = ("lenet5 preset=tutorial", "lstm units=128")


def test_the_small_nets_are_among_them():
    assert {*WHOLE, *FAST} <= set(NAMES.values())


IN_SHORT = [
    pytest.param(command, id=name, marks=[] if name in FAST else [pytest.mark.slow])
    for command, name in NAMES.items()
]


@pytest.mark.parametrize("command", IN_SHORT)
def test_each_study_runs_in_short(command, project):
    name, settings = tutorial.settings_of(command)
    trials = () if NAMES[command] in WHOLE else ("trials=1",)
    words = [word for setting in (*settings, *SHORT, *trials) for word in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, "-m", "framework", "study", name, *words],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # after one epoch it may be no better than chance, and the table says so
    # one that chooses between methods ends with their comparison
    assert "| baseline" in done.stdout or "| dense" in done.stdout


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in STUDIES])
def test_each_other_command_runs(command):
    done = subprocess.run(
        shlex.split(command), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_every_command_runs_as_it_stands(tmp_path):
    """In a fresh checkout, as a reader types them.

    The tables are then made from what they measured.
    """
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "fresh")], check=True)
    # without tables: those that were committed must not pass for new ones
    for path in tutorial.PAGES:
        (tmp_path / "fresh" / path).write_text(emptied((ROOT / path).read_text("utf-8")), "utf-8")
    done = subprocess.run(
        ["make", "tutorial"], cwd=tmp_path / "fresh", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for path, text in zip(tutorial.PAGES, (ENGLISH, CHINESE), strict=True):
        again = (tmp_path / "fresh" / path).read_text("utf-8")
        assert [len(row) for row in cells(again)] == [len(row) for row in cells(text)]
