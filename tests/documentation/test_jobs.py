"""The ten jobs of a researcher: every block of the page is run, in its order, with smaller nets."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
from command_support import squeezelab
from studies_support import Project, new_project

PAGE = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text("utf-8")
JOBS = PAGE.split("\n## ")[1:]
# a variable of `make` -> the option of the command
OPTIONS = {"KIND": "--kind", "OVER": "--over", "SEEDS": "--set seeds="}
SMALLER = (
    (r"trials=\d+", 'trials=4, sampler="random", train=Train(epochs=1, warmup_epochs=0)'),
    ("import ", "import Train, "),
    ("Train, framework", "framework"),
    (r"sparsity=(\S+\))", r"sparsity=\1, epochs=1"),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose shipped studies are small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        root = tmp_path_factory.mktemp("jobs") / "project"
        project = new_project(tmp_path_factory.getbasetemp(), root)
    project.write_study("lenet5_prune", architecture='use("lenet5", preset="tutorial")', trials=4)
    project.write_study("lenet_300_100_prune", trials=2)
    quantized = '[use("ptq", format=Choice("float16", "int8"))]'
    options = {"architecture": 'use("lenet5", preset="tutorial")', "sampler": '"grid"'}
    project.write_study("lenet5_quantize", compress=quantized, trials=2, **options)
    return project


def commands(job: str) -> list[list[str]]:
    """The commands of a job as words of `squeezelab`."""
    found = []
    for line in re.findall(r"^    ((?:make|squeezelab) .*)$", job, re.MULTILINE):
        program, *words = shlex.split(line)
        if program == "squeezelab":
            found.append(words)
            continue
        given = dict(word.split("=", 1) for word in words[1:])
        arguments = [words[0], given.pop("NAME")]
        if "OUT" in given:
            arguments.append(given.pop("OUT"))
        for name, value in given.items():
            option, _, setting = OPTIONS[name].partition(" ")
            arguments += [option, setting + value]
        found.append(arguments)
    return found


def files(job: str) -> dict[str, str]:
    """The files that a job shows, by the path before each."""
    return dict(
        re.findall(r"`((?:plugins|studies)/\w+\.py)`.*?```python\n(.*?)```", job, re.DOTALL)
    )


def code(job: str) -> str:
    """What is typed in Python, and is no file."""
    blocks = re.findall(r"```python\n(.*?)```", job, re.DOTALL)
    return "\n".join(block for block in blocks if block not in files(job).values())


def title(job: str) -> str:
    return job.partition("\n")[0]


def test_there_are_ten_and_each_is_short() -> None:
    assert len(JOBS) == 10
    for job in JOBS:
        assert commands(job) or files(job) or code(job)
        assert len(commands(job)) <= 3
        blocks = [*files(job).values(), code(job)]
        assert max(len(list(filter(None, block.splitlines()))) for block in blocks) <= 10, title(
            job
        )


def small(text: str) -> str:
    for pattern, instead in SMALLER:
        text = re.sub(pattern, instead, text, count=1)
    return text


@pytest.mark.parametrize("job", JOBS, ids=title)
def test_a_job_is_done_as_the_page_says(job: str, project: Project) -> None:
    for path, text in files(job).items():
        file = project.root / path
        file.parent.mkdir(exist_ok=True)
        is_study = path.startswith("studies/")
        file.write_text(small(text) if is_study else text)
        if is_study:
            run(project.root, "study", file.stem)
    folder = another_machine(project) if "another machine" in title(job) else project.root
    for words in commands(job):
        run(folder, *words)
    if code(job):
        process = project.python(code(job))
        _, said = process.communicate()
        assert process.returncode == 0, said
        assert (project.root / "mine.pdf").read_bytes().startswith(b"%PDF")
    check(title(job), folder / "reports" / "out", folder)


def run(folder: Path, *words: str) -> None:
    done = squeezelab(folder, *words)
    assert done.returncode == 0, done.stderr


def another_machine(project: Project) -> Path:
    """A folder with the store alone."""
    folder = project.root.parent / "elsewhere"
    (folder / "studies").mkdir(parents=True)
    shutil.copy(project.root / "mlflow.db", folder)
    shutil.copytree(project.root / ".artifacts", folder / ".artifacts")
    return folder


def check(job: str, out: Path, root: Path) -> None:
    """What a job is for is there."""
    if job == "Seeds":
        (compared,) = out.glob("lenet5_prune*/compare.csv")
        assert set(pd.read_csv(compared)["seeds"]) == {"0 1 2 3 4"}
    if job.startswith("Two"):
        frame = pd.read_csv(newest(out, "compare.csv"))
        assert frame["method" if "methods" in job else "net"].nunique() >= 2
        assert newest(out, "compare.png").stat().st_size
    if "metric" in job:
        assert "mistakes" in newest(out, "pareto.md").read_text("utf-8")
        assert "val_mistakes" in newest(out, "trials.csv").read_text("utf-8")
    if "objectives" in job:
        assert "macs" in newest(out, "pareto.csv").read_text("utf-8")
    if "50 kB" in job:
        front = pd.read_csv(newest(out, "pareto.csv")).query("row == 'front'")
        assert (front["size_tflite_compressed_bytes"] <= 50_000).all()
    if "ablation" in job:
        assert newest(out, "ablation.csv").stat().st_size
    if "dashboard" in job:
        assert (root / "lenet5.db").read_bytes().startswith(b"SQLite format 3")


def newest(out: Path, name: str) -> Path:
    return max(out.glob(f"*/{name}"), key=lambda path: path.stat().st_mtime)
