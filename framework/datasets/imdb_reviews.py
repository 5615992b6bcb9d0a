"""IMDB film reviews."""

from __future__ import annotations

from dataclasses import dataclass

from framework.contracts import DataInfo, dataset
from framework.datasets._prepare.text_dataset import TextDataset


@dataset("imdb_reviews", version=1)
@dataclass(frozen=True, kw_only=True)
class ImdbReviews(TextDataset):
    """Film reviews, for or against, in English.

    About 22 300 train, 500 calibration, 2 000 validation, 25 000 test.

    Source: Maas et al. 2011, ACL, Learning Word Vectors for Sentiment Analysis; TFDS `imdb_reviews`
    1.0.0, official test.

    Label 1 is a favourable review. Of the 25 000 of the training part, copies and those that are in
    the test too are left out. Texts are the first 200 lower-case words and marks of punctuation;
    the 10 000 most frequent of the train split, padding and unknown among them, are the vocabulary.

    Tried on made-up texts only.
    """

    info = DataInfo(task="binary", classes=2, inputs={"text": (200,)}, tokens={"text": 10_000})
    licence = "none stated"
    untested = True
    builder = "imdb_reviews/plain_text"
    builder_version = "1.0.0"
    calibration_size = 500
    validation_size = 2000
    download = "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
