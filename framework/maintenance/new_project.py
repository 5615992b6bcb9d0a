"""A project in an empty folder: the shipped studies, and what git is to leave alone."""

from __future__ import annotations

from pathlib import Path

from framework.errors import InvalidValue
from framework.maintenance.scaffold import TEMPLATES
from framework.system import paths

IGNORED = (
    f"/{paths.STORE}*",
    f"/.{paths.STORE}.new*",
    f"/{paths.ARTIFACTS}/",
    f"/{paths.CACHE}/",
    "/reports/out/",
    "__pycache__/",
)


def shipped_studies() -> list[Path]:
    """The study files that come with the package, sorted.

    A wheel has them beside the templates, a checkout in its own `studies/`: they are the same
    files (`pyproject.toml`).
    """
    in_wheel, in_checkout = map(paths.studies, (TEMPLATES, Path(__file__).parents[2]))
    return paths.python_files(in_wheel) or paths.python_files(in_checkout)


def make_project(root: Path) -> list[Path]:
    """Make a folder a project, or add what it lacks of one; nothing is written over.

    Args:
        root: made if it is not there.

    Returns:
        The files written.

    Raises:
        InvalidValue: there is a file where the folder, or its `studies/`, belongs.
    """
    studies = paths.studies(root)
    for folder in (root, studies):
        if folder.exists() and not folder.is_dir():
            raise InvalidValue(
                "A file is where the project's folder belongs.",
                given=f"Given: {folder}.",
                todo="Name another folder: squeezelab init FOLDER.",
            )
    studies.mkdir(parents=True, exist_ok=True)
    contents = {studies / source.name: source.read_bytes() for source in shipped_studies()}
    contents[root / ".gitignore"] = "".join(f"{line}\n" for line in IGNORED).encode()
    written = []
    for path, content in contents.items():
        if not path.exists():
            path.write_bytes(content)
            written.append(path)
    return written
