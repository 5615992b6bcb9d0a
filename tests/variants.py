"""Cases that only `make test-all` runs: each is a further net or a further number under a test that
`make test` holds with other cases.

This module is a pytest plug-in (see conftest.py). It takes no test out of `make test` as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

import pytest

LARGE_NETS = (
    "ds_cnn", "image_audio", "image_text", "resnet8", "squeezenet", "squeezenet_se", "transformer",
)  # fmt: skip
# their layers are those of lenet5, autoencoder and lstm, which `make test` trains and quantizes
ALIKE_NETS = ("cnn", "from_file", "lenet_300_100", "mlp")
# they share the making of masks with global_prune, which is tried on the recurrent net, too
SAME_MASKS = ("dynamic_sparse", "gradient_prune", "lottery_ticket", "random_prune", "snip")
# file -> patterns of what stands in brackets behind a test's name, or of name and brackets
VARIANTS: dict[str, list[str]] = {
    "architectures/test_from_file.py": ["test_a_study_prunes_and_quantizes_it[[]2-h5]"],
    "architectures/test_presets.py": [
        f"test_it_trains_and_its_file_agrees_with_it[[]{net}-*" for net in LARGE_NETS
    ],
    "architectures/test_sequence_nets.py": [
        "test_encoders_are_chosen_by_knob*[[]image_text-info0-*",
        "test_what_the_contract_suite_does_not_reach*[[]lstm-info0-*",
        "test_what_the_contract_suite_does_not_reach*[[]transformer-info3-*",
        "test_what_the_contract_suite_does_not_reach*[[]image_text-info4-*",
    ],
    "contract/test_every_net_compressed.py": [
        f"test_fewer_bits_are_in_the_file*[[]{net}-{mode}]"
        for net in LARGE_NETS
        for mode in ("float16", "dynamic", "int8 per tensor")
    ]
    + [
        f"{test}[[]{net}{case}]"
        for net in ALIKE_NETS
        for test, case in (
            ("test_zeros_asked_for*", "-in training"),
            ("test_the_control_with_training*", ""),
            ("test_training_changes_every_weight*", ""),
            ("test_fewer_bits_are_in_the_file*", "-float16"),
            ("test_fewer_bits_are_in_the_file*", "-int8 per tensor"),
        )
    ],
    "contract/test_every_strategy.py": [f"*[[]{name} lstm*" for name in SAME_MASKS],
    "contract/test_pins.py": [f"*[[]architecture-{net}]" for net in LARGE_NETS],
    "nn/compression/test_qat.py": [
        "test_reused_and_fresh_nets*[[]masked_attention]",
        # ds_cnn, image_text, squeezenet_se and transformer have all of their layers
        *(f"test_nothing_but_biases*[[]{net}]" for net in ("image_audio", "resnet8", "squeezenet")),
    ],
    "nn/compression/test_wrapper.py": [
        "test_a_net_under_grids*[[]recurrent-per_tensor]",
        "test_a_net_under_grids*[[]mixed-per_tensor]",
        "test_a_net_under_grids*[[]attention-per_tensor]",
        "test_every_weight_and_every_step_of_a_grid*[[]recurrent]",
        "test_noise_is_there_in_training_only[[]recurrent]",
        "test_every_kernel_has_noise*[[]recurrent]",
        "test_variables_of_functions*[[]mixed]",
    ],
    "nn/training/test_constraints.py": [
        "test_it_holds_under_every_optimizer[[]codebooks-*",
        "test_it_holds_under_every_optimizer[[]grids-adam*",
    ],
    "nn/training/test_fit.py": [
        "test_weight_decay_shrinks*[[]sgd]",
        "test_what_decays_are_kernels*[[]sgd]",
    ],
    "strategies/test_block_prune.py": [  # dense are heads alone, or as in image_text
        f"test_every_net_has_its_zeros*[[]{net}]"
        for net in ("ds_cnn", "image_audio", "resnet8", "squeezenet_se")
    ],
    "strategies/test_low_bit.py": [
        "test_the_file_of_a_sequence_net*[[]recurrent-per_tensor]",
        "test_the_file_of_a_sequence_net*[[]keras_attention-per_tensor]",
    ],
    "strategies/test_magnitude_prune.py": [
        "test_trained_it_reaches*[[]train?-0.9]",
        "test_trained_it_reaches*[[]train1-0.3]",
        "test_a_trial_gives_the_same_bits*[[]0.0]",
        "test_kernels_of_sequence_nets*[[]0-recurrent]",
        "test_kernels_of_sequence_nets*[[]1-attention]",
        "test_kernels_of_sequence_nets*[[]0-keras_attention]",
    ],
    "strategies/test_mask_strategies.py": [
        "test_low_bit_ends_on*[[]per_channel-[37]]",
        "test_low_bit_ends_on*[[]per_tensor-[27]]",
    ],
    "strategies/test_qat.py": [
        "test_zeros_survive[[]per_channel-lenet5]",
        "test_zeros_survive[[]per_tensor-lstm]",
        "test_sixteen_shared_values*[[]shared-lstm]",
        "test_sixteen_shared_values*[[]pruned and shared-lstm]",
    ],
    "test_dropin.py": ["test_dropped_in_it_is_listed*[[]package]"],
    "system/test_interrupt.py": ["test_a_study_stops_within_a_step*[[]export-1]"],
}


def patterns_of(item: pytest.Item) -> Iterator[str]:
    """The patterns of the table that a test's case falls under."""
    for file, patterns in VARIANTS.items():
        if item.path.as_posix().endswith(f"/tests/{file}"):
            yield from (pattern for pattern in patterns if fnmatchcase(item.name, pattern))


@pytest.hookimpl(tryfirst=True)  # before cases are chosen by their marks
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark what the table names as slow."""
    for item in items:
        if any(patterns_of(item)):
            item.add_marker(pytest.mark.slow)
