"""TREC questions."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import DataInfo, dataset
from framework.datasets._prepare.text_dataset import TextDataset


@dataset("trec", version=1)
@dataclass(frozen=True, kw_only=True)
class Trec(TextDataset):
    """Questions by what they ask for, six classes.

    4 769 train, 100 calibration, 500 validation, 500 test.

    Source: Li & Roth 2002, COLING, Learning Question Classifiers; TFDS `trec` 1.0.0, its coarse
    label, official test.

    Classes: description, entity, abbreviation, human, number, location. Of the 5 452 questions of
    the training part 72 are copies and 11 are in the test split too: all these are left out. Texts
    are lower-case words and marks of punctuation, 24 of them (99 % of the questions are no longer);
    the 4 000 most frequent of the train split, padding and unknown among them, are the vocabulary.
    """

    info = DataInfo(task="classes", classes=6, inputs={"text": (24,)}, tokens={"text": 4000})
    licence = "none stated"
    builder = "trec"
    builder_version = "1.0.0"
    label = "label-coarse"
    calibration_size = 100
    validation_size = 500
    download = "http://cogcomp.org/Data/QA/QC/TREC_10.label"
