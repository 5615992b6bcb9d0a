"""The list of all messages, what notices one that no test reaches, and those that no other test
meets: each is made, and its way out is gone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import messages_support
import noted_errors
import numpy as np
import pytest
from filelock import FileLock
from message_list import Message, messages
from messages_support import unmet
from studies_support import never_killed

from framework import Study, Train, use
from framework.contracts import Catalog, DataInfo, Mask, WeightKey, architectures, datasets
from framework.datasets._sources import tfds_folder
from framework.datasets._sources.cached import prepared
from framework.display.card_facts import _stored_digest
from framework.display.describe import describe
from framework.errors import (
    DataUnavailable,
    DuplicateName,
    InvalidStudy,
    InvalidValue,
    SqueezelabError,
    StudyLocked,
    TrialDiverged,
    TrialError,
    UnknownName,
    UserError,
)
from framework.maintenance import cache, forget, scaffold
from framework.nn.saved.file import Unusable
from framework.planning.own_plugins import catalog_of
from framework.report import run_report
from framework.results.record import Run
from framework.runner.stage_checks import check_finite, check_keeps
from framework.strategies import random_prune
from framework.system import paths
from framework.system.locks import study_lock
from framework.system.modules import module_at
from framework.tracking import database
from framework.tracking.tables.deletion import Database

CATALOG = Catalog()
IMAGE = DataInfo("classes", 10, {"image": (28, 28, 1)})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "studies").mkdir()
    return tmp_path


# --- the list -------------------------------------------------------------------------------------

SOURCE = '''"""A module."""
class Odd(InvalidValue):
    """Of the tree, by way of another class."""

def wrong(what: str) -> InvalidValue:
    return InvalidValue(what, todo="Mend it.")

def check(value: int) -> None:
    if value > 3:
        raise wrong(
            f"{value} is too much.",
        )
    raise Odd("Odd.")
'''


@pytest.fixture
def listed(tmp_path: Path) -> list[Message]:
    package = tmp_path / "framework"
    package.mkdir()
    (package / "errors.py").write_text(
        "class SqueezelabError(Exception): ...\nclass InvalidValue(SqueezelabError): ...\n"
    )
    (package / "mine.py").write_text(SOURCE)
    return messages(package)


def test_the_list_has_every_class_of_the_tree_and_every_call_of_what_makes_one(
    listed: list[Message],
) -> None:
    assert [(message.first, message.kind) for message in listed] == [
        (6, "InvalidValue"),
        (10, "wrong"),
        (13, "Odd"),
    ]
    assert listed[1].words == ("{value} is too much.",)
    assert listed[0].words == ("{what}", "Mend it.")


def test_a_message_that_no_test_reaches_is_found(listed: list[Message]) -> None:
    assert unmet(listed, set()) == listed
    # any line of the call, and only of its file
    places = {("framework/mine.py", 6), ("framework/mine.py", 12), ("framework/other.py", 13)}
    assert [message.kind for message in unmet(listed, places)] == ["Odd"]


def test_messages_of_what_is_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    of_cluster = Message("framework/runner/engine/cluster/nodes.py", 1, 1, "warning", ("x",))
    other = Message("framework/errors.py", 1, 1, "warning", ("x",))
    for library, left in (("json", [of_cluster, other]), ("no_such_library", [other])):
        folders = dict.fromkeys(messages_support.OF_EXTRAS, library)
        monkeypatch.setattr(messages_support, "OF_EXTRAS", folders)
        assert list(filter(messages_support.can_be_met, (of_cluster, other))) == left


def test_an_error_that_is_made_is_noted_with_its_callers() -> None:
    with pytest.raises(InvalidValue):
        Study(dataset=use("digits"), architecture=use("lenet5"), trials=0)
    lines = {line for path, line in noted_errors.met if path == "framework/study/checks.py"}
    [here] = [one for one in messages() if "is a whole number, at least" in one.words[0]
              and one.path == "framework/study/checks.py"]  # fmt: skip
    assert lines & set(range(here.first, here.last + 1))
    assert hasattr(Unusable.__new__, "__wrapped__") or SqueezelabError.noted  # type: ignore[attr-defined]


def test_the_tree_has_hundreds_of_messages_and_each_begins_with_a_sentence() -> None:
    every = messages()
    assert len(every) > 250
    for message in every:
        first = message.words[0] if message.words else ""
        if message.kind in ("InvalidValue", "InvalidStudy", "UserError", "SqueezelabError"):
            assert first[-1:] in ".:{}", message.line()


# --- studies and nets -----------------------------------------------------------------------------


def test_train_is_a_value_of_its_class() -> None:
    with pytest.raises(InvalidValue, match="train is a Train"):
        Study(dataset=use("digits"), architecture=use("lenet5"), train={"epochs": 3})  # type: ignore[arg-type]
    assert Study(dataset=use("digits"), architecture=use("lenet5"), train=Train(epochs=3))


def test_heads_share_the_width_of_a_transformer() -> None:
    with pytest.raises(InvalidValue, match="equal share of d_model") as told:
        architectures.build("transformer", {"d_model": 10, "heads": 4})
    # the way out: the number that it names
    width = int(told.value.todo.rstrip(".").rpartition(" ")[2])
    assert architectures.build("transformer", {"d_model": width, "heads": 4})


@pytest.mark.parametrize("name", ["lstm", "image_text"])
def test_a_net_of_one_sequence_or_text_says_so(name: str) -> None:
    with pytest.raises(InvalidStudy, match="reads one") as told:
        architectures.build(name, {}).input_shapes(IMAGE)
    assert "make list" in told.value.todo


def test_an_input_of_one_shape_says_so() -> None:
    with pytest.raises(InvalidStudy, match="one shape only"):
        prepared("x", np.zeros((5, 3), np.float32), (4,))
    assert prepared("x", np.zeros((5, 3), np.float32), (3,)).shape == (5, 3)


@pytest.mark.parametrize(
    ("values", "keep", "error", "said"),
    [
        (np.array([[np.nan]]), (), TrialDiverged, "not finite after the last step, in: head"),
        (
            np.array([[1.0]]),
            (Mask(WeightKey("head", 0), np.array([[True]])),),
            TrialError,
            "shrink has undone zeros",
        ),
    ],
)
def test_what_a_step_has_broken_is_told(
    values: Any, keep: Any, error: type[Exception], said: str
) -> None:
    stage = SimpleNamespace(
        weights={WeightKey("head", 0): values},
        keeps=keep,
        steps=[SimpleNamespace(strategy="shrink")],
    )
    check = check_keeps if keep else check_finite
    with pytest.raises(error, match=said):
        check(stage)  # type: ignore[arg-type]


def test_proportions_of_a_run_are_read_or_refused() -> None:
    with pytest.raises(InvalidValue, match="layer/position:zeros"):
        random_prune.from_text("head/0:many")
    assert random_prune.from_text("head/0:3") == {WeightKey("head", 0): 3}


# --- data -----------------------------------------------------------------------------------------


def damaged(*_: object, **__: object) -> None:
    raise tfds_folder.DamagedRecords("Records cannot be read.", given="train: checksum")


def test_prepared_data_of_somebody_else_that_is_damaged_is_not_mended(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = datasets.build("mnist", {})
    monkeypatch.setattr(type(dataset), "_source", lambda self, root: root / "theirs")
    with pytest.raises(DataUnavailable, match=r"prepared data of mnist.* is damaged") as told:
        dataset.read(root, damaged)  # type: ignore[attr-defined]
    assert "TFDS_DATA_DIR" in told.value.todo


def test_records_that_cannot_be_read_are_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("checksum")

    fake = SimpleNamespace(
        builder_from_directory=lambda folder: SimpleNamespace(as_dataset=broken), as_numpy=list
    )
    monkeypatch.setattr(tfds_folder, "load_tfds", lambda: fake)
    with pytest.raises(tfds_folder.DamagedRecords, match="cannot be read"):
        list(tfds_folder.samples(root, "train"))


# --- files of a project ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [("x = 1 / 0\n", r"ZeroDivisionError.* \(line 1\)"), ("def\n", "SyntaxError")],
)
def test_a_file_of_the_project_that_does_not_load_is_told_with_its_line(
    root: Path, text: str, said: str
) -> None:
    for folder in ("plugins", "reports"):
        (root / folder).mkdir()
        (root / folder / "mine.py").write_text(text)
    with pytest.raises(InvalidValue, match=r"plugins/mine\.py does not load") as told:
        catalog_of(root)
    assert not (root / "mlflow.db").exists()
    with pytest.raises(InvalidValue, match=said):
        module_at(root / "reports" / "mine.py", "own_report", "reports/mine.py")
    assert told.value.todo == "Mend the file."


def test_a_report_file_that_does_not_load_is_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    project = never_killed(tmp_path_factory.getbasetemp(), 5)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "mine.py").write_text("import nonesuch\n")
    with pytest.raises(InvalidValue, match=r"reports/mine\.py does not load"):
        run_report(project.store(), "tiny", root=tmp_path, out=tmp_path / "out", kind="mine")


def test_names_for_a_new_file(root: Path) -> None:
    with pytest.raises(UnknownName, match="no kind called 'stragety'") as told:
        scaffold.make(root, "stragety", "mine", catalog=CATALOG)
    assert "strategy" in told.value.given
    scaffold.make(root, "study", "mine", catalog=CATALOG)
    with pytest.raises(DuplicateName, match="'mine' is taken"):
        scaffold.make(root, "study", "mine", catalog=CATALOG)
    with pytest.raises(InvalidValue, match="cannot be a name") as told:
        scaffold.make(root, "study", "Mine", catalog=CATALOG)
    assert scaffold.make(root, "study", told.value.todo.rstrip(".").rpartition(" ")[2],
                         catalog=CATALOG)  # fmt: skip


def test_what_is_nothing_is_told_with_what_there_is(root: Path) -> None:
    with pytest.raises(UnknownName, match="no study, plug-in or run called 'lenet_5'") as told:
        describe(root, "lenet_5", settings=[])
    assert told.value.given == "Did you mean 'lenet5'?"
    assert describe(root, "lenet5", settings=[])
    with pytest.raises(UnknownName, match="no study with runs, artifacts or reports"):
        forget.find(root, "mine")


def test_what_is_at_work_is_left_alone(root: Path) -> None:
    with study_lock(root, "mine"):
        with pytest.raises(StudyLocked, match="at work with the cache"):
            cache.refuse_if_busy(root)
        with pytest.raises(StudyLocked, match="mine is being run"), study_lock(root, "mine"):
            raise AssertionError
    # the way out: wait until it ends
    cache.refuse_if_busy(root)


def test_a_store_that_another_process_makes_for_ever(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUILD_SECONDS", 0.05)
    workplace = paths.store_workplace(root)
    workplace.mkdir(parents=True)
    made: list[Path] = []
    with FileLock(workplace / "lock"), pytest.raises(SqueezelabError, match="creating the store"):
        database.create_once(root / "mlflow.db", made.append)
    assert not made


def test_runs_on_a_server_are_deleted_there(root: Path) -> None:
    with pytest.raises(UserError, match="only there they can be deleted") as told:
        Database(root, "https://lab:secret@runs.example")
    assert "secret" not in str(told.value)


# --- runs -----------------------------------------------------------------------------------------


def test_a_manifest_without_a_file_is_told() -> None:
    store = SimpleNamespace(artifact=lambda run_id, name: b"[]")
    run = Run("id", "trial 0", "FINISHED", {}, {}, {})
    with pytest.raises(SqueezelabError, match="names no file"):
        _stored_digest(store, run)  # type: ignore[arg-type]
