"""What the tensors of a file have, counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from framework.results.requested import distinct_per_channel

VALUES = st.sampled_from([-1.5, -0.0, 0.0, 0.25, 3.0])


@given(
    values=arrays(np.float32, array_shapes(min_dims=1, max_dims=4), elements=VALUES), data=st.data()
)
def test_values_of_a_channel_are_counted(values: Any, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, values.ndim - 1))
    weight: Any = SimpleNamespace(values=values, output_axis=axis)
    channels = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    assert distinct_per_channel(weight) == max(len(set(map(float, one))) for one in channels)


def test_a_tensor_without_values_has_none() -> None:
    weight: Any = SimpleNamespace(values=np.zeros((0, 3)), output_axis=0)
    assert distinct_per_channel(weight) == 0
