"""The split rule: exact sizes, classes in proportion, decided by content alone."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.datasets._sources.splits import RULE, carve, digest, in_order, quotas
from framework.errors import InvalidValue


def samples(labels: list[int]) -> dict[str, np.ndarray]:
    images = (
        np.arange(len(labels) * 4, dtype=np.uint32).view(np.uint8).reshape(len(labels), 4, 4, 1)
    )
    return {"image": images, "labels": np.array(labels, np.int64)}


def contents(arrays: dict[str, np.ndarray]) -> list[bytes]:
    return [image.tobytes() for image in arrays["image"]]


def shuffled(arrays: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    order = np.random.default_rng(seed).permutation(len(arrays["labels"]))
    return {name: array[order] for name, array in arrays.items()}


labels_of_up_to_four_classes = st.lists(st.integers(0, 3), min_size=2, max_size=60)


@settings(deadline=None)
@given(labels=labels_of_up_to_four_classes, data=st.data())
def test_a_split_has_the_size_asked_and_each_class_its_share(labels, data):
    count = data.draw(st.integers(1, len(labels) - 1))
    arrays = samples(labels)
    part, rest = carve(arrays, count)
    assert (len(part["labels"]), len(rest["labels"])) == (count, len(labels) - count)
    assert sorted(contents(part) + contents(rest)) == sorted(contents(arrays))
    for label in set(labels):
        assert abs((part["labels"] == label).sum() - count * labels.count(label) / len(labels)) < 1


@settings(deadline=None)
@given(labels=labels_of_up_to_four_classes, seed=st.integers(0, 99))
def test_the_order_of_the_source_does_not_matter(labels, seed):
    arrays = samples(labels)
    for here, there in zip(carve(arrays, 1), carve(shuffled(arrays, seed), 1), strict=True):
        assert digest(here) == digest(there)


def test_the_rule_is_the_published_one():
    arrays = {"image": np.arange(8, dtype=np.uint8).reshape(8, 1), "labels": np.zeros(8, np.int64)}
    by_hash = sorted(
        range(8),
        key=lambda value: hashlib.sha256(RULE.encode() + bytes([value]) + bytes(8)).digest(),
    )
    assert in_order(arrays)["image"][:, 0].tolist() == by_hash
    part, rest = carve(arrays, 3)
    assert (part["image"][:, 0].tolist(), rest["image"][:, 0].tolist()) == (
        by_hash[:3],
        by_hash[3:],
    )


def test_remainders_go_to_the_largest_then_to_the_lower_class():
    assert quotas(np.repeat([0, 1, 2], [5, 3, 2]), 5) == {0: 3, 1: 1, 2: 1}  # 2.5, 1.5, 1.0
    assert quotas(np.repeat([4, 7], [9, 1]), 5) == {4: 5, 7: 0}  # 4.5, 0.5
    assert quotas(np.repeat([0, 1], [7, 3]), 2) == {0: 1, 1: 1}  # 1.4, 0.6


def test_real_numbers_have_no_classes():
    arrays = {"x": np.arange(10, dtype=np.uint8), "labels": np.linspace(0, 1, 10, dtype=np.float32)}
    part, rest = carve(arrays, 4)
    assert sorted([*part["labels"], *rest["labels"]]) == sorted(arrays["labels"])
    assert len(part["labels"]) == 4


@pytest.mark.parametrize("count", [0, -1, 4, 5])
def test_a_split_leaves_something_on_both_sides(count):
    with pytest.raises(InvalidValue, match="Allowed: 1 to 3"):
        carve(samples([0, 1, 0, 1]), count)


def test_the_digest_sees_type_shape_name_and_content():
    array = np.arange(6, dtype=np.uint8)
    variants = [
        {"a": array},
        {"b": array},
        {"a": array.reshape(2, 3)},
        {"a": array.astype(np.int8)},
        {"a": array[::-1]},
    ]
    assert len({digest(variant) for variant in variants}) == len(variants)
    assert digest({"a": array[::2]}) == digest({"a": array[::2].copy()})
