"""What methods, settings and pairs of methods are called, in numbers that are made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from framework import Train, use
from framework.contracts import Catalog
from framework.report.compare.budgets import epochs_of, unequal
from framework.report.compare.configurations import Configuration, Net
from framework.report.compare.methods import named
from framework.report.compare.pairs import pairs_of, sentence
from framework.report.tables.fit import Layout
from framework.report.tables.latex import latex
from framework.report.tables.markup import table_html, table_markdown
from framework.report.tables.table import Cell, Head, Table, words
from framework.results.record import Run
from framework.study import Spec, Use

SEED_EFFECTS = (0.003, -0.002, 0.004, -0.003, -0.002)


def configuration(
    *steps: Use, values: Sequence[float] = (), seeds: Sequence[int] = (), quality: str = "accuracy"
) -> Configuration:
    spec = Spec(
        dataset=use("digits"), architecture=use("lenet5"), train=Train(), compress=tuple(steps)
    )
    numbers = seeds or range(len(values))
    runs = {
        seed: Run(f"run{seed}", "", "FINISHED", {}, {}, {f"val_{quality}": value})
        for seed, value in zip(numbers, values, strict=True)
    }
    return Configuration(spec=spec, runs=runs)


def net(*compressed: Configuration, quality: str = "accuracy") -> Net:
    dense = configuration(values=[0.97, 0.97, 0.97], quality=quality)
    return Net(
        name="lenet5 on digits",
        quality=f"val_{quality}",
        dense=dense,
        compressed=compressed,
        samples=10_000,
    )


def said(one: Net) -> str:
    (pair,) = pairs_of(one, named(one.compressed))
    return sentence(one, pair)


def pair_of(
    ahead: float, noise: float, seeds: int = 5, quality: str = "accuracy", **changes: Any
) -> Net:
    """Random pruning, and magnitude pruning that is ahead of it; noise in units of the seeds'."""
    effects = np.array(SEED_EFFECTS[:seeds])
    low = 0.90 + 0.5 * effects
    high = low + ahead + noise * effects
    return net(
        configuration(use("magnitude_prune", sparsity=0.9), values=list(high), quality=quality),
        configuration(use("random_prune", sparsity=0.9), values=list(low), quality=quality),
        quality=quality,
    )


WORDS = [
    (pair_of(0.03, 1), "magnitude_prune is better than random_prune: it has 3.00 points more"),
    (pair_of(-0.03, 1), "random_prune is better than magnitude_prune: it has 3.00 points more"),
    (
        pair_of(0.001, 0.1),
        "magnitude_prune and random_prune are different, too small to matter: magnitude_prune has "
        "0.10 points more",
    ),
    (
        pair_of(0.0001, 0.5),
        "magnitude_prune and random_prune are equal in practice: magnitude_prune has 0.01 points "
        "more",
    ),
    (pair_of(0.004, 2), "magnitude_prune and random_prune: undecided, "),
    (pair_of(0.03, 1, seeds=2), "magnitude_prune and random_prune: no verdict, fewer than 3 seeds"),
    (pair_of(0.03, 0.01), "magnitude_prune and random_prune: no verdict, below resolution"),
    (pair_of(0.03, 1, quality="r2"), "magnitude_prune is better than random_prune: it has 0.0300"),
]


@pytest.mark.parametrize(("one", "words"), WORDS, ids=[words[-40:] for _, words in WORDS])
def test_each_verdict_has_its_sentence(one: Net, words: str) -> None:
    assert said(one).startswith(words)


def test_the_sentence_says_what_it_stands_on() -> None:
    error = np.std(SEED_EFFECTS, ddof=1) / len(SEED_EFFECTS) ** 0.5
    half = 100 * stats.t.ppf(1 - 0.05 / 4 / 2, 4) * error
    mean = 3 + 100 * np.mean(SEED_EFFECTS)
    interval = f"(98.75 % interval {mean - half:.2f} to {mean + half:.2f})"
    assert said(pair_of(0.03, 1)).endswith(f"on average over 1 setting and 5 seeds {interval}")
    # of the better one, whichever is named first
    assert said(pair_of(-0.03, -1)).endswith(interval)
    undecided = said(pair_of(0.004, 2))
    assert "seeds more would decide" in undecided


