"""A user's own data without a line of Python: what knobs say becomes four splits, and a mistake is
told."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from framework import Study, nn, use
from framework.contracts import Catalog, Project, Ticket, datasets
from framework.datasets._sources import tfds_folder
from framework.display.describe import describe
from framework.errors import DataUnavailable, InvalidValue, UserError
from framework.planning.parts import dataset_of
from framework.planning.resolve import resolve
from framework.runner.baseline import Lab

OWN = ("arrays", "csv", "image_folder", "tfds")
GIVEN = os.environ.get("TFDS_DATA_DIR", "")
CATALOG = Catalog()


def own(root, name, **knobs):
    return datasets.build(name, knobs).located(root)


def parts_of(dataset, root):
    shapes = dataset.info.inputs
    splits = dataset.load(root, shapes)
    return [
        splits.train,
        splits.calibration,
        splits.validation,
        dataset.load_sealed(root, shapes, Ticket("run", "spec")),
    ]


# --- what all four promise ------------------------------------------------------------------------


@pytest.mark.parametrize("name", OWN)
def test_without_a_name_it_says_what_to_set(tmp_path, name):
    dataset = datasets.build(name, {})
    said = rf'Set \w+ ?.*use\("{name}", '
    assert dataset.state(tmp_path).startswith("yours. Set ")
    for action in (dataset.check_available, dataset.prepare, dataset.pinned):
        with pytest.raises(DataUnavailable, match=said):
            action(tmp_path)
    with pytest.raises(DataUnavailable, match=said):
        resolve(Study(dataset=use(name), architecture=use("lenet5")), CATALOG, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataUnavailable, match=r"no such file.*\n.*mine\.npz"):
        own(tmp_path, "arrays", path="mine.npz").prepare(tmp_path)


# --- arrays ---------------------------------------------------------------------------------------


def pictures(count=100, seed=0):
    random = np.random.default_rng(seed)
    return {
        "image": random.integers(0, 256, (count, 9, 7, 1)).astype(np.uint8),
        "labels": np.arange(count) % 4,
    }


def test_a_study_on_arrays_belongs_to_their_bytes(tmp_path):
    np.savez(tmp_path / "mine.npz", **pictures())
    study = Study(dataset=use("arrays", path="mine.npz"), architecture=use("lenet_300_100"))
    resolved = resolve(study, CATALOG, tmp_path)
    found = hashlib.sha256((tmp_path / "mine.npz").read_bytes()).hexdigest()
    assert resolved.dataset.knobs["sha256"] == found
    assert resolved.dataset.knobs["path"] == "mine.npz"  # not the way to it on this machine
    spec = resolved.fix(lambda name, domain: pytest.fail(name))
    lab = Lab(tmp_path, CATALOG)
    assert lab.splits(spec).train.inputs["image"].shape == (65, *lab.shapes(spec)["image"])
    shutil.copy(tmp_path / "mine.npz", tmp_path / "moved.npz")
    moved = resolve(
        Study(dataset=use("arrays", path="moved.npz"), architecture=use("lenet_300_100")),
        CATALOG,
        tmp_path,
    )
    one, two = (dataset_of(part, CATALOG, tmp_path) for part in (resolved, moved))
    assert one.rule() == two.rule()  # the same content is prepared once
    np.savez(tmp_path / "mine.npz", **pictures(seed=1))
    with pytest.raises(InvalidValue, match="not the one that the study names"):
        resolve(resolved, CATALOG, tmp_path)
    shapes = lab.shapes(moved.fix(lambda name, domain: pytest.fail(name)))
    for action in (one.check_available, lambda root: one.info, lambda root: one.load(root, shapes)):
        with pytest.raises(InvalidValue, match="not the one that the study names"):
            action(tmp_path)  # though its splits are in the cache
    assert resolve(study, CATALOG, tmp_path).digest != resolved.digest


def test_arrays_of_every_kind(tmp_path):
    random = np.random.default_rng(0)
    np.savez(
        tmp_path / "mine.npz",
        image=pictures(80)["image"],
        text=random.integers(0, 30, (80, 5)),
        sequence=random.normal(size=(80, 6)),
        audio=random.normal(size=(80, 4, 3, 1)),
        labels=np.arange(80) % 2,
    )
    dataset = own(tmp_path, "arrays", path="mine.npz", task="binary", test_share=0.25)
    info = dataset.info
    assert (info.task, info.classes, dict(info.tokens)) == ("binary", 2, {"text": 30})
    assert info.inputs == {"image": (9, 7, 1), "text": (5,), "sequence": (6, 1), "audio": (4, 3, 1)}
    parts = parts_of(dataset, tmp_path)
    assert [len(part) for part in parts] == [44, 4, 12, 20]
    for part in parts:
        assert part.labels.dtype == np.float32
        assert part.labels.mean() == 0.5
        kinds = {name: array.dtype for name, array in part.inputs.items()}
        assert kinds == {
            "image": "float32",
            "text": "int32",
            "sequence": "float32",
            "audio": "float32",
        }
        assert {name: array.shape[1:] for name, array in part.inputs.items()} == info.inputs
    seen = [row.tobytes() for part in parts for row in part.inputs["sequence"]]
    assert len(set(seen)) == 80


def test_a_regression_on_arrays(tmp_path):
    np.savez(
        tmp_path / "mine.npz",
        sequence=np.random.default_rng(0).normal(size=(60, 8, 2)),
        labels=np.linspace(-1, 1, 60),
    )
    dataset = own(tmp_path, "arrays", path="mine.npz", task="regression")
    assert (dataset.info.task, dataset.info.classes) == ("regression", 0)
    assert parts_of(dataset, tmp_path)[0].labels.min() < 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"image": pictures()["image"]}, "there are labels and at least one input"),
        ({"labels": np.arange(4)}, "at least one input"),
        (pictures() | {"labels": np.arange(100) / 4}, "labels have fractions"),
        (pictures() | {"labels": np.arange(99)}, "not as many samples"),
        ({name: array[:0] for name, array in pictures().items()}, "hold no sample"),
        ({"labels": np.zeros(0, int), "sequence": np.zeros((0, 3))}, "hold no sample"),
        (pictures() | {"labels": np.array(3)}, "not as many samples"),
        (pictures() | {"labels": np.zeros(100, int)}, "Different labels: 1"),
        (
            pictures() | {"text": np.arange(300).reshape(100, 3) - 1},
            r"whole ones from 0.*\n.*-1 to 298",
        ),
        (pictures() | {"question": np.full((100, 3), 0.5)}, "question holds token numbers"),
        (
            pictures() | {"sequence": np.array(["a"] * 100)},
            "something else than numbers",
        ),
    ],
)
def test_arrays_that_are_no_samples(tmp_path, given, said):
    np.savez(tmp_path / "mine.npz", **given)
    with pytest.raises(InvalidValue, match=said):
        own(tmp_path, "arrays", path="mine.npz").prepare(tmp_path)


def test_a_file_that_is_no_archive(tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"PK\x03\x04cut")
    with pytest.raises(InvalidValue, match=r"no \.npz file"):
        own(tmp_path, "arrays", path="mine.npz").prepare(tmp_path)


# --- a table --------------------------------------------------------------------------------------


def table(root, head, rows, separator=","):
    path = root / "mine.csv"
    path.write_text(
        "\n".join(separator.join(map(str, row)) for row in [head, *rows]) + "\n", "utf-8"
    )
    return "mine.csv"


def test_numbers_of_a_table_have_the_scale_of_its_train_split(tmp_path):
    random = np.random.default_rng(0)
    rows = [[n, random.normal(50, 9), n % 3, 7, ("ten", "two")[n % 2]] for n in range(200)]
    path = table(tmp_path, ["id", "height", "age", "same", "kind"], rows, ";")
    dataset = own(
        tmp_path, "csv", path=path, separator="semicolon", target="kind", skip="id", task="binary"
    )
    assert dataset.info.inputs == {"sequence": (3, 1)}
    parts = parts_of(dataset, tmp_path)
    assert [len(part) for part in parts] == [130, 10, 30, 30]
    numbers = parts[0].inputs["sequence"][:, :, 0]
    assert numbers.mean(axis=0) == pytest.approx(0, abs=1e-5)
    assert numbers.std(axis=0) == pytest.approx([1, 1, 0], abs=1e-5)
    assert abs(parts[3].inputs["sequence"][:, 0, 0].mean()) < 0.5
    assert [part.labels.mean() for part in parts] == [0.5] * 4
    known = {round(row[1], 4): row[4] for row in rows}
    scale = np.std([row[1] for row in rows])
    assert scale == pytest.approx(9, rel=0.2)
    assert set(known.values()) == {"ten", "two"}


def test_classes_are_in_the_order_of_numbers_or_of_the_alphabet(tmp_path):
    for written, wanted in ((("10", "9", "2"), [2, 1, 0]), (("b", "c", "10"), [1, 2, 0])):
        path = table(
            tmp_path, ["label", "x"], [[written[n % 3], 100 * (n % 3) + n / 100] for n in range(60)]
        )
        dataset = own(tmp_path, "csv", path=path)
        assert dataset.info.classes == 3
        arrays = dataset.read_all()
        assert [int(arrays["labels"][n]) for n in range(3)] == wanted


def test_texts_of_a_table(tmp_path):
    rows = [[f'"Word{n % 7}, {"good" if n % 2 else "bad"} one{n}"', n % 2, n] for n in range(100)]
    path = table(tmp_path, ["review", "label", "stars"], rows)
    dataset = own(tmp_path, "csv", path=path, text="review", length=4, vocabulary_size=20)
    info = dataset.info
    assert (dict(info.inputs), dict(info.tokens), info.classes) == ({"text": (4,)}, {"text": 20}, 2)
    train = parts_of(dataset, tmp_path)[0]
    words = dataset.vocabulary(tmp_path, "text")
    assert len(words) == 20
    for row, label in zip(train.inputs["text"], train.labels, strict=True):
        said = [words[token] for token in row]
        assert said[0].startswith("word")
        assert said[1:3] == [",", ("bad", "good")[label]]


@pytest.mark.parametrize(
    ("head", "row", "knobs", "said"),
    [
        (["a", "b"], [1, 2], {}, "no column 'label'"),
        (["label"], [1], {}, "no column is left"),
        (["label", "a"], [1, "inf"], {"categories": "b"}, "there is no column 'b'"),
        (["label", "a"], [1, "nan"], {}, "'a' holds nothing.*\n.*skip=\"a\""),
        (["label", "a"], [1, 2, 3], {}, "Expected 2 fields in line 2, saw 3"),
        (["label", "a", "b"], [1, 2], {}, "'b' holds nothing"),
        (["label", "a", "a"], [1, 2, 3], {}, "two columns are called 'a'"),
        (["label", "a", ""], [1, 2, 3], {}, "column 3 has no name"),
        (["0", "1"], [1, 2], {"target": "0"}, "its first row holds numbers"),
        (["5.1", "setosa"], [1, 2], {"target": "setosa"}, "its first row holds numbers"),
        (["label", "a"], [1, "inf"], {"skip": "b, a"}, "there is no column 'b'.*\n.*\n.*skip="),
        (["label", "text"], [1, " "], {"text": "text"}, "'text' is empty in row 2"),
        (
            ["label", "a"],
            ["x", 2],
            {"task": "regression"},
            "'label' holds something that is no number",
        ),
        (["label", "a"], ["x", 2], {}, "two labels or more"),
        (["1", "3"], [1, 2], {"target": "1"}, "its first row holds numbers"),
        (
            ["label", "a"],
            [1, 1e39],
            {"scale": "none"},
            "too large for float32.*\n.*In sequence, sample 0",
        ),
    ],
)
def test_tables_that_will_not_do(tmp_path, head, row, knobs, said):
    rows = [[row[0] if row[0] == "x" else n % 2, *row[1:]] for n in range(30)]
    dataset = own(tmp_path, "csv", path=table(tmp_path, head, rows), **knobs)
    with pytest.raises(InvalidValue, match=said):
        dataset.prepare(tmp_path)


def test_a_table_without_names_is_refused_where_its_first_row_has_a_label(tmp_path):
    rows = [[n % 5, 3, ("setosa", "virginica")[n % 2]] for n in range(40)]
    with pytest.raises(
        InvalidValue, match="first row is one of the others: 'setosa' is a label too"
    ):
        own(
            tmp_path, "csv", path=table(tmp_path, ["5", "3", "setosa"], rows), target="setosa"
        ).prepare(tmp_path)
    # a column may be called as one of its labels
    named = table(tmp_path, ["length", "width", "setosa"], rows)
    assert own(tmp_path, "csv", path=named, target="setosa").info.classes == 2


def test_names_that_come_again_are_refused_with_their_row(tmp_path):
    rows = (
        [[n % 2, "good"] for n in range(30)]
        + [["label", "review"]]
        + [[n % 2, "bad"] for n in range(30)]
    )
    dataset = own(tmp_path, "csv", path=table(tmp_path, ["label", "review"], rows), text="review")
    with pytest.raises(InvalidValue, match="row 32 holds the names of the columns again"):
        dataset.prepare(tmp_path)


def test_a_class_of_one_row_is_refused_with_its_row(tmp_path):
    rows = [[("cat", "dog")[n % 2], n / 3] for n in range(60)] + [["dgo", 1]]
    with pytest.raises(InvalidValue, match="'dgo' stands in one row only, row 62"):
        own(tmp_path, "csv", path=table(tmp_path, ["label", "x"], rows)).prepare(tmp_path)


@pytest.mark.parametrize(
    ("written", "classes"),
    [
        (("1", "1.0", "01", "10"), [0, 0, 0, 1]),
        (("2.0", "10.0", "1e1", "-3"), [1, 2, 2, 0]),
        (("1", "1.0", "one", "1"), [0, 1, 2, 0]),
        (("12345678901234567", "12345678901234568", "1", "1"), [1, 2, 0, 0]),
        (("caf\u00e9", "cafe\u0301", "tea", "tea"), [0, 0, 1, 1]),
        (("1_0", "10", "10", "1_0"), [1, 0, 0, 1]),
    ],
)
def test_one_label_written_in_two_ways_is_one_class(tmp_path, written, classes):
    path = table(tmp_path, ["label", "x"], [[written[n % 4], n / 3] for n in range(80)])
    assert own(tmp_path, "csv", path=path).read_all()["labels"][:4].tolist() == classes


def test_a_column_that_counts_the_rows_is_said_once(tmp_path, caplog):
    path = table(tmp_path, ["label", "x", "id"], [[n % 2, n / 3, 7 + n] for n in range(80)])
    dataset = own(tmp_path, "csv", path=path)
    dataset.prepare(tmp_path)
    assert caplog.text.count("'id' counts the rows") == 1
    assert 'skip="id"' in caplog.text
    assert "'x'" not in caplog.text


def test_labels_of_a_regression_fit_into_the_numbers_of_nets(tmp_path):
    path = table(tmp_path, ["label", "x"], [[n * 1e38, n / 3] for n in range(80)])
    with pytest.raises(InvalidValue, match=r"too large for float32.*\n.*In labels, sample"):
        own(tmp_path, "csv", path=path, task="regression").prepare(tmp_path)


def test_blanks_around_a_label_are_no_other_class(tmp_path):
    rows = [[("cat", " cat", "dog ", "dog")[n % 4], n] for n in range(80)]
    assert own(tmp_path, "csv", path=table(tmp_path, ["label", "x"], rows)).info.classes == 2


def test_a_class_for_each_row_is_refused_and_the_way_out_works(tmp_path):
    path = table(tmp_path, ["label", "x"], [[n + 0.5, n] for n in range(80)])
    with pytest.raises(
        InvalidValue, match=r'80 different labels in 80 rows.*\n.*task="regression"'
    ):
        own(tmp_path, "csv", path=path).prepare(tmp_path)
    assert own(tmp_path, "csv", path=path, task="regression").info.task == "regression"


@pytest.mark.parametrize("index", ["", "Unnamed: 0"])
def test_an_index_of_pandas_is_left_out_and_said(tmp_path, caplog, index):
    path = table(tmp_path, [index, "label", "x", "id"], [[n, n % 2, n, n] for n in range(80)])
    dataset = own(tmp_path, "csv", path=path, skip="id")
    assert dataset.info.inputs == {"sequence": (1, 1)}
    dataset.prepare(tmp_path)
    assert caplog.text.count("without a name") == 1


def test_a_column_that_is_constant_but_for_rounding_becomes_zero(tmp_path):
    rows = [[n % 2, 0.1, 0.1 + (n % 3) * 1e-17, 1.6e9 + n] for n in range(90)]
    dataset = own(tmp_path, "csv", path=table(tmp_path, ["label", "a", "b", "time"], rows))
    for part in parts_of(dataset, tmp_path):
        assert not part.inputs["sequence"][:, :2].any()
        # seconds since 1970 differ by little of their size
        assert np.abs(part.inputs["sequence"][:, 2]).max() > 0.1


def test_cells_are_what_is_written(tmp_path):
    rows = [[("NA", "null")[n % 2], n, f'"a, {n}"'] for n in range(80)]
    dataset = own(tmp_path, "csv", path=table(tmp_path, ["label", "x", "note"], rows), skip="note")
    assert dataset.info.classes == 2


@pytest.mark.parametrize("name", ["csv", "tfds"])
def test_a_label_of_a_data_set_is_refused_with_its_new_name(tmp_path, name):
    given = {"csv": {"path": "t.csv"}, "tfds": {"builder": "trec:1.0.0"}}[name]
    knob = use(name, **given)
    for dataset in (use(name, label="kind", **given), type(knob)(name, {**given, "label": "kind"})):
        with pytest.raises(UserError, match="target='kind'"):
            resolve(Study(dataset=dataset, architecture=use("lenet5")), CATALOG, tmp_path)


def test_a_label_of_any_data_set_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no label="):
        resolve(
            Study(dataset=use("digits", label="mine"), architecture=use("lenet5")),
            CATALOG,
            tmp_path,
        )


# --- a folder of pictures -------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path):
    """Two classes: red pictures are wide, blue ones tall.

    Each has a grey of its own at the far ends.
    """
    tf = nn.backend.tf
    for number in range(40):
        picture = np.full((12, 24, 3), number * 5, np.uint8)
        picture[:, 6:18] = (255, 0, number) if number % 2 else (0, 0, 200 + number)
        picture = picture if number % 2 else picture.transpose(1, 0, 2)
        name = ("tall", "wide/more")[number % 2]
        path = tmp_path / "photos" / name / f"{number}.PNG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tf.io.encode_png(picture).numpy())
    (tmp_path / "photos" / "notes.txt").write_text("not a picture")
    (tmp_path / "photos" / ".hidden").mkdir()
    (tmp_path / "photos" / ".hidden" / "1.png").write_bytes(b"")
    return tmp_path / "photos"


def test_folders_are_classes_and_the_middle_is_seen(tmp_path, photos):
    dataset = own(tmp_path, "image_folder", path="photos", side=12, mirror=True)
    info = dataset.info
    assert (info.classes, dict(info.inputs), info.mirror) == (2, {"image": (12, 12, 3)}, True)
    parts = parts_of(dataset, tmp_path)
    assert [len(part) for part in parts] == [26, 2, 6, 6]
    for part in parts:
        for image, label in zip(part.inputs["image"], part.labels, strict=True):
            assert (image[..., 0] == label).all()  # wide ones are red; nothing of the ends is left
    assert own(tmp_path, "image_folder", path="photos", side=8, grey=True).info.inputs == {
        "image": (8, 8, 1)
    }


def test_another_picture_is_another_data_set(tmp_path, photos):
    pinned = datasets.build("image_folder", {"path": "photos"}).pinned
    before = pinned(Project(tmp_path))["sha256"]
    (photos / "notes.txt").write_text("other notes")
    assert pinned(Project(tmp_path))["sha256"] == before
    shutil.move(photos / "tall" / "0.PNG", photos / "wide" / "0.PNG")
    with pytest.raises(InvalidValue, match="not the one"):
        own(tmp_path, "image_folder", path="photos", sha256=before).check_available(tmp_path)


def test_folders_that_will_not_do(tmp_path, photos):
    with pytest.raises(InvalidValue, match="one folder for each class"):
        own(tmp_path, "image_folder", path="photos/wide").prepare(tmp_path)
    (photos / "tall" / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(InvalidValue, match=r"x\.jpg"):
        own(tmp_path, "image_folder", path="photos").prepare(tmp_path)


# --- whatever TFDS has prepared -------------------------------------------------------------------


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A small data set, prepared by TFDS for this test, with pictures of different sizes, texts and
    a label."""
    tfds = tfds_folder.load_tfds()
    features = tfds.features.FeaturesDict(
        {
            "photo": tfds.features.Image(shape=(None, None, 3)),
            "words": tfds.features.Text(),
            "kind": tfds.features.ClassLabel(num_classes=3),
            "price": tfds.features.Scalar(np.float32),
        }
    )

    def sample(number):
        image = np.full((10 + number, 20, 3), 2 * number, np.uint8)
        return {
            "photo": image,
            "words": f"thing {number}",
            "kind": number % 3,
            "price": number / 60,
        }

    class Things(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.2.3")

        def _info(self):
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(60), "held": self._generate_examples(15)}

        def _generate_examples(self, count):
            yield from ((number, sample(number)) for number in range(count))

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    Things(data_dir=str(tmp_path / "data")).download_and_prepare()
    return "things:1.2.3"


