"""easy-VQA: questions about pictures."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from framework.contracts import DataInfo, Samples, dataset, knob
from framework.datasets._prepare.text_dataset import VOCABULARY, encoded, packed, unpacked
from framework.datasets._sources import tfds_folder
from framework.datasets._sources.cache import TEST
from framework.datasets._sources.cached import TfdsDataset, prepared
from framework.datasets._sources.splits import LABELS, RULE, Arrays, carve, in_order
from framework.errors import DataUnavailable

PICTURES = "pictures"
SHAPE = (64, 64, 3)
ANSWERS = (
    "black", "blue", "brown", "circle", "gray", "green", "no", "rectangle", "red", "teal",
    "triangle", "yellow", "yes",
)  # fmt: skip
QUESTIONS = {"train": 38_575, "test": 9_673}
LISTED = "train/questions.json"
Asked = Mapping[bytes, list[tuple[str, int]]]
"""The bytes of a picture -> what is asked of it: question, and number of the answer."""


@dataset("easy_vqa", version=1)
@dataclass(frozen=True, kw_only=True)
class EasyVqa(TfdsDataset):
    """Questions about one coloured shape, 13 answers.

    13 958 train, 399 calibration, 1 594 validation, 9 673 test.

    Source: Zhou 2019, easy-VQA, github.com/vzhou842/easy-VQA; official test.

    Pictures of 64 x 64 x 3 with one shape (circle, rectangle, triangle) in one of eight colours.
    Three questions of four are answered by yes or no, half of them each; the rest ask for colour or
    shape. No picture is in two splits: of the 4 000 for training 100 are for calibration and 400
    for validation. Of each of these pictures 4 questions are taken (all where there are fewer), in
    the order of a hash; the knob takes more. The test has all questions on its 1 000 pictures.
    Pictures are kept once, and repeated for each question when they are loaded: 50 kB each.
    Questions are up to 10 tokens, their words those of the train split.

    It is not downloaded: put the repository's archive as `easy_vqa.tar.gz`, or its folder `data` as
    `easy_vqa`, into a folder for files fetched by hand (docs/howto.md, Other data sets).
    """

    questions: int = knob(
        4, low=1, high=21, unit="questions", doc="of each picture, in all splits but the test"
    )

    info = DataInfo(
        task="classes",
        classes=len(ANSWERS),
        inputs={"image": SHAPE, "question": (10,)},
        tokens={"question": 29},
    )
    licence = "MIT"
    builder = "easy_vqa"
    builder_version = "1.0.0"  # goes up when what the builder reads changes
    calibration_size = 100  # pictures
    validation_size = 400

    def make_builder(self, tfds: ModuleType, data_dir: Path) -> Any:
        """Our own builder."""
        return builder_class(tfds, self.builder_version)(data_dir=str(data_dir))

    def rule(self) -> list[object]:
        """That of the builder, and how many questions are taken."""
        return [*super().rule(), self.questions]

    def manual_dir(self, root: Path) -> Path | None:
        """The folder that holds `easy_vqa.tar.gz` or `easy_vqa`."""
        files = tfds_folder.find_manual(root, self.builder)
        return files.parent if files else None

    def check_source(self, root: Path) -> None:
        """Return if it is prepared, or its files are where they are looked for."""
        if not self._find_prepared(root) and not self.manual_dir(root):
            looked = ", ".join(map(str, tfds_folder.manual_dirs(root)))
            raise DataUnavailable(
                "easy-VQA is not on this machine.",
                given=f"Looked in {looked}.",
                todo=_way_out(root),
            )

    def source_state(self, root: Path) -> str:
        """Prepared, where its files are, or where to put them."""
        if self._find_prepared(root):
            return "prepared in .cache/tfds"
        files = tfds_folder.find_manual(root, self.builder)
        return f"files in {files}, to be read" if files else f"not here. {_way_out(root)}"

    def make_splits(self, root: Path) -> dict[str, Arrays]:
        """Pictures are split, then their questions are taken."""
        asked, asked_in_test = self._asked(root, "train"), self._asked(root, TEST)
        calibration, others = carve(_pictures(asked), self.calibration_size)
        validation, train = carve(others, self.validation_size)
        rows = {
            "train": _rows(train, asked, self.questions),
            "calibration": _rows(calibration, asked, self.questions),
            "validation": _rows(validation, asked, self.questions),
            TEST: _rows(in_order(_pictures(asked_in_test)), asked_in_test, None),
        }
        return encoded(rows, size=self.info.tokens["question"], length=10, name="question")

    def vocabulary(self, root: Path, name: str) -> tuple[str, ...]:
        """What each token of a question stands for."""
        return (
            unpacked(self._open_splits(root)[0]["train"][VOCABULARY]) if name == "question" else ()
        )

    def _asked(self, root: Path, split: str) -> Asked:
        return self.read(root, lambda folder: asked_of(tfds_folder.samples(folder, split)))

    def _samples(self, arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> Samples:
        """Each picture is resized once, then repeated for its questions."""
        if "image" in shapes:
            images = prepared("image", arrays[PICTURES], shapes["image"])[arrays["image"]]
            arrays = {**arrays, "image": images}
        return super()._samples(arrays, shapes)


def _pictures(asked: Asked) -> Arrays:
    images = np.frombuffer(b"".join(asked), np.uint8).reshape(len(asked), *SHAPE)
    return {"image": images, LABELS: np.zeros(len(images), np.int64)}


def _rows(pictures: Arrays, asked: Asked, limit: int | None) -> Arrays:
    """The pictures, and for each question its text, its answer and the number of its picture."""
    numbers, pairs = [], []
    for number, image in enumerate(pictures["image"]):
        chosen = _in_order(image.tobytes(), asked)[:limit]
        numbers.extend([number] * len(chosen))
        pairs.extend(chosen)
    questions, answers = zip(*pairs, strict=True)
    return {
        PICTURES: pictures["image"],
        "image": np.array(numbers, np.int32),
        "question": packed(questions),
        LABELS: np.array(answers, np.int64),
    }


def _in_order(picture: bytes, asked: Asked) -> list[tuple[str, int]]:
    """A picture's questions in the order of their hash: the first are a fixed sample."""
    key = RULE.encode() + picture
    return sorted(asked[picture], key=lambda pair: hashlib.sha256(key + pair[0].encode()).digest())


