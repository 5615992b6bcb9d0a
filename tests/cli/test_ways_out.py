"""The way out that a message names, taken: a mistake on the command line, then what it says."""

from __future__ import annotations

import re
import shutil

import pytest
from studies_support import Project, never_killed

from framework.errors import UserError

MEANT = "Did you mean '(.*)'"
# the mistake, which of the words that are said is taken, and the command with it in place of {}
MISTAKES = {
    "a study": ("show tinny", MEANT, "show {}"),
    "a key": ("show tiny --set tirals=4", MEANT, "show tiny --set {}=4"),
    "a knob": (
        "show tiny --set architecture.unit_1=8",
        MEANT,
        "show tiny --set architecture.{}=8",
    ),
    "a strategy": ("show tiny --set compress.0=qatt", MEANT, "show tiny --set compress.0={}"),
    "no value": ("show tiny --set trials", r"For example (\S+?),", "show tiny --set {}"),
    "a sampler": ("show tiny --set sampler=tp", r"Allowed: (\w+)", "show tiny --set sampler={}"),
    "a range": (
        "show tiny --set compress.0.sparsity=2",
        r"at least ([\d.]+)",
        "show tiny --set compress.0.sparsity={}",
    ),
    "a step left out": (
        "show tiny --set compress.0=None --set compress.0.sparsity=0.5",
        r"Choose a plug-in first: (compress\.0)=",
        "show tiny --set {}=qat",
    ),
    "a step that is none": (
        "show tiny --set compress.4.sparsity=0.5",
        r"(compress)=NAME\+NAME",
        "show tiny --set {}=magnitude_prune+qat",
    ),
    "a trial": ("show tiny:99", r"squeezelab report (.*)\.", "report {}"),
    "a run": ("diff a b", r"or (NAME):12", "diff tiny:0 tiny:1"),
    "a study and a run": ("diff tiny tiny:0", "A trial of it is a run: (.*):12", "diff {}:0 {}:1"),
    "an id": ("show abcdef0", r"squeezelab (report) NAME", "{} tiny"),
    "an ending": ("export tiny:0 net.bin", r"For example OUT=(.*)\.", "export tiny:0 {}"),
    "a file that is there": (
        "export tiny:0 taken.tflite",
        r"allow it: .*\((--force)\)",
        "export tiny:0 taken.tflite {}",
    ),
    "a folder": ("export tiny:0 no/net.tflite", "(Make it)", "export tiny:0 reports/net.tflite"),
    "a report": ("report tiny --kind parto", MEANT, "report tiny --kind {}"),
    "a kind": ("new stratgy mine", MEANT, "new {} mine"),
    "a name that is taken": ("new study tiny", "(Choose another)", "new study tiny_2"),
    "a cache": ("clean-cache", "(--yes)", "clean-cache {}"),
    "all runs": ("forget tiny", "(--yes)", "forget tiny {}"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished study, which the table changes: what deletes stands last in it."""
    root = tmp_path_factory.mktemp("ways") / "out"
    shutil.copytree(never_killed(tmp_path_factory.getbasetemp(), 5).root, root)
    (root / "taken.tflite").touch()
    return Project(root)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_way_out_that_a_message_names_works(
    mistake: str,
    finished: Project,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    wrong, words, right = MISTAKES[mistake]
    assert finished.exit_code(*wrong.split()) == UserError.exit_code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    taken = re.search(words, said)
    assert taken, said
    assert finished.exit_code(*right.format(*[taken[1]] * 2).split()) == 0, capsys.readouterr().err
