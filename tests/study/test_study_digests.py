"""The digests of the shipped studies: a change of code that moves one parts a store from all that
it holds.

Versions of plug-ins are left out of what is pinned: they go up where a plug-in's numbers change,
and then the digests are to move. So did that of `lenet5_shootout` with version 3 of
`gradient_prune`, which looks at more batches.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from framework import Choice, Study, Train, use
from framework.contracts import Catalog
from framework.planning.plan import plan
from framework.planning.project import study_names
from framework.planning.resolve import first_value
from framework.study import Spec, Use, digest_of, spec_from_json
from framework.study.grid import enumerate_specs
from framework.study.space import knob
from framework.study.spec import SPEC_FIELDS, TRAIN_FIELDS

ROOT = Path(__file__).parents[2]
PINNED = {  # study -> its digest and that of its dense net, as they begin
    "autoencoder_prune": ("79a895f58f472766", "657de178dbb67c72"),
    "cnn_prune": ("c9bfa7746ebe7a23", "302a25ee6abdcd17"),
    "image_audio_quantize": ("d8a9664f51b3b3b3", "86c1117d8a606865"),
    "image_text_prune": ("9b77e09f8f09b24e", "93e5d660d378b463"),
    "lenet5_prune": ("d562453b3638338e", "8e2d1cf6ca381f5d"),
    "lenet5_quantize": ("309bd3f749af1b6f", "8e2d1cf6ca381f5d"),
    "lenet5_shootout": ("f23c8241e0458ef3", "0fd0abbd67944684"),
    "lenet_300_100_prune": ("d80f17713ec63d60", "1c95810ec14ad4ad"),
    "lstm_quantize": ("cfc9065e68d47115", "019e6d7361fbf8f3"),
    "prune_and_quantize": ("b24c60e02b842b35", "8e2d1cf6ca381f5d"),
    "prune_vs_random": ("f57720602260db84", "8e2d1cf6ca381f5d"),
    "squeezenet_deep_compression": ("5fdad0ccef63d94d", "22e100f8e7a3ad0a"),
    "squeezenet_prune": ("c7fbf363b059040f", "22e100f8e7a3ad0a"),
    "squeezenet_se_prune": ("50f533a959be3006", "4e3e51b029eaf8fd"),
    "transformer_chain": ("a590d98239a67d41", "6349bbf2b3f02888"),
    "transformer_prune": ("a76cba3d74f77ee4", "6349bbf2b3f02888"),
    "zoo": ("14c95330835b9854", "33d8933460a19eee"),
}


def unversioned(_kind: str, _path: str, part: Use) -> Use:
    return replace(part, version=1)


def shipped(name: str) -> Study:
    return plan(ROOT, name, settings=[], catalog=Catalog()).study.rebuilt(unversioned)


def test_every_shipped_study_is_pinned() -> None:
    assert set(PINNED) == set(study_names(ROOT))


@pytest.mark.parametrize("name", PINNED)
def test_the_digests_of_shipped_studies_stay(name: str) -> None:
    study = shipped(name)
    dense = study.fix(first_value).dense()
    assert (study.digest[:16], dense.digest[:16]) == PINNED[name]


# --- fields that are added later ------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class LaterTrain(Train):
    """With a knob that no study of today knows."""

    momentum: float = knob(0.9, low=0.0, high=1.0)


@dataclass(frozen=True, kw_only=True)
class LaterSpec(Spec):
    added: str = "none"


@dataclass(frozen=True, kw_only=True)
class LaterStudy(Study):
    added: str = "none"


PARTS: dict[str, Any] = {"dataset": use("digits"), "architecture": use("lenet5"), "train": Train()}


@pytest.mark.parametrize(
    ("now", "later", "changed"),
    [
        (Spec(**PARTS), LaterSpec(**PARTS), LaterSpec(**PARTS, added="more")),
        (Study(**PARTS), LaterStudy(**PARTS), LaterStudy(**PARTS, added="more")),
    ],
)
def test_a_field_that_is_added_moves_no_digest_until_it_is_set(
    now: Any, later: Any, changed: Any
) -> None:
    assert later.json() == now.json()
    assert later.digest == now.digest != changed.digest
    assert changed.json() == now.json() | {"added": "more"}


def test_a_knob_of_training_that_is_added_moves_no_digest_until_it_is_set() -> None:
    assert LaterTrain().json() == Train().json()
    for momentum in (0.5, 0.95):
        assert LaterTrain(momentum=momentum).json() == Train().json() | {"momentum": momentum}


def test_a_default_that_is_written_out_is_a_default() -> None:
    spelled = "".join(["no", "ne"])  # an object of its own
    assert LaterStudy(**PARTS, added=spelled).digest == Study(**PARTS).digest


def test_the_fields_of_today_are_written_at_their_defaults_too() -> None:
    assert set(Train().json()) == set(TRAIN_FIELDS)
    assert {declared.name for declared in fields(Train)} - set(TRAIN_FIELDS) == {"trained_factor"}
    assert set(Spec(**PARTS).json()) == {"schema", *SPEC_FIELDS}
    written = {
        "dataset",
        "architecture",
        "train",
        "compress",
        "objectives",
        "constraints",
        "sampler",
        "seed",
    }
    assert set(Study(**PARTS).json()) == {"schema", *written}
    assert spec_from_json(Spec(**PARTS).json()) == Spec(**PARTS)


def test_a_dense_spec_states_its_own_factor_of_fine_tuning() -> None:
    """Whatever the default is or will be: the nets of a store are found by this digest."""
    spec = Spec(**PARTS | {"train": Train(finetune_factor=0.5)})
    assert spec.dense().json()["train"]["finetune_factor"] == 2.0
    assert spec.dense().digest == Spec(**PARTS | {"train": Train(finetune_factor=2.0)}).digest


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["dataset", "architecture", "compress"])
def test_a_knob_may_be_called_label_and_counts(part: str) -> None:
    def digest(**knobs: Any) -> str:
        named = Use("any", knobs, label="mine")
        return replace(Spec(**PARTS), **{part: (named,) if part == "compress" else named}).digest

    assert digest(label="y1") != digest(label="y2")
    assert digest(label="any") != digest()


@pytest.mark.parametrize("part", ["dataset", "architecture", "compress"])
def test_what_a_study_calls_a_plug_in_does_not_count(part: str) -> None:
    digests = {
        replace(Spec(**PARTS), **{part: (named,) if part == "compress" else named}).digest
        for named in (
            Use("any", {"k": 1}),
            Use("any", {"k": 1}, label="mine"),
            Use("any", {"k": 1}, label="any"),
        )
    }
    assert len(digests) == 1


def test_baselines_of_two_label_columns_are_two() -> None:
    one, two = (
        Spec(**PARTS | {"dataset": Use("csv", {"label": column})}).dense().digest
        for column in ("y1", "y2")
    )
    assert one != two


# --- places in a chain ----------------------------------------------------------------------------

CHAIN = (
    Choice(None, use("magnitude_prune", sparsity=0.9)),
    None,
    Choice(None, use("ptq", format="int8")),
)


def chosen(first: str, last: str) -> Spec:
    answers = {"compress.0": first, "compress.2": last}
    return Study(**PARTS, compress=CHAIN).fix(lambda name, _domain: answers[name])


@pytest.mark.parametrize("first", ["none", "magnitude_prune"])
@pytest.mark.parametrize("last", ["none", "ptq"])
def test_a_step_has_the_number_of_its_place_whatever_is_left_out_before_it(
    first: str, last: str
) -> None:
    flat = {
        name: value
        for name, value in chosen(first, last).parameters().items()
        if name.startswith("compress")
    }
    wanted = (
        {"compress.0": "magnitude_prune", "compress.0.sparsity": "0.9"} if first != "none" else {}
    )
    wanted |= {"compress.2": "ptq", "compress.2.format": "int8"} if last != "none" else {}
    assert flat == wanted


def test_the_place_survives_its_file_and_is_no_part_of_the_digest() -> None:
    spec = chosen("none", "ptq")
    again = spec_from_json(json.loads(json.dumps(spec.json())))
    assert again == spec
    assert again.parameters() == spec.parameters()
    alone = Study(**PARTS, compress=(use("ptq", format="int8"),)).fix(first_value)
    assert alone.digest == spec.digest == again.digest
    assert alone.json()["compress"] == [
        {"use": "ptq", "version": 0, "label": "ptq", "knobs": {"format": "int8"}}
    ]


def test_a_file_of_an_earlier_version_is_read_as_before() -> None:
    stored = chosen("none", "ptq").json()
    del stored["compress"][0]["slot"]
    assert spec_from_json(stored).parameters()["compress.0.format"] == "int8"


@pytest.mark.parametrize(
    ("name", "pinned"),
    [("lenet5_quantize", "e4edf954cf3853b4"), ("lenet5_shootout", "43712a45321ece2b")],
)
def test_the_digests_of_all_specs_of_a_study_stay(name: str, pinned: str) -> None:
    assert digest_of([spec.digest for _, spec in enumerate_specs(shipped(name))])[:16] == pinned
