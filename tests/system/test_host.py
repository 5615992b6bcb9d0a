"""What decides the bits of a training is told of a processor, or said to be unknown."""

from pathlib import Path

from framework.system import host


def cache(folder: Path, index: int, kind: str, size: str) -> None:
    place = folder / f"index{index}"
    place.mkdir(parents=True)
    (place / "type").write_text(f"{kind}\n")
    (place / "size").write_text(f"{size}\n")


def test_processors_with_other_caches_are_told_apart(tmp_path, monkeypatch):
    for name, largest in (("one", "32768K"), ("other", "16384K")):
        cache(tmp_path / name, 0, "Data", "48K")
        cache(tmp_path / name, 1, "Instruction", "32K")
        cache(tmp_path / name, 2, "Unified", largest)
    monkeypatch.setattr(host, "CACHES", tmp_path / "one")
    one = host.processor()
    assert one["caches"] == "48K 32768K"
    monkeypatch.setattr(host, "CACHES", tmp_path / "other")
    assert host.processor() == one | {"caches": "48K 16384K"}


def test_a_kernel_that_tells_nothing_of_its_caches_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "index0").mkdir()
    monkeypatch.setattr(host, "CACHES", tmp_path)
    assert host.processor()["caches"] == ""
