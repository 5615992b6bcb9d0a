"""The command line as a user meets it: real processes, a project of their own, mistakes too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from command_support import refused, squeezelab
from studies_support import never_killed

ROOT = Path(__file__).parents[2]
HEAVY = {
    "tensorflow",
    "tf_keras",
    "keras",
    "tensorflow_model_optimization",
    "tensorflow_datasets",
    "ai_edge_litert",
}
STUDY = (
    '"""How many?"""\n\nfrom framework import Choice, Float, Int, Study, Train, use\n\nSTUDY = '
    "Study({})\n"
)
NET = 'dataset=use("digits"), architecture=use("lenet_300_100")'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The shipped studies and reports in a folder of their own."""
    root = tmp_path / "project"
    for folder in ("studies", "reports"):
        shutil.copytree(
            ROOT / folder, root / folder, ignore=shutil.ignore_patterns("out", "__pycache__")
        )
    return root


def write(project: Path, name: str, parts: str) -> str:
    (project / "studies" / f"{name}.py").write_text(STUDY.format(parts), "utf-8")
    return name


# --- mistakes in a study file ---------------------------------------------------------------------

IN_FILES = {
    "unknown strategy": (
        f'{NET}, compress=[use("magnitude_prun")]',
        [
            "no strategy called 'magnitude_prun'",
            "Did you mean 'magnitude_prune'?",
            "At compress.0.",
            "studies/mine.py",
        ],
    ),
    "unknown knob": (
        f'{NET}, compress=[use("magnitude_prune", sparsty=0.5)]',
        [
            "no knob of magnitude_prune called 'sparsty'",
            "Did you mean 'sparsity'?",
            "sparsity = 0.8",
            "studies/mine.py",
        ],
    ),
    "knob out of range": (
        f'{NET}, compress=[use("magnitude_prune", sparsity=1.5)]',
        [
            "compress.0 (magnitude_prune): sparsity",
            "Given: 1.5.",
            "at most 0.99",
            "studies/mine.py",
        ],
    ),
    "domain out of range": (
        f'{NET}, compress=[use("magnitude_prune", sparsity=Float(0.5, 1.5))]',
        ["compress.0 (magnitude_prune): sparsity", "Given: 1.5.", "studies/mine.py"],
    ),
    "wrong type": (
        f'{NET}, compress=[use("magnitude_prune", sparsity="high")]',
        ["sparsity is a", "Given: 'high'.", "studies/mine.py"],
    ),
    "wrong type of a field": (
        f'{NET}, trials="many"',
        ["trials is a whole number", "studies/mine.py, line 5"],
    ),
    "unknown field of Train": (
        f"{NET}, train=Train(epochz=3)",
        [
            "no argument of Train called 'epochz'",
            "Did you mean 'epochs'?",
            "studies/mine.py, line 5",
        ],
    ),
    "unknown field of Study": (
        f"{NET}, trails=3",
        ["no argument of Study called 'trails'", "Did you mean 'trials'?"],
    ),
    "unknown name": (
        f"{NET}, trials=Chioce(1, 2)",
        ["no name called 'Chioce'", "Did you mean 'Choice'?", "studies/mine.py, line 5"],
    ),
    "unknown objective": (
        f'{NET}, objectives={{"val_acuracy": "max"}}',
        [
            "'val_acuracy'",
            "Did you mean 'val_accuracy'?",
            "Known: accuracy_drop",
            "studies/mine.py",
        ],
    ),
    "data set as a domain": (
        'dataset=Choice(use("digits"), use("mnist")), architecture=use("lenet5")',
        ["never searched", "--set dataset=mnist", "studies/mine.py, line 5"],
    ),
    "infinite domain with grid": (
        f'{NET}, compress=[use("magnitude_prune", sparsity=Float(0.5, 0.9))], sampler="grid"',
        ["compress.0.sparsity has infinitely many", "Float(0.5, 0.9)", "step", "studies/mine.py"],
    ),
    "infinite training domain with grid": (
        f'{NET}, train=Train(learning_rate=Float(1e-4, 1e-2)), sampler="grid"',
        ["train.learning_rate has infinitely many", "studies/mine.py"],
    ),
}


