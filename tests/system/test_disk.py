"""Sizes as people read them, and removal."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.system.disk import remove, size_bytes, size_text

KNOWN = {
    0: "0 B",
    999: "999 B",
    1000: "1.0 kB",
    999_949: "999.9 kB",
    999_950: "1.0 MB",
    3_400_000_000: "3.4 GB",
}


@pytest.mark.parametrize(("size", "text"), (KNOWN | {5 * 10**15: "5000.0 TB"}).items())
def test_known_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


@given(st.integers(0, 10**14), st.integers(0, 10**14))
def test_a_larger_size_never_reads_smaller(one: int, other: int) -> None:
    units = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
    low, high = (
        float(text.split()[0]) * units[text.split()[1]]
        for text in map(size_text, sorted((one, other)))
    )
    assert low <= high


def test_all_below_is_counted_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "big").write_bytes(b"x" * 1000)
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_bytes(b"x" * 12)
    (folder / "link").symlink_to(tmp_path / "far")
    assert size_bytes(folder / "deep") == 12
    assert size_bytes(folder / "deep" / "file") == 12
    assert size_bytes(folder) < 1000
    assert size_bytes(tmp_path / "nothing") == 0
    remove(folder)
    remove(folder)
    assert (tmp_path / "far" / "big").exists()
    assert not folder.exists()
