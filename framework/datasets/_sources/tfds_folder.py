"""The door to tensorflow-datasets.

Prepared folders are found without loading it, and it never tries a dead network.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from framework.datasets._sources.cache import put_aside_loudly
from framework.datasets._sources.splits import LABELS
from framework.errors import DataUnavailable, SqueezelabError
from framework.system import interrupt, paths

if TYPE_CHECKING:
    from framework.contracts import Array

PROBE_SECONDS = 1.5
_log = logging.getLogger("framework")
MakeBuilder = Callable[[ModuleType, Path], Any]
"""(tensorflow_datasets, data_dir) -> a builder that can prepare the data set."""


class DamagedRecords(SqueezelabError):
    """Record files that cannot be read to the end."""


def own_dir(root: Path) -> Path:
    """Where this project prepares data sets."""
    return paths.tfds(root)


def data_dirs(root: Path) -> list[Path]:
    """Where prepared data sets are looked for, in this order; only the last is ever written to."""
    return [*_named_by("TFDS_DATA_DIR"), paths.at_home("~/tensorflow_datasets"), own_dir(root)]


def manual_dirs(root: Path) -> list[Path]:
    """Where files that the user fetched by hand are looked for, in this order."""
    manual = [directory / "downloads" / "manual" for directory in data_dirs(root)]
    return [*_named_by("TFDS_MANUAL_DIR"), *manual]


def _named_by(variable: str) -> list[Path]:
    """The folder that an environment variable names, if it names one."""
    path = os.environ.get(variable, "")
    return [paths.at_home(path)] if path else []


def find_manual(root: Path, name: str) -> Path | None:
    """The first folder `name` or archive `name.tar.gz` that the user put there."""
    for folder in manual_dirs(root):
        for place in (folder / name, folder / f"{name}.tar.gz"):
            if place.exists():
                return place
    return None


def find_prepared(directories: Iterable[Path], *, name: str, version: str) -> Path | None:
    """The first folder in which this data set is complete."""
    for directory in directories:
        folder = directory / name / version
        if is_prepared(folder):
            return folder
    return None


def is_prepared(folder: Path) -> bool:
    """Whether the description and all record files are there, in their full size."""
    try:
        info = json.loads((folder / "dataset_info.json").read_text("utf-8"))
        is_whole = partial(_is_complete, folder, info["name"])
        return bool(info["splits"]) and all(map(is_whole, info["splits"]))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _is_complete(folder: Path, name: str, split: dict[str, Any]) -> bool:
    files = list(folder.glob(f"{name}-{split['name']}.*-of-*"))
    there = sum(file.stat().st_size for file in files)
    return len(files) == len(split["shardLengths"]) and there >= int(split["numBytes"])


def can_reach(url: str) -> bool:
    """Whether the server answers for `url`, through proxies, within `PROBE_SECONDS`."""
    answers: list[bool] = []
    # A name look-up has no time limit of its own: the thread is left behind if it hangs.
    probe = threading.Thread(target=lambda: answers.append(_answers(url)), daemon=True)
    probe.start()
    probe.join(PROBE_SECONDS)
    return answers == [True]


def _answers(url: str) -> bool:
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - an address of a plug-in, not of a user
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS):  # noqa: S310
            return True
    except (OSError, ValueError) as error:
        # Python without its own certificates: the server is there, and TFDS brings certificates
        # along.
        return "CERTIFICATE_VERIFY_FAILED" in str(error)


def prepare(
    root: Path,
    make_builder: MakeBuilder,
    *,
    name: str,
    version: str,
    manual_dir: Path | None = None,
) -> None:
    """Let TFDS make or download a data set into `root/.cache/tfds`.

    The caller has the data set's lock.

    Args:
        manual_dir: the folder of files that the user fetched by hand, for a builder that reads
            such.

    Raises:
        DataUnavailable: it did not succeed.
    """
    from framework.nn import backend

    tfds = load_tfds()
    target = own_dir(root)
    for left in (target / name).glob("incomplete.*"):  # by a process that was killed
        shutil.rmtree(left)
    put_aside_loudly(target / name / version)  # unfinished: TFDS would take it for finished
    settings = tfds.download.DownloadConfig(try_download_gcs=False, manual_dir=manual_dir)
    # One folder of downloads per data set: TFDS names extracted files by the last part of their
    # address alone.
    downloads = target / "downloads" / name
    _log.info("Preparing the data set %s in %s.", name, target)
    try:
        # TFDS prints; stdout is for results
        with interrupt.at_once(), backend.quiet(), contextlib.redirect_stdout(io.StringIO()):
            make_builder(tfds, target).download_and_prepare(
                download_dir=str(downloads), download_config=settings
            )
    except Exception as error:
        raise DataUnavailable(
            f"tensorflow-datasets could not prepare {name!r}.",
            given=f"{type(error).__name__}: {error}",
            todo=f"Try again, or set TFDS_DATA_DIR to a folder that holds {name!r}, prepared.",
        ) from error


def read_split(
    folder: Path, split: str, *, features: Mapping[str, str], label: str = "label"
) -> dict[str, Array]:
    """All samples of one split of a prepared folder; needs no network.

    Args:
        folder: as from `find_prepared`.
        split: as TFDS calls it, `train` or `test`.
        features: input name -> the feature's name in TFDS.
        label: the feature that becomes `labels`.

    Returns:
        name -> array (n, ...).

    Raises:
        DamagedRecords: a record file is damaged.
    """
    tfds = load_tfds()
    builder = tfds.builder_from_directory(str(folder))
    try:
        samples = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
    except Exception as error:
        raise DamagedRecords(
            "Records cannot be read.", given=f"{folder}, {split}: {error}"
        ) from error
    arrays = {name: samples[feature] for name, feature in features.items()}
    return {**arrays, LABELS: samples[label]}


def samples(folder: Path, split: str) -> Iterator[Mapping[str, Any]]:
    """The samples of one split one by one, as TFDS has them.

    For those of different lengths, or too many at once.

    Raises:
        DamagedRecords: a record file is damaged.
    """
    tfds = load_tfds()
    builder = tfds.builder_from_directory(str(folder))
    try:
        yield from tfds.as_numpy(builder.as_dataset(split=split))
    except Exception as error:
        raise DamagedRecords(
            "Records cannot be read.", given=f"{folder}, {split}: {error}"
        ) from error


def is_own(root: Path, folder: Path) -> bool:
    """Whether this project prepared the folder; any other is only read."""
    return own_dir(root) in folder.parents


def discard_own(root: Path, folder: Path) -> bool:
    """Put a damaged folder aside if it is this project's own; whether it was."""
    if not is_own(root, folder):
        return False
    put_aside_loudly(folder)
    return True


def load_tfds() -> ModuleType:
    """tensorflow_datasets without its chatter."""
    from framework.nn import backend

    with backend.quiet():
        import tensorflow_datasets as tfds
    tfds.disable_progress_bar()
    logging.getLogger("absl").setLevel(logging.ERROR)
    return tfds