def test_any_prepared_data_set(tmp_path, prepared):
    knobs = {"builder": prepared, "target": "kind"}
    dataset = own(tmp_path, "tfds", image="photo", side=16, test="held", **knobs)
    assert (dataset.info.classes, dict(dataset.info.inputs)) == (3, {"image": (16, 16, 3)})
    parts = parts_of(dataset, tmp_path)
    assert [len(part) for part in parts] == [45, 4, 11, 15]
    assert all(np.ptp(image) == 0 for image in parts[0].inputs["image"])
    assert (
        np.rint(parts[0].inputs["image"][:, 0, 0, 0] * 255 / 2).astype(int) % 3 == parts[0].labels
    ).all()
    both = own(
        tmp_path,
        "tfds",
        image="photo",
        text="words",
        side=8,
        test="",
        length=2,
        vocabulary_size=5,
        **knobs,
    )
    assert dict(both.info.inputs) == {"image": (8, 8, 3), "text": (2,)}
    assert [len(part) for part in parts_of(both, tmp_path)] == [39, 3, 9, 9]
    assert both.vocabulary(tmp_path, "text")[2] == "thing"
    priced = own(
        tmp_path,
        "tfds",
        builder=prepared,
        target="price",
        text="words",
        test="held",
        task="regression",
    )
    assert priced.info.task == "regression"
    assert parts_of(priced, tmp_path)[3].labels.max() == pytest.approx(14 / 60)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"image": "photo", "target": "kind"}, "differ in size: set side"),
        ({"image": "words", "side": 8, "target": "kind"}, "is no picture"),
        ({"image": "photo", "side": 8}, "Set image or text, and target"),
        ({"target": "kind"}, "Set image or text"),
        ({"text": "words", "target": "price"}, "does not suit the task classes"),
        ({"text": "words", "target": "kind"}, "There is no split 'test'"),
    ],
)
def test_features_that_will_not_do(tmp_path, prepared, knobs, said):
    with pytest.raises(InvalidValue, match=said) as caught:
        own(tmp_path, "tfds", builder=prepared, **knobs).prepare(tmp_path)
    assert "It has: " in str(caught.value)


