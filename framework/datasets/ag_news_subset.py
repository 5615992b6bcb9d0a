"""AG's news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from framework.contracts import DataInfo, dataset
from framework.datasets._prepare.text_dataset import TextDataset


@dataset("ag_news_subset", version=1)
@dataclass(frozen=True, kw_only=True)
class AgNewsSubset(TextDataset):
    """News by topic, four classes.

    About 114 000 train, 1 000 calibration, 5 000 validation, 7 600 test.

    Source: Zhang, Zhao & LeCun 2015, arXiv:1509.01626, from AG's corpus; TFDS `ag_news_subset`
    1.0.0, official test.

    Classes: world, sports, business, science and technology. The text is the title, then the
    description: the first 64 lower-case words and marks of punctuation. Of the 120 000 of the
    training part, copies and those that are in the test too are left out. The 10 000 most frequent
    words of the train split, padding and unknown among them, are the vocabulary.

    Tried on made-up texts only.
    """

    info = DataInfo(task="classes", classes=4, inputs={"text": (64,)}, tokens={"text": 10_000})
    licence = "for research and any other non-commercial activity, as AG's corpus says"
    untested = True
    builder = "ag_news_subset"
    builder_version = "1.0.0"
    features: ClassVar[Mapping[str, str]] = {"title": "title", "description": "description"}
    calibration_size = 1000
    validation_size = 5000
    download = "https://drive.google.com/uc?export=download&id=0Bz8a_Dbh9QhbUDNpeUdjb0wxRms"
