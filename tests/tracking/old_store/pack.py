"""How `project.tar.xz` was made: a project whose studies were run by version 0.1.0 of 26 November
2026 (6895c8e).

    python tests/tracking/old_store/pack.py PROJECT  # a folder with studies/, mlflow.db,
    .artifacts/, .cache/baselines/

The studies are `studies/kept.py`, whose plug-ins have not changed since, and `studies/changed.py`,
one of whose has. Paths, hosts and users of the machine that ran them are replaced; what a report
made is left out.
"""

from __future__ import annotations

import io
import sqlite3
import sys
import tarfile
from contextlib import closing
from pathlib import Path

PLACE = Path(__file__).with_name("project.tar.xz")
ELSEWHERE = "/elsewhere/project"


def main() -> None:
    """Write the archive anew, without times and owners."""
    root = Path(sys.argv[1]).resolve()
    store = neutral_store(root)
    files = [
        path
        for name in (".artifacts", ".cache/baselines", "studies")
        for path in sorted((root / name).rglob("*"))
    ]
    kept = [
        path
        for path in files
        if path.is_file() and "report" not in path.parts and path.suffix != ".lock"
    ]
    with tarfile.open(PLACE, "w:xz", preset=9) as archive:
        for path in kept:
            add(archive, str(path.relative_to(root)), path.read_bytes())
        add(archive, "mlflow.db", store)


def neutral_store(root: Path) -> bytes:
    """The store without a word of the machine, as small as it goes."""
    copy = root / "copy.db"
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        database.execute("VACUUM INTO ?", (str(copy),))
    with closing(sqlite3.connect(copy)) as database:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("tags", "value"),
        ):
            database.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(root), ELSEWHERE)
            )
        database.execute("UPDATE tags SET value = 'elsewhere' WHERE key = 'squeezelab.host'")
        database.execute("UPDATE tags SET value = 'somebody' WHERE key = 'mlflow.user'")
        database.execute("UPDATE runs SET user_id = 'somebody'")
        database.execute("DELETE FROM tags WHERE key = 'mlflow.source.name'")
        database.execute("DELETE FROM metrics WHERE key LIKE 'epoch.%'")
        database.commit()
        database.execute("VACUUM")
    content = copy.read_bytes()
    copy.unlink()
    return content


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """One file, owned by nobody, of no time."""
    line = tarfile.TarInfo(name)
    line.size = len(content)
    archive.addfile(line, io.BytesIO(content))


if __name__ == "__main__":
    main()
