"""A data set that says only how to load itself has a state and can be prepared."""

from pathlib import Path

import pytest

from framework.contracts import DataInfo, Dataset
from framework.errors import DataUnavailable


class Plain(Dataset):
    """Written by somebody who knows the three abstract methods and no more."""

    info = DataInfo(task="classes", classes=2, inputs={"image": (4, 4, 1)})

    def check_available(self, root):
        if not (root / "file").exists():
            raise DataUnavailable("It is not here.", todo=f"Put a file into {root}.")

    def load(self, root, shapes):
        (root / "loaded").write_text(str(dict(shapes)))

    def load_sealed(self, root, shapes, ticket):
        raise NotImplementedError


def test_it_says_how_to_get_it_and_then_that_it_is_there(tmp_path: Path) -> None:
    assert Plain().state(tmp_path) == f"not here. Put a file into {tmp_path}."
    with pytest.raises(DataUnavailable):
        Plain().prepare(tmp_path)
    assert not (tmp_path / "loaded").exists()
    (tmp_path / "file").touch()
    assert Plain().state(tmp_path) == "available"
    Plain().prepare(tmp_path)
    assert (tmp_path / "loaded").read_text() == "{'image': (4, 4, 1)}"
