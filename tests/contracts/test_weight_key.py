"""Which weight of a net: a pair, and its text in files, tables and messages."""

from hypothesis import given
from hypothesis import strategies as st

from framework.contracts import Mask, Stage, WeightKey


@given(layer=st.text(max_size=20), position=st.integers(0, 99))
def test_its_text_is_read_as_itself(layer: str, position: int) -> None:
    key = WeightKey(layer, position)
    assert WeightKey.of(str(key)) == key == (layer, position)
    assert hash(key) == hash((layer, position))


def test_its_text_is_what_stores_of_today_hold() -> None:
    assert str(WeightKey("block_1/conv", 0)) == "block_1/conv/0"


def test_a_plain_pair_is_taken_for_one() -> None:
    asked = Stage("{}", {}).asking({("conv", 0): 3}).steps[-1].asked
    assert asked == {"conv/0": 3}
    assert Mask(("conv", 0), None).weight == WeightKey("conv", 0)  # type: ignore[arg-type]
