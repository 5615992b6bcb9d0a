"""data, new, doctor, forget, clean-cache: real processes on a project of their own, wrong uses
included."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_support import ROOT, listing, refused, squeezelab
from filelock import FileLock
from studies_support import REPOSITORY, Project, integrity, never_killed, prepared

from framework.maintenance.scaffold import KINDS

HEAVY = {
    "tensorflow",
    "tf_keras",
    "keras",
    "tensorflow_model_optimization",
    "tensorflow_datasets",
    "ai_edge_litert",
}
NOWHERE = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"
)
SMALL = '''"""Digits that somebody else has prepared."""

from dataclasses import dataclass

from framework.contracts import DataInfo, dataset
from framework.datasets._sources.cached import TfdsDataset


@dataset("small", version=1)
@dataclass(frozen=True, kw_only=True)
class Small(TfdsDataset):
    """The digits, as if they were downloaded.  Source: written for this test."""

    info = DataInfo(task="classes", classes=10, inputs={"image": (8, 8, 1)})
    builder = "digits"
    builder_version = "1.0.0"
    calibration_size = 50
    validation_size = 50
    download = "http://127.0.0.1:9/digits"
'''
# what `make` reads
SET_UP = ("pyproject.toml", "Makefile", "requirements.lock", "requirements-cluster.lock")
IGNORED = shutil.ignore_patterns("__pycache__", "out")
QUICK = ["--set", "trials=2", "--set", "train.epochs=2", "--set", "train.warmup_epochs=0"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project without a package of its own, in which nothing was done yet."""
    (tmp_path / "project" / "studies").mkdir(parents=True)
    return tmp_path / "project"


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A project with the shipped studies and reports, and no package of its own."""
    root = tmp_path / "project"
    for name in ("studies", "reports"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=IGNORED)
    return root


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is a checkout: the package lies in it."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    root = tmp_path / "checkout"
    for name in ("framework", "studies", "reports", "tests"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=IGNORED)
    for name in SET_UP:
        shutil.copy(REPOSITORY / name, root)
    return root


@pytest.fixture
def finished(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose study `tiny` has run to its end, moved to another folder."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(never_killed(base, 3).root, tmp_path / "project")
    return Project(tmp_path / "project")


def answered(folder: Path, answer: str, *arguments: str) -> str:
    """What a command says at a terminal where its question is answered so."""
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "framework", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


# --- data -----------------------------------------------------------------------------------------


def test_data_says_where_each_one_is(base: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(prepared(base), root)
    before = listing(root)
    done = squeezelab(root, "data", **NOWHERE)
    assert (done.returncode, done.stderr) == (0, "")
    told = " ".join(done.stdout.split())
    assert "digits cached" in told
    assert (
        "mnist not here. Run once with a network, or set TFDS_DATA_DIR to a folder that has "
        "mnist/3.0.1" in told
    )
    assert listing(root) == before


def test_data_alone_loads_no_tensorflow(empty: Path) -> None:
    code = "import sys; sys.argv = ['squeezelab', 'data']\nfrom framework.cli import main\n"
    code += "try: main()\nfinally: print(*sys.modules)"
    environment = os.environ | NOWHERE | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert "digits" in done.stdout
    assert "framework" in lines[-1].split()
    assert not HEAVY & set(lines[-1].split())


def test_data_prepares_one(empty: Path) -> None:
    assert "made by rule" in squeezelab(empty, "data", **NOWHERE).stdout
    done = squeezelab(empty, "data", "digits")
    assert (done.returncode, done.stdout.split()) == (0, ["digits", "cached"])
    assert len(list((empty / ".cache" / "data").glob("digits-*/train.npz"))) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mnst"], "Did you mean 'mnist'?"),
        (["mnist"], "or set TFDS_DATA_DIR to a folder that has mnist/3.0.1"),
    ],
)
def test_data_that_cannot_be_had(empty: Path, arguments: list[str], said: str) -> None:
    before = {*listing(empty), ".cache", ".cache/data", ".cache/data/mnist.lock"}
    done = squeezelab(empty, "data", *arguments, **NOWHERE)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert set(listing(empty)) <= before


def test_data_of_somebody_else_is_only_read(base: Path, checkout: Path, tmp_path: Path) -> None:
    (checkout / "framework" / "datasets" / "small.py").write_text(SMALL, "utf-8")
    theirs = tmp_path / "theirs"
    shutil.copytree(prepared(base) / ".cache" / "tfds" / "digits", theirs / "digits")
    before = {path: path.stat().st_mtime_ns for path in theirs.rglob("*")}
    told = " ".join(
        squeezelab(checkout, "data", TFDS_DATA_DIR=str(theirs), **NOWHERE).stdout.split()
    )
    assert f"small prepared in {theirs}/digits/1.0.0, read-only" in told
    assert squeezelab(
        checkout, "data", "small", TFDS_DATA_DIR=str(theirs), **NOWHERE
    ).stdout.split() == [
        "small",
        "cached",
    ]
    assert {path: path.stat().st_mtime_ns for path in theirs.rglob("*")} == before
    assert not (checkout / ".cache" / "tfds").exists()


# --- new ------------------------------------------------------------------------------------------


def test_what_new_writes_works_untouched(checkout: Path) -> None:
    made = [squeezelab(checkout, "new", kind, f"my_{kind}").stdout.strip() for kind in KINDS]
    assert made == [
        "studies/my_study.py",
        "plugins/my_strategy.py",
        "plugins/my_architecture.py",
        "plugins/my_dataset.py",
        "plugins/my_metric.py",
        "reports/my_report.py",
    ]
    for path in made:
        text = (checkout / path).read_text("utf-8")
        assert "new_name" not in text
        assert "NewName" not in text
        assert text.count("#") >= 3  # it says what to change
    for arguments in (["check", *made], ["format", "--check", *made]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *arguments],
            cwd=checkout,
            check=True,
            capture_output=True,
        )
    checked = squeezelab(checkout, "check")
    assert checked.returncode == 0
    assert "ok     my_study" in checked.stdout

    contract = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "framework.testing.test_plugins",
        "-k",
        "my_",
    ]
    done = subprocess.run(
        contract,
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 40  # type: ignore[index]

    theirs = [*QUICK, "--set", "dataset=my_dataset", "--set", "compress=my_strategy"]
    theirs += ["--set", "compress.0.sparsity=Float(0.5,0.9)"]
    ran = squeezelab(checkout, "study", "my_study", *theirs)
    assert ran.returncode == 0, ran.stderr
    assert "| trial " in ran.stdout
    told = squeezelab(checkout, "report", "my_study", *theirs, "--kind", "my_report")
    assert told.returncode == 0, told.stderr
    (page,) = checkout.glob("reports/out/my_study@*/my_report.md")
    assert "\nbaseline | " in page.read_text("utf-8")
    assert "2 finished trials, 0 failed" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["strategi", "mine"], "Did you mean 'strategy'?"),
        (["study", "lenet5_prune"], "By: studies/lenet5_prune.py."),
        (["study", "digits"], "By: the dataset digits."),
        (["strategy", "identity"], "By: the strategy identity."),
        (["architecture", "accuracy"], "By: the metric accuracy."),
        (["report", "pareto"], "reports/pareto.py"),
        (["strategy", "class"], "a word of Python"),
        (["strategy", "../mine"], "This cannot be a name."),
        (["strategy"], "See: squeezelab new --help"),
    ],
)
def test_a_mistake_in_new(shipped: Path, arguments: list[str], said: str) -> None:
    assert said in refused(shipped, "new", *arguments)


def test_a_plug_in_needs_no_checkout(empty: Path) -> None:
    assert squeezelab(empty, "new", "strategy", "my_prune").stdout == "plugins/my_prune.py\n"
    assert "(strategy)" in squeezelab(empty, "show", "my_prune").stdout
    assert squeezelab(empty, "new", "study", "mine").stdout == "studies/mine.py\n"
    assert "ok     mine" in squeezelab(empty, "check").stdout


# --- doctor ---------------------------------------------------------------------------------------


def found(text: str) -> dict[str, str]:
    """What was looked at -> the level."""
    return {line[7:].split(":")[0]: line.split()[0] for line in text.splitlines()}


def test_doctor_finds_nothing_in_an_empty_project(empty: Path) -> None:
    done = squeezelab(empty, "doctor", **NOWHERE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "WRONG" not in done.stdout
    assert found(done.stdout)["data set mnist"] == "hint"
    assert listing(empty) == {"studies": listing(empty)["studies"]}


def test_doctor_changes_nothing_and_sees_that_the_folder_was_moved(
    finished: Project, base: Path
) -> None:
    before, store = listing(finished.root), (finished.root / "mlflow.db").read_bytes()
    done = squeezelab(finished.root, "doctor", **NOWHERE)
    assert done.returncode == 0, done.stdout
    assert f"hint   folder: moved here from {never_killed(base, 3).root}" in done.stdout
    assert "ok     runs: 6 finished, each with its files" in done.stdout
    assert listing(finished.root) == before
    assert (finished.root / "mlflow.db").read_bytes() == store


def test_doctor_sees_what_is_broken(finished: Project) -> None:
    root = finished.root
    weights = next((root / ".cache" / "baselines").glob("*/weights.npz"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    next((root / ".cache" / "sealed").glob("digits-*.npz")).write_bytes(b"not what was written")
    store = finished.store()  # from now on it knows the files in this folder only
    shutil.rmtree(root / ".artifacts" / "tiny" / finished.runs("trial")[0].run_id)
    (root / ".cache" / "data" / "digits-00000000.part").mkdir()
    store.begin(
        "tiny", role="trial", name="left", tags={"host": "nobody", "trial": "000009"}, params={}
    )
    done = squeezelab(root, "doctor", TFDS_DATA_DIR="/no/such/folder", **NOWHERE)
    assert done.returncode == 1
    told = found(done.stdout)
    for what in ("TFDS_DATA_DIR", "cached data", "cached baselines", "runs"):
        assert told[what] == "WRONG", done.stdout
    for what in ("left over", "study tiny"):
        assert told[what] == "hint", done.stdout
    assert f"damaged: .cache/baselines/{weights.parent.name};" in done.stdout
    assert "1 of 6 finished runs have no files" in done.stdout
    assert "squeezelab study tiny closes them" in done.stdout


@pytest.mark.parametrize("content", [b"no database at all", b""], ids=["other", "cut"])
def test_doctor_sees_a_store_that_does_not_open(finished: Project, content: bytes) -> None:
    file = finished.root / "mlflow.db"
    file.write_bytes(content or file.read_bytes()[: file.stat().st_size // 2])
    done = squeezelab(finished.root, "doctor", **NOWHERE)
    assert done.returncode == 1
    assert found(done.stdout)["store"] == "WRONG"
    assert "Traceback" not in done.stderr
    assert "put a backup there" in done.stdout


# --- forget ---------------------------------------------------------------------------------------


def test_forget_asks_and_after_it_the_study_begins_from_the_start(finished: Project) -> None:
    root = finished.root
    store = finished.store()
    store.close(store.begin("other", role="trial", name="trial 0", tags={}, params={}), "KILLED")
    (root / "reports" / "out" / "tiny@12345678").mkdir()
    kept = finished.runs("trial", "other")
    told = answered(root, "n", "forget", "tiny")
    assert "runs: 1 study, 1 baseline, 1 control, 3 trial" in told
    assert re.search(r"\.artifacts/tiny: [\d.]+ [kM]B", told)
    assert "Nothing was deleted." in told
    assert len(finished.runs("trial")) == 3
    assert "Forgotten: tiny." in answered(root, "y", "forget", "tiny")
    assert finished.runs("trial") == []
    assert list((root / ".artifacts").iterdir()) == []
    assert list((root / "reports" / "out").iterdir()) == []
    assert (root / "studies" / "tiny.py").exists()
    assert finished.runs("trial", "other") == kept
    assert integrity(root) == "ok"
    assert finished.study("tiny", "trials=1").ran == 1
    assert [run.number for run in finished.runs("trial")] == [0]


def test_forget_frees_a_name_that_was_deleted_in_the_ui(finished: Project) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{finished.root}/mlflow.db")
    client.delete_experiment(client.get_experiment_by_name("tiny").experiment_id)
    assert finished.exit_code("study", "tiny", "--fresh") == 2
    done = squeezelab(finished.root, "forget", "tiny", "--yes")
    assert done.returncode == 0, done.stderr
    assert "runs: 6 deleted in the UI" in done.stdout
    assert finished.store().studies() == []
    finished.store().begin("tiny", role="study", name="study", tags={}, params={})
    assert finished.store().studies() == ["tiny"]


def test_forget_without_a_terminal_wants_yes(finished: Project) -> None:
    before = listing(finished.root / ".artifacts")
    done = squeezelab(finished.root, "forget", "tiny")
    assert done.returncode == 2
    assert "3 trial" in done.stdout
    assert "To delete it without a question: --yes" in done.stderr
    assert listing(finished.root / ".artifacts") == before
    assert len(finished.runs("trial")) == 3


def test_forget_of_what_is_no_study(finished: Project) -> None:
    finished.store()  # which lets it follow its folder
    told = refused(finished.root, "forget", "tny", "--yes")
    assert "Did you mean 'tiny'?" in told


@pytest.mark.parametrize("command", [["forget", "tiny", "--yes"], ["clean-cache", "--yes"]])
def test_nothing_is_deleted_while_the_study_runs(finished: Project, command: list[str]) -> None:
    finished.store()
    with FileLock(finished.root / ".cache" / "locks" / "tiny.lock"):
        before = listing(finished.root)
        done = squeezelab(finished.root, *command)
    assert done.returncode == 75
    assert "Wait until it ends, or stop it there" in done.stderr
    assert listing(finished.root) == before


# --- clean-cache ----------------------------------------------------------------------------------


def test_clean_cache_asks_and_the_results_stay(finished: Project) -> None:
    root = finished.root
    told = answered(root, "n", "clean-cache")
    for words in (
        ".cache/baselines: trained dense nets",
        ".cache/sealed: test splits",
        ".cache/tfds: data sets",
    ):
        assert words in told
    assert (root / ".cache" / "tfds").exists()
    assert squeezelab(root, "clean-cache").returncode == 2
    assert (root / ".cache" / "tfds").exists()
    assert "Deleted: " in answered(root, "y", "clean-cache")
    assert [path.name for path in (root / ".cache").iterdir()] == ["locks"]
    again = squeezelab(root, "clean-cache", "--yes")
    assert (again.returncode, again.stdout) == (0, "")
    assert "There is nothing in .cache." in again.stderr
    assert finished.study("tiny").ran == 0
    assert finished.study("tiny", "trials=4").ran == 1  # what it needs is made again


# --- make -----------------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A checkout whose interpreter only prints the words it is given, to try `make` on."""
    root = tmp_path / "made"
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\n', "utf-8")
    python.chmod(0o755)
    for name in SET_UP:
        shutil.copy(REPOSITORY / name, root)
    key = subprocess.run(
        "pwd | cksum | tr ' ' -",
        shell=True,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    (root / ".venv" / f"ready-{key.stdout.strip()}").touch()
    return root


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["data"], ["data"]),
        (["data", "NAME=digits"], ["data", "digits"]),
        (["new", "KIND=strategy", "NAME=a b"], ["new", "strategy", "a b"]),
        (["doctor"], ["doctor"]),
        (["forget", "NAME=x"], ["forget", "x"]),
        (["forget", "NAME=x", "YES=1"], ["forget", "x", "--yes"]),
        (["forget", "NAME=x", "YES=0"], ["forget", "x"]),
        (["clean-cache"], ["clean-cache"]),
        (["clean-cache", "YES=1"], ["clean-cache", "--yes"]),
        (["report", "NAME=x", "KIND=mine"], ["report", "x", "--kind", "mine"]),
    ],
)
def test_make_hands_its_words_on(made: Path, words: list[str], given: list[str]) -> None:
    done = subprocess.run(
        ["make", "-s", *words],
        cwd=made,
        env=os.environ | {"YES": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["[-m]", "[framework]", *(f"[{word}]" for word in given)], (
        done.stderr
    )


HOSTILE = "x; touch ran; echo `touch ran` $(touch ran) $(shell touch ran) | touch ran"


@pytest.mark.parametrize(
    "target",
    [
        *("study", "report", "check", "show", "confirm", "data", "new", "forget", "export"),
        "export-optuna",
        *("reproduce", "screenshots", "recipes", "measurements", "capabilities", "saved-nets"),
    ],
)
def test_make_runs_nothing_that_stands_in_a_name(made: Path, target: str) -> None:
    words = [f"NAME={HOSTILE}", f"SET={HOSTILE}", "TRIAL=1", "OUT=net", f"KIND={HOSTILE}"]
    done = subprocess.run(
        ["make", "-s", target, *words], cwd=made, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.replace("]\n[", " ")
    assert "$(shell touch ran) | touch ran" in told
    assert not (made / "ran").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "KIND=study"], "make new KIND=strategy"),
        (["forget"], "Which study?"),
        (["export-optuna", "NAME=x"], "make export-optuna NAME=squeezenet_prune OUT=study.db"),
        (["setup", "EXTRAS=clustre"], "There is no extra called clustre. Known: cluster"),
    ],
)
def test_make_says_what_is_missing(made: Path, words: list[str], said: str) -> None:
    done = subprocess.run(["make", *words], cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "[framework]" not in done.stdout
