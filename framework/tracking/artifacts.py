"""The artifacts of runs, local or on a server, each in its run's manifest with its sha256."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from framework.errors import SqueezelabError, UnknownName, UserError
from framework.results.record import MANIFEST_JSON, MODEL_TFLITE
from framework.system import paths
from framework.tracking import locations
from framework.tracking.client import Client, delete_artifact

REPLACES = "replaces"  # bytes and sha256 of the file that was there, until the new one is
Lines = dict[str, dict[str, Any]]
"""File name -> its line: name, bytes, sha256; `tensors`, `metrics`; `removed`, `replaces`."""


class RunFiles:
    """Reads and writes artifacts.

    Args:
        root: the project's folder, absolute.
        client: MLflow's, for runs whose artifacts lie with a server.
    """

    def __init__(self, root: Path, client: Client) -> None:
        self._root, self._client = root, client
        self._locations: dict[str, str] = {}
        self._places: dict[str, Path | None] = {}

    def remember(self, run: Any) -> None:
        """Note where MLflow says a run's artifacts are; saves asking for it."""
        run_id, location = run.info.run_id, run.info.artifact_uri
        if self._locations.get(run_id) != location:
            self._locations[run_id] = location
            self._places.pop(run_id, None)

    def put(
        self,
        run_id: str,
        artifacts: Mapping[str, bytes],
        *,
        about_the_net: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        """Write the files, then the manifest anew.

        Args:
            artifacts: file name -> content.
            about_the_net: what the line of `model.tflite` holds besides: `tensors`, weight -> index
                of its tensor; `metrics`, metric -> version that measured it.
        """
        before = self._manifest(run_id) or {}
        lines = before | entries(artifacts)
        if MODEL_TFLITE in artifacts:
            for name, value in (about_the_net or {}).items():
                if value:
                    lines[MODEL_TFLITE][name] = dict(value)
        # A file that is replaced is for a moment not what one manifest says: a kill may fall there.
        if both := _replaced(before, lines):
            self._write(run_id, {MANIFEST_JSON: manifest(lines | both)})
        # The manifest is the last step: what it lists is there.
        for files in (artifacts, {MANIFEST_JSON: manifest(lines)}):
            self._write(run_id, files)

    def remove(self, run_id: str, names: Collection[str], *, why: str) -> None:
        """Prune files; the manifest keeps their lines and says why they were removed.

        What is not listed stays.

        Args:
            why: goes into the manifest.
        """
        lines = self._manifest(run_id) or {}
        listed = [name for name in names if name in lines]
        marked = {name: {**lines[name], "removed": why} for name in listed}
        # The manifest comes first: a file that it says is removed and a kill left there is removed
        # the next time.
        if any("removed" not in lines[name] for name in listed):
            self._write(run_id, {MANIFEST_JSON: manifest(lines | marked)})
        for name in marked:
            self._delete(run_id, name)

    def get(self, run_id: str, name: str) -> bytes:
        """The content of an artifact, checked against the manifest.

        Raises:
            UnknownName: the run has none of this name.
            UserError: it was removed.
            SqueezelabError: there is no manifest, or the file is missing or is not what was
                written.
        """
        lines = self._manifest(run_id)
        if lines is None:
            raise SqueezelabError(
                "The run has no manifest: it was not finished.", given=f"Run: {run_id}."
            )
        if name == MANIFEST_JSON:
            return manifest(lines)
        if name not in lines:
            raise UnknownName("artifact", name, lines)
        if why := lines[name].get("removed"):
            raise removed(name, run_id, why)
        content = self._read(run_id, name)
        # by its digest: a damaged file may still have its length
        if content is None or not is_as_listed(lines[name], len(content), sha256_of(content)):
            raise damaged(name, self._where(run_id))
        return content

    def has(self, run_id: str, name: str) -> bool:
        """Whether the manifest lists the file, as one that was not removed."""
        line = (self._manifest(run_id) or {}).get(name)
        return line is not None and "removed" not in line

    def has_manifest(self, run_id: str) -> bool:
        """Whether the run's artifacts were written to the end."""
        content = self._read(run_id, MANIFEST_JSON)
        try:
            return content is not None and read_manifest(content, where=run_id) is not None
        except SqueezelabError:
            return False
        except PermissionError:
            return True  # it is there; the run's numbers can be had without it

    def verify(self, run_id: str, *, digests: bool) -> tuple[list[str], int]:
        """What of a run's files is not as it was written, a phrase each.

        Args:
            digests: compare contents with their sha256, not only lengths.

        Returns:
            The faults, and how many bytes were read; of a server's files none is.
        """
        folder = self._folder(run_id)
        faults: list[str] = []
        read = 0
        if folder is None:
            return faults, read
        for name, line in (self._manifest(run_id) or {}).items():
            path = folder / checked_name(name)
            if line.get("removed"):
                continue
            try:
                size = path.stat().st_size
                content = path.read_bytes() if digests else None
            except OSError as error:
                faults.append(f"{name} cannot be read ({error.strerror})")
                continue
            read += len(content or b"")
            if not is_as_listed(line, size, sha256_of(content) if content else None):
                faults.append(f"{name} is changed")
        return faults, read

    def _folder(self, run_id: str) -> Path | None:
        if run_id not in self._locations:
            self.remember(self._client.get_run(run_id))
        # found by looking at folders: of many runs that takes longer than to read their files
        if run_id not in self._places:
            self._places[run_id] = locations.place(self._locations[run_id], self._root)
        return self._places[run_id]

    def _where(self, run_id: str) -> str:
        folder = self._folder(run_id)
        return f"{run_id}, in {folder}" if folder else run_id

    def _manifest(self, run_id: str) -> Lines | None:
        content = self._read(run_id, MANIFEST_JSON)
        return None if content is None else read_manifest(content, where=self._where(run_id))

    def _read(self, run_id: str, name: str) -> bytes | None:
        folder = self._folder(run_id)
        if folder is None:
            return self._download(run_id, name)
        try:
            # without a buffer: of many thousand small files that is half of the time
            with (folder / checked_name(name)).open("rb", buffering=0) as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def _download(self, run_id: str, name: str) -> bytes | None:
        above = name.rpartition("/")[0] or None
        if not self._is_listed(run_id, name, above):
            return None
        with self._scratch() as folder:
            return Path(self._client.download_artifacts(run_id, name, str(folder))).read_bytes()

    def _write(self, run_id: str, files: Mapping[str, bytes]) -> None:
        folder = self._folder(run_id)
        if folder is None:
            self._upload(run_id, files)
        else:
            for name, content in files.items():
                write(folder, name, content)

    def _delete(self, run_id: str, name: str) -> None:
        folder = self._folder(run_id)
        if folder is not None:
            (folder / checked_name(name)).unlink(missing_ok=True)
        elif self._is_listed(run_id, name, None):
            delete_artifact(self._locations[run_id], checked_name(name))

    def _is_listed(self, run_id: str, name: str, folder: str | None) -> bool:
        """Whether the server has the artifact in this folder, None for the topmost."""
        files = self._client.list_artifacts(run_id, folder)
        return any(file.path == name for file in files)

    def _upload(self, run_id: str, files: Mapping[str, bytes]) -> None:
        with self._scratch() as folder:
            for name, content in files.items():
                write(folder / "files", name, content)
            if files:
                self._client.log_artifacts(run_id, str(folder / "files"))

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        cache = paths.cache(self._root)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            yield Path(folder)


def write(folder: Path, name: str, content: bytes) -> None:
    """Put one artifact in its place at once; a kill leaves the old one or the new one.

    Args:
        folder: the run's folder of artifacts.
        name: as `figures/front.svg`.
    """
    target = folder / checked_name(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, not in it: what a kill leaves half written is then no artifact.
    aside = folder.parent / f".{os.getpid()}.part"
    aside.write_bytes(content)
    aside.replace(target)


@lru_cache(maxsize=256)  # few names, and every run has them
def checked_name(name: str) -> str:
    """The name of an artifact, if it stays inside the run's folder.

    Raises:
        SqueezelabError: it is empty, absolute or climbs out.
    """
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise SqueezelabError(
            "The name of an artifact is a relative path.", given=f"Given: {name!r}."
        )
    return name


def entries(artifacts: Mapping[str, bytes]) -> Lines:
    """The manifest's lines for these files."""
    return {
        name: {"name": name, "bytes": len(content), "sha256": sha256_of(content)}
        for name, content in artifacts.items()
    }


def is_as_listed(line: Mapping[str, Any], size: int, sha256: str | None) -> bool:
    """Whether a file is what its line says, or what it replaces.

    Args:
        sha256: None for a look at its length alone.
    """
    for version in (line, line.get(REPLACES)):
        if version and size == version["bytes"] and sha256 in (None, version["sha256"]):
            return True
    return False


def _replaced(before: Lines, after: Lines) -> Lines:
    """The lines of files that change, with what they replace."""
    both = {}
    for name, line in after.items():
        old = before.get(name)
        if old and not old.get("removed") and old["sha256"] != line["sha256"]:
            both[name] = {**line, REPLACES: {part: old[part] for part in ("bytes", "sha256")}}
    return both


def sha256_of(content: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def manifest(lines: Lines) -> bytes:
    """The manifest as a file: a JSON list sorted by name."""
    return json.dumps([lines[name] for name in sorted(lines)], indent=1).encode()


def read_manifest(content: bytes, *, where: str) -> Lines:
    """The lines by name.

    Args:
        where: for the message.

    Raises:
        SqueezelabError: it is no manifest.
    """
    try:
        rows = json.loads(content)
        lines = {str(row["name"]): {**row, "sha256": str(row["sha256"])} for row in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise damaged(MANIFEST_JSON, where) from error
    if not isinstance(rows, list):
        raise damaged(MANIFEST_JSON, where)
    return lines


def removed(name: str, run_id: str, why: str) -> UserError:
    """The error for a file that was removed on purpose, with the ways to have it back."""
    return UserError(
        f"The file {name} of this run was removed to save disk ({why}): it is not on the front of "
        f"its study.",
        given=f"Run: {run_id}. Its numbers and its spec are kept.",
        todo='All files again: make study NAME=... SET="keep=all" FRESH=1. This one alone: '
        '"Rebuild a number from its '
        'run" in docs/howto.md.',
    )


def damaged(name: str, where: str) -> SqueezelabError:
    """The error for a file that is not what was written."""
    return SqueezelabError(
        f"The artifact {name} is damaged or gone: it is not what the run wrote.",
        given=f"Run: {where}.",
        todo="Restore the file from a backup, or run the study again with FRESH=1.",
    )