def test_without_anything_in_common_there_is_no_verdict() -> None:
    high = [0.95, 0.96, 0.955]
    apart = net(
        configuration(use("magnitude_prune", sparsity=0.9), values=high),
        configuration(use("magnitude_prune", sparsity=0.5), values=high),
        configuration(use("random_prune", sparsity=0.8), values=high),
    )
    assert said(apart).endswith("no verdict, they have no setting in common")
    strangers = net(
        configuration(use("magnitude_prune", sparsity=0.9), values=high, seeds=[0, 1, 2]),
        configuration(use("random_prune", sparsity=0.9), values=high, seeds=[5, 6, 7]),
    )
    assert said(strangers).endswith("no verdict, they have no seed in common")
    fallen = net(
        configuration(use("magnitude_prune", sparsity=0.9), values=high),
        configuration(use("random_prune", sparsity=0.9), values=[0.9, 0.1, 0.9]),
    )
    assert said(fallen).endswith("no verdict, their seeds disagree")


def test_numbers_are_settings_and_words_tell_methods_apart() -> None:
    names = named(
        [
            configuration(use("magnitude_prune", layers="erk", sparsity=0.9, epochs=4)),
            configuration(use("magnitude_prune", layers="uniform", sparsity=0.8, epochs=4)),
            configuration(use("random_prune", layers="erk", sparsity=0.9, epochs=4)),
        ]
    )
    assert [(one.method, one.setting) for one in names] == [
        ("magnitude_prune (layers=erk)", (("sparsity", 0.9),)),
        ("magnitude_prune (layers=uniform)", (("sparsity", 0.8),)),
        ("random_prune (layers=erk)", (("sparsity", 0.9),)),
    ]


def test_two_steps_with_one_knob_keep_their_places() -> None:
    names = named(
        [
            configuration(use("magnitude_prune", epochs=1), use("qat", epochs=epochs))
            for epochs in (1, 2)
        ]
        + [configuration(use("magnitude_prune", epochs=2), use("qat", epochs=1))]
    )
    assert {one.method for one in names} == {"magnitude_prune+qat"}
    assert names[0].setting == (("0.epochs", 1), ("1.epochs", 1))


def test_a_knob_that_is_called_like_a_column_keeps_its_place() -> None:
    names = named([configuration(use("mine", seeds=1)), configuration(use("mine", seeds=2))])
    assert [one.setting for one in names] == [(("0.seeds", 1),), (("0.seeds", 2),)]


def test_labels_of_studies_are_no_names_and_long_values_are_short() -> None:
    long = {f"layer_{index}": index for index in range(30)}
    names = named(
        [
            configuration(use("random_prune", label="mine", shares=long)),
            configuration(use("random_prune", label="yours", shares={})),
        ]
    )
    assert "mine" not in names[0].method + names[1].method
    assert max(len(one.method) for one in names) < 40


def test_budgets_more_than_a_tenth_off_the_median_are_told() -> None:
    assert unequal({"a": 10, "b": 10.9, "c": 10, "d": 20}) == {"d"}
    assert unequal({}) == set()
    one = configuration(use("magnitude_prune", epochs=4), use("qat", epochs=2))
    assert epochs_of(one, Catalog()) == [30, 4, 2]
    assert epochs_of(configuration(use("from_elsewhere")), Catalog()) is None


def test_what_comes_from_outside_is_escaped_in_each_form() -> None:
    table = Table(
        name="a b",
        caption="<script> 50 %",
        heads=[words("method"), Head(name="a_b", text="a_b"), words("empty")],
        rows=[[Cell("<i>|x_y_"), Cell("1 ± 2", bold=True), Cell("")]],
    ).without_empty()
    assert table.names == ["method", "a_b"]
    markdown = table_markdown(table).splitlines()
    assert markdown[1:] == ["| :--- | ---: |", r"| &lt;i>\|x_y\_ | **1 ± 2** |"]
    page = table_html(table)
    assert "<td>&lt;i&gt;|x_y_</td>" in page
    assert "<script>" not in page
    assert "<b>1 ± 2</b>" in page
    paper = latex([table], Layout())
    assert r"\bfseries 1{\,$\pm$\,2}" in paper
    assert r"\caption{\textless{}script\textgreater{} 50 \%}" in paper
    assert r"\label{tab:a-b}" in paper