def test_what_is_not_prepared_says_how(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    with pytest.raises(UserError, match=r"tfds\.builder\(\"mnist:3.0.1\"\)\.download_and_prepare"):
        own(tmp_path, "tfds", builder="mnist:3.0.1", image="image").prepare(tmp_path)


@pytest.mark.skipif(
    not (Path(GIVEN) / "trec" / "1.0.0").is_dir() or not GIVEN,
    reason="TFDS_DATA_DIR has no trec/1.0.0",
)
def test_the_real_thing(tmp_path):
    dataset = own(tmp_path, "tfds", builder="trec:1.0.0", text="text", target="label-coarse")
    assert [len(part) for part in parts_of(dataset, tmp_path)] == [4261, 298, 893, 500]


def test_what_is_known_of_own_data_needs_no_tensorflow(tmp_path, photos):
    (photos / "notes.txt").unlink()  # it would be spoken of
    np.savez(tmp_path / "mine.npz", **pictures())
    table(tmp_path, ["label", "x"], [[n % 2, n / 3] for n in range(30)])
    code = (
        "import pathlib, sys\n"
        "from framework import Study, use\n"
        "from framework.contracts import Catalog\n"
        "from framework.planning.resolve import resolve\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "own = {'arrays': 'mine.npz', 'csv': 'mine.csv', 'image_folder': 'photos'}\n"
        "for name, path in own.items():\n"
        "    net = 'lstm' if name == 'csv' else 'lenet5'\n"
        "    resolve(Study(dataset=use(name, path=path), architecture=use(net)), Catalog(), root)\n"
        "heavy = {'tensorflow', 'tf_keras', 'tensorflow_datasets', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", OWN)
def test_what_knobs_there_are_is_shown_without_data(tmp_path, name):
    shown = describe(tmp_path, name, settings=[])
    assert "what is in your data. Set " in shown
    assert all(knob in shown for knob in datasets.get(name).knobs())
