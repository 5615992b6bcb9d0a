"""The package as it is installed: a wheel, in an empty folder, without a checkout."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock
from studies_support import SECONDS

from framework.testing.labs import of_all_workers

ROOT = Path(__file__).parents[2]
STUDIES = {path.name for path in (ROOT / "studies").glob("*.py")}
SMALL = ("trials=1", "train.epochs=1", "compress.0.epochs=1")
if importlib.util.find_spec("hatchling") is None:
    pytest.skip("hatchling, which builds the wheel, is not installed", allow_module_level=True)


@cache
def built(base: Path) -> Path:
    """The wheel of this checkout; made once for all workers."""
    folder = of_all_workers(base) / "wheel"
    with FileLock(folder.with_suffix(".lock")):
        if not list(folder.glob("*.whl")):
            # from a copy: the checkout's build folder is not the tests' to write
            source = folder / "source"
            source.mkdir(parents=True)
            for name in ("framework", "studies"):
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, source / name, ignore=ignored)
            for name in ("pyproject.toml", "README.md", "LICENSE"):
                shutil.copy(ROOT / name, source)
            run(source, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


def run(
    folder: Path, *arguments: str, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Python in this folder, with another package in place of the checkout."""
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def environment(path: Path | None) -> dict[str, str]:
    """Without what says where a checkout, its runs and its data are."""
    left_out = ("PYTHONPATH", "MLFLOW_TRACKING_URI", "TFDS_DATA_DIR")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"PYTHONPATH": str(path)} if path else kept


def look_at_runs(folder: Path, packages: Path) -> tuple[str, str]:
    """The page that `squeezelab ui` answers with, and what it printed until Ctrl-C ended it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "framework", "ui", "--port", port],
        cwd=folder,
        env=environment(packages),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        page = first_answer(f"http://127.0.0.1:{port}/", process)
    finally:
        # to the whole group, as a terminal sends it
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, printed
    return page, printed


def first_answer(url: str, process: subprocess.Popen[str]) -> str:
    """What a server says, once it listens."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                assert answer.status == 200
                return str(answer.read(), "utf-8")
        except urllib.error.URLError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)


@pytest.fixture
def installed(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the wheel unpacked into it, as pip does."""
    target = tmp_path / "packages"
    with zipfile.ZipFile(built(tmp_path_factory.getbasetemp())) as wheel:
        wheel.extractall(target)
    return target


def test_the_wheel_holds_what_an_installed_project_needs(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with zipfile.ZipFile(built(tmp_path_factory.getbasetemp())) as wheel:
        names = set(wheel.namelist())
        templates = "framework/maintenance/templates"
        for name in STUDIES:
            content = wheel.read(f"{templates}/studies/{name}")
            assert content == (ROOT / "studies" / name).read_bytes()
    for kind in ("study", "strategy", "architecture", "dataset", "metric", "report"):
        assert f"{templates}/{kind}.py" in names
    assert "framework/report/kinds/pareto.py" in names
    for name in ("page.css", "base.js", "table.js"):
        assert f"framework/report/html/assets/{name}" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_an_empty_folder_becomes_a_project(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    done = run(folder, "-m", "framework", "init", path=installed)
    assert {path.name for path in (folder / "studies").iterdir()} == STUDIES
    assert "squeezelab study squeezenet_prune" in done.stderr
    assert "make " not in done.stdout + done.stderr
    checked = run(folder, "-m", "framework", "check", path=installed)
    assert checked.stdout.count("ok     ") == len(STUDIES)


@pytest.mark.slow
@pytest.mark.timeout(3600)  # fifteen processes that load all libraries
def test_an_installed_package_does_all_that_a_checkout_does(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wheel = built(tmp_path_factory.getbasetemp())
    packages, folder = tmp_path / "packages", tmp_path / "empty"
    folder.mkdir()
    where = ["--target", str(packages), "--no-deps", "--no-index", str(wheel)]
    run(tmp_path, "-m", "pip", "install", "-qq", *where)
    assert (packages / "bin" / "squeezelab").is_file()

    def squeezelab(*arguments: str) -> str:
        done = run(folder, "-m", "framework", *arguments, path=packages)
        assert "make " not in done.stderr
        return done.stdout + done.stderr

    squeezelab("init")
    for kind in ("study", "strategy", "architecture", "dataset", "metric", "report"):
        squeezelab("new", kind, f"my_{kind}")
    squeezelab("check")
    own = ["compress=my_strategy", "architecture=my_architecture", "dataset=my_dataset"]
    settings = [word for text in (*own, *SMALL) for word in ("--set", text)]
    # the report is the package's own: the project has none called pareto
    assert "Report: reports/out/lenet5_prune" in squeezelab("study", "lenet5_prune", *settings)
    assert "| baseline" in squeezelab("report", "lenet5_prune", *settings)
    squeezelab("report", "lenet5_prune", *settings, "--kind", "my_report")
    page, printed = look_at_runs(folder, packages)
    assert "<title>MLflow</title>" in page
    assert "runs     http://127.0.0.1:" in printed
    assert "Traceback" not in printed
    assert "Warning" not in printed
    squeezelab("export", "lenet5_prune:0", "net.tflite", *settings)
    assert (folder / "net.tflite").stat().st_size > 1000
    squeezelab("confirm", "lenet5_prune", "--trial", "0", *settings)
    assert "WRONG" not in squeezelab("doctor", "--deep")
    assert (
        str(packages)
        in run(folder, "-c", "import framework; print(framework.__file__)", path=packages).stdout
    )
