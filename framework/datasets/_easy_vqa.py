"""easy-VQA as its author hands it out, read by a tensorflow-datasets builder of our own."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from framework.errors import DataUnavailable

SHAPE = (64, 64, 3)
ANSWERS = (
    "black", "blue", "brown", "circle", "gray", "green", "no", "rectangle", "red", "teal", "triangle", "yellow", "yes",
)  # fmt: skip
QUESTIONS = {"train": 38_575, "test": 9_673}
LISTED = "train/questions.json"
Asked = Mapping[bytes, list[tuple[str, int]]]
"""The bytes of a picture -> what is asked of it: question, and number of the answer."""


def read_source(path: Path) -> dict[str, bytes]:
    """The files of the data set, from a folder or a `.tar.gz`: `train/questions.json`, `train/images/0.png` ...

    They may lie in a folder of the archive, as in that of the author's repository.

    Raises:
        DataUnavailable: they are not there.
    """
    try:
        files = _read_folder(path) if path.is_dir() else _read_archive(path)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DataUnavailable(f"{path} cannot be read.", given=str(error)) from error
    places = sorted(
        (name.removesuffix(LISTED) for name in files if name.endswith(LISTED)), key=lambda it: (len(it), it)
    )
    if not places:
        raise DataUnavailable(f"{path} does not hold easy-VQA.", given=f"Looked for: {LISTED}.")
    top = places[0]
    return {name.removeprefix(top): content for name, content in files.items() if name.startswith(top)}


def asked_of(samples: Iterable[Mapping[str, Any]]) -> Asked:
    """What is asked of each picture, from the samples of a split of the builder."""
    asked: dict[bytes, list[tuple[str, int]]] = {}
    for sample in samples:
        questions = [question.decode() for question in sample["questions"]]
        asked.setdefault(sample["image"].tobytes(), []).extend(zip(questions, map(int, sample["answers"]), strict=True))
    return asked


def builder_class(tfds: Any, version: str) -> Any:
    """The builder's class; made here because its base class is in tensorflow_datasets."""

    class EasyVqa(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg, unused-ignore]
        """Pictures of one shape in one colour, with questions."""

        VERSION = tfds.core.Version(version)
        MANUAL_DOWNLOAD_INSTRUCTIONS = "`easy_vqa.tar.gz`, or the folder `easy_vqa`, of github.com/vzhou842/easy-VQA."

        def _info(self) -> Any:
            features = {
                "image": tfds.features.Image(shape=SHAPE, dtype=np.uint8),
                "questions": tfds.features.Sequence(tfds.features.Text()),
                "answers": tfds.features.Sequence(tfds.features.ClassLabel(names=ANSWERS)),
            }
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
            folder = Path(dl_manager.manual_dir)
            files = read_source(folder / "easy_vqa" if (folder / "easy_vqa").is_dir() else folder / "easy_vqa.tar.gz")
            return {split: self._generate_examples(files, split) for split in QUESTIONS}

        def _generate_examples(self, files: dict[str, bytes], split: str) -> Iterator[tuple[int, dict[str, Any]]]:
            for picture, pairs in _listed(files, split).items():
                yield (
                    picture,
                    {
                        "image": io.BytesIO(files[f"{split}/images/{picture}.png"]),
                        "questions": [question for question, _ in pairs],
                        "answers": [answer for _, answer in pairs],
                    },
                )

    return EasyVqa


def _listed(files: Mapping[str, bytes], split: str) -> dict[int, list[tuple[str, str]]]:
    """Number of a picture -> questions and answers, checked to be the published ones in number."""
    listed = json.loads(files[f"{split}/questions.json"])
    if len(listed) != QUESTIONS[split]:
        raise DataUnavailable(f"easy-VQA has {QUESTIONS[split]} questions in {split}.", given=f"Found: {len(listed)}.")
    pairs: dict[int, list[tuple[str, str]]] = {}
    for question, answer, picture in listed:
        pairs.setdefault(int(picture), []).append((question, answer))
    return pairs


def _read_archive(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        members = ((member.name, archive.extractfile(member)) for member in archive if member.isfile())
        return {name.removeprefix("./"): file.read() for name, file in members if file is not None}


def _read_folder(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