@pytest.mark.parametrize("mistake", IN_FILES)
def test_a_mistake_in_a_study_file(project: Path, mistake: str) -> None:
    parts, said = IN_FILES[mistake]
    told = refused(project, "study", write(project, "mine", parts))
    for words in said:
        assert words in told, told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '"""Q?"""\nfrom framework import use\nSTUDY = Study(\n    dataset=use("digits",\n)\n',
            "studies/mine.py, line 3",
        ),
        (
            '"""Q?"""\nimport os\nSTUDY = 1\n',
            "studies/mine.py, line 2: a study file is a value, not a program.",
        ),
        (
            '"""Q?"""\nfrom framework import Study, use\nfor _ in range(3):\n    STUDY = 1\n',
            "line 3: a study file",
        ),
        ('"""Q?"""\nfrom framework import Chioce\nSTUDY = 1\n', "Did you mean 'Choice'?"),
        ("from framework import Study\nSTUDY = 1\n", "no docstring"),
        ('"""Q?"""\nfrom framework import Study\n', "sets no STUDY"),
        ('"""Q?"""\nSTUDY = 3\n', "STUDY is not a Study."),
        ('"""Q?"""\nSTUDY = 1 / 0\n', "ZeroDivisionError"),
    ],
)
def test_a_file_that_is_no_study(project: Path, text: str, said: str) -> None:
    (project / "studies" / "mine.py").write_text(text, "utf-8")
    told = refused(project, "study", "mine")
    assert said in told
    assert "studies/mine.py" in told


# --- mistakes on the command line -----------------------------------------------------------------

ON_THE_LINE = {
    "unknown study": (
        ["squeeznet_prune"],
        ["no study called 'squeeznet_prune'", "Did you mean 'squeezenet_prune'?"],
    ),
    "unknown override key": (
        ["lenet5_prune", "--set", "tirals=3"],
        ["'tirals'", "Did you mean 'trials'?", "In the override 'tirals=3'."],
    ),
    "unknown training field": (
        ["lenet5_prune", "--set", "train.epoch=3"],
        ["Did you mean 'train.epochs'?", "In the override 'train.epoch=3'."],
    ),
    "no value": (
        ["lenet5_prune", "--set", "trials"],
        ["written KEY=VALUE", "In the override 'trials'."],
    ),
    "unknown strategy": (
        ["lenet5_prune", "--set", "trials=3", "--set", "compress.0=magnitud"],
        ["Did you mean 'magnitude_prune'?", "In the override 'compress.0=magnitud'."],
    ),
    "knob out of range": (
        ["lenet5_prune", "--set", "compress.0.sparsity=2", "--set", "trials=3"],
        ["sparsity", "Given: 2.0.", "In the override 'compress.0.sparsity=2'."],
    ),
    "wrong type": (
        ["lenet5_prune", "--set", "train.epochs=many"],
        ["epochs is a", "Given: 'many'.", "In the override 'train.epochs=many'."],
    ),
    "objective": (
        ["lenet5_prune", "--set", "objectives.accuracy=max"],
        ["objectives cannot be overridden"],
    ),
    "infinite domain with grid": (
        ["lenet5_prune", "--set", "sampler=grid"],
        ["compress.0.sparsity has infinitely many", "In the override 'sampler=grid'."],
    ),
    "data set that is not here": (
        ["lenet5_prune", "--set", "dataset=mnist"],
        ["'mnist' is not on this machine", "TFDS_DATA_DIR", "with a network"],
    ),
    "option": (["lenet5_prune", "--frsh"], ["--frsh", "--fresh", "See: squeezelab study --help"]),
    "no name": ([], ["name", "See: squeezelab study --help"]),
}


@pytest.mark.parametrize("mistake", ON_THE_LINE)
def test_a_mistake_on_the_line(project: Path, mistake: str) -> None:
    arguments, said = ON_THE_LINE[mistake]
    nowhere = dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"
    )
    told = refused(project, "study", *arguments, **nowhere)
    for words in said:
        assert words in told, told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sudy"], "Did you mean 'study'?"),
        (["report", "lenet5_prune"], "There are no runs yet."),
        (["confirm", "lenet5_prune", "--trial", "3"], "There are no runs yet."),
        (["confirm", "lenet5_prune", "--trial", "first"], "--trial"),
        (["ui"], "There are no runs yet."),
        (["show", "lenet_5"], "Did you mean 'lenet5'?"),
        (["check", "lenet5_prun"], "Did you mean 'lenet5_prune'?"),
    ],
)
def test_a_mistake_in_another_command(project: Path, arguments: list[str], said: str) -> None:
    if arguments[0] == "check":
        done = squeezelab(project, *arguments)
        assert done.returncode == 2
        assert said in done.stdout
    else:
        assert said in refused(project, *arguments)


def test_outside_a_project(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert "no folder called studies/" in refused(tmp_path / "elsewhere", "list")


def test_the_root_is_found_from_below(project: Path) -> None:
    done = squeezelab(project / "reports", "check")
    assert done.returncode == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["ok", path.stem] for path in sorted((project / "studies").glob("*.py"))
    ]


# --- check, list, show ----------------------------------------------------------------------------


def test_check_tells_every_mistake_and_ends_with_2(project: Path) -> None:
    write(project, "a_wrong", f"{NET}, trails=3")
    write(project, "b_wrong", 'dataset=use("digits"), architecture=use("lenet6")')
    done = squeezelab(project, "check")
    assert done.returncode == 2
    assert done.stderr == ""
    for words in (
        "WRONG  a_wrong",
        "'trails'",
        "WRONG  b_wrong",
        "Did you mean 'lenet5'?",
        "ok     lenet5_prune",
    ):
        assert words in done.stdout


