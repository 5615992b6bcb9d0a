"""Every file and folder of a project, once."""

from __future__ import annotations

import os
from pathlib import Path

from framework.errors import UserError

ARTIFACTS = ".artifacts"
CACHE = ".cache"
STORE = "mlflow.db"


def studies(root: Path) -> Path:
    """One file is one study."""
    return root / "studies"


def plugins(root: Path) -> Path:
    """One file is one plug-in of the project's own."""
    return root / "plugins"


def reports(root: Path) -> Path:
    """One file is one report."""
    return root / "reports"


def report_output(root: Path) -> Path:
    """A folder for each study, with what its reports wrote."""
    return reports(root) / "out"


def store(root: Path) -> Path:
    """The SQLite file of MLflow."""
    return root / STORE


def artifacts(root: Path) -> Path:
    """A folder for each study, and in it one for each run."""
    return root / ARTIFACTS


def cache(root: Path) -> Path:
    """What can be made again."""
    return root / CACHE


def prepared_data(root: Path) -> Path:
    """Data sets as arrays, without their test splits."""
    return cache(root) / "data"


def sealed_data(root: Path) -> Path:
    """Test splits."""
    return cache(root) / "sealed"


def baselines(root: Path) -> Path:
    """Trained dense nets, each in a folder named by its digest."""
    return cache(root) / "baselines"


def logs(root: Path) -> Path:
    """What the libraries of workers printed, a file for each."""
    return cache(root) / "logs"


def cancelled(root: Path) -> Path:
    """An empty file for each run that somebody wants to end, named by its id."""
    return cache(root) / "cancelled"


def plugin_snapshots(root: Path) -> Path:
    """Plug-ins as they were when a study began, in folders named by their digests."""
    return cache(root) / "plugins"


def handed(root: Path) -> Path:
    """Samples that another machine has handed over, in folders named by digests."""
    return cache(root) / "handed"


def tried(root: Path) -> Path:
    """An empty file for each kind of trial that passed its smoke test, named by its digest."""
    return cache(root) / "tried"


def tfds(root: Path) -> Path:
    """Data sets as tensorflow-datasets prepares them."""
    return cache(root) / "tfds"


def locks(root: Path) -> Path:
    """Files that processes wait on; they stay, so that who waits finds the file of who holds it."""
    return cache(root) / "locks"


def store_workplace(root: Path) -> Path:
    """Where the lock lies of who makes `mlflow.db`."""
    return cache(root) / "store"


def unfinished_store(file: Path) -> Path:
    """Where the store is made before it is moved into place."""
    return file.with_name(f".{file.name}.new")


def fonts(root: Path) -> Path:
    """Matplotlib's list of fonts, else made under the home folder."""
    return cache(root) / "matplotlib"


def written(root: Path) -> tuple[Path, ...]:
    """The folders that commands write into."""
    return root, cache(root), artifacts(root), report_output(root)


def python_files(folder: Path) -> list[Path]:
    """The `.py` files of a folder, sorted; a name that begins with `_` or `.` is left out.

    So is what is no file: to read a pipe or a device would take for ever. No folder has none.

    Raises:
        OSError: the folder cannot be read.
    """
    if not folder.is_dir():
        return []
    # not `glob`, to which a folder that must not be read is an empty one
    names = [name for name in os.listdir(folder) if name.endswith(".py")]  # noqa: PTH208
    files = [folder / name for name in names if not name.startswith(("_", "."))]
    return sorted(filter(_is_file, files))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a link to itself
        return False


def at_home(path: str) -> Path:
    """A path whose `~` is the home folder; as it stands where a user has none.

    `Path.expanduser` would raise then.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that has `studies/`.

    Raises:
        UserError: there is none.
    """
    for folder in (start, *start.parents):
        if studies(folder).is_dir():
            return folder
    raise UserError(
        "This is no project: no folder called studies/ here or above.",
        given=f"Looked from: {start}.",
        todo="Change to the project's folder, or make this one a project: squeezelab init.",
    )