def _way_out(root: Path) -> str:
    return (
        "Put the archive of github.com/vzhou842/easy-VQA as easy_vqa.tar.gz into "
        f"{tfds_folder.manual_dirs(root)[-1]}, or set TFDS_MANUAL_DIR to the folder that holds it."
    )


def read_source(path: Path) -> dict[str, bytes]:
    """The files of the data set, from a folder or a `.tar.gz`.

    `train/questions.json`, `train/images/0.png` ...

    They may lie in a folder of the archive, as in that of the author's repository.

    Raises:
        DataUnavailable: they are not there.
    """
    try:
        files = _read_folder(path) if path.is_dir() else _read_archive(path)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DataUnavailable(f"{path} cannot be read.", given=str(error)) from error
    lists = [name for name in files if name.endswith(LISTED)]
    if not lists:
        raise DataUnavailable(f"{path} does not hold easy-VQA.", given=f"Looked for: {LISTED}.")
    # a copy may lie deeper in the archive
    shortest = min(lists, key=lambda name: (len(name), name))
    return _below(files, shortest.removesuffix(LISTED))


def _below(files: Mapping[str, bytes], top: str) -> dict[str, bytes]:
    """The files whose names begin with `top`, without it."""
    inside: dict[str, bytes] = {}
    for name, content in files.items():
        if name.startswith(top):
            inside[name.removeprefix(top)] = content
    return inside


def asked_of(samples: Iterable[Mapping[str, Any]]) -> Asked:
    """What is asked of each picture, from the samples of a split of the builder."""
    asked: dict[bytes, list[tuple[str, int]]] = {}
    for sample in samples:
        pairs = zip(
            map(bytes.decode, sample["questions"]), map(int, sample["answers"]), strict=True
        )
        asked.setdefault(sample["image"].tobytes(), []).extend(pairs)
    return asked


def builder_class(tfds: Any, version: str) -> Any:
    """The builder's class; made here because its base class is in tensorflow_datasets."""

    class EasyVqa(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg, unused-ignore]
        """Pictures of one shape in one colour, with questions."""

        VERSION = tfds.core.Version(version)
        MANUAL_DOWNLOAD_INSTRUCTIONS = (
            "`easy_vqa.tar.gz`, or the folder `easy_vqa`, of github.com/vzhou842/easy-VQA."
        )

        def _info(self) -> Any:
            features = {
                "image": tfds.features.Image(shape=SHAPE, dtype=np.uint8),
                "questions": tfds.features.Sequence(tfds.features.Text()),
                "answers": tfds.features.Sequence(tfds.features.ClassLabel(names=ANSWERS)),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(
            self, dl_manager: Any
        ) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
            folder = Path(dl_manager.manual_dir) / "easy_vqa"
            archive = folder.with_name("easy_vqa.tar.gz")
            files = read_source(folder if folder.is_dir() else archive)
            return {split: self._generate_examples(files, split) for split in QUESTIONS}

        def _generate_examples(
            self, files: dict[str, bytes], split: str
        ) -> Iterator[tuple[int, dict[str, Any]]]:
            for picture, pairs in _listed(files, split).items():
                questions, answers = map(list, zip(*pairs, strict=True))
                # TFDS decodes the file itself when it is given one
                image = io.BytesIO(files[f"{split}/images/{picture}.png"])
                yield picture, {"image": image, "questions": questions, "answers": answers}

    return EasyVqa


def _listed(files: Mapping[str, bytes], split: str) -> dict[int, list[tuple[str, str]]]:
    """Number of a picture -> questions and answers, checked to be the published ones in number."""
    listed = json.loads(files[f"{split}/questions.json"])
    if len(listed) != QUESTIONS[split]:
        raise DataUnavailable(
            f"easy-VQA has {QUESTIONS[split]} questions in {split}.", given=f"Found: {len(listed)}."
        )
    pairs: dict[int, list[tuple[str, str]]] = {}
    for question, answer, picture in listed:
        pairs.setdefault(int(picture), []).append((question, answer))
    return pairs


def _read_archive(path: Path) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                contents[member.name.removeprefix("./")] = file.read()
    return contents


def _read_folder(path: Path) -> dict[str, bytes]:
    files = filter(Path.is_file, path.rglob("*"))
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}