def test_list_has_one_entry_each_and_fits(project: Path) -> None:
    write(project, "a_wrong", f"{NET}, trails=3")
    done = squeezelab(project, "list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert all(len(line) <= 100 for line in lines)
    names = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert {
        "squeezenet_prune",
        "digits",
        "mnist",
        "squeezenet",
        "identity",
        "params_nonzero",
    } <= set(names)
    assert len(names) == len(set(names))
    assert "does not load: squeezelab check a_wrong" in done.stdout


def test_list_fits_a_narrow_terminal(project: Path) -> None:
    done = squeezelab(project, "list", COLUMNS="70")
    assert max(map(len, done.stdout.splitlines())) <= 70


def test_show_writes_every_default_out(project: Path) -> None:
    study = squeezelab(project, "show", "squeezenet_prune", "--set", "train.epochs=7").stdout
    for words in (
        "train.epochs",
        "7",
        "sparsity=0.5 to 0.98",
        "objective val_accuracy",
        "trial_seconds",
    ):
        assert words in study
    plugin = squeezelab(project, "show", "magnitude_prune").stdout
    for words in ("(strategy)", "arXiv:1710.01878", "sparsity", "at most 0.99"):
        assert words in plugin


def test_whoever_reads_may_stop_reading(project: Path) -> None:
    command = f"{sys.executable} -m framework list | head -1"
    done = subprocess.run(
        command, cwd=project, shell=True, capture_output=True, text=True, check=False
    )
    assert done.stdout == "studies\n"
    assert done.stderr == ""


def test_help_names_every_command(project: Path) -> None:
    done = squeezelab(project, "--help")
    assert done.returncode == 0
    for name in ("study", "report", "list", "check", "show", "confirm", "ui"):
        assert f" {name} " in done.stdout


# --- what is loaded, what is said where -----------------------------------------------------------

INSIDE = textwrap.dedent("""
    import json, sys
    from framework.cli import main
    arguments = json.loads(sys.argv.pop())
    sys.argv = ["squeezelab", *arguments]
    try:
        main()
    except SystemExit as done:
        code = done.code
    print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]), file=sys.stderr)
""")


def modules_after(folder: Path, *arguments: str) -> tuple[int, set[str]]:
    """The exit code, and the packages that a fresh interpreter holds after this command."""
    done = subprocess.run(
        [sys.executable, "-c", INSIDE, json.dumps(arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, set(modules)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["check"], ["show", "lenet5_prune"], ["show", "mnist"]]
)
def test_light_commands_load_no_tensorflow(project: Path, arguments: list[str]) -> None:
    code, modules = modules_after(project, *arguments)
    assert code == 0
    assert "framework" in modules
    assert not modules & HEAVY


@pytest.fixture
def finished(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project whose study `tiny` has run to its end, in a folder of its own."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(never_killed(tmp_path_factory.getbasetemp(), 5).root, tmp_path / "project")
    return tmp_path / "project"


def test_the_same_study_again_and_its_report_load_no_tensorflow(finished: Path) -> None:
    for command in ("study", "report"):
        code, modules = modules_after(finished, command, "tiny")
        assert code == 0
        assert "mlflow" in modules
        assert not modules & HEAVY


def test_results_on_stdout_and_all_else_on_stderr(finished: Path) -> None:
    for command in ("study", "report"):
        done = squeezelab(finished, command, "tiny")
        assert done.returncode == 0
        assert done.stdout.startswith("| net ")
        # a table, and what is said of nets that it leaves out
        table, _, notes = done.stdout.partition("\n\n")
        assert all(line.startswith("|") for line in table.splitlines())
        assert all(line.endswith(".") for line in notes.splitlines())
        assert "reports/out/tiny" in done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "Warning" not in done.stderr


def test_a_report_that_does_not_exist(finished: Path) -> None:
    assert "Did you mean 'pareto'?" in refused(finished, "report", "tiny", "--kind", "parto")


def test_a_report_of_other_overrides(finished: Path) -> None:
    told = refused(finished, "report", "tiny", "--set", "seed=9")
    assert "Run it first: squeezelab study tiny" in told


def test_show_tells_what_a_run_measured(finished: Path) -> None:
    table = json.loads(
        (finished / "reports" / "out" / "tiny" / "provenance.json").read_text("utf-8")
    )
    ids = [word for word in json.dumps(table).replace('"', " ").split() if len(word) == 32]
    assert "tag role" in squeezelab(finished, "show", ids[0]).stdout
    assert "no run called" in refused(finished, "show", "0" * 32)
