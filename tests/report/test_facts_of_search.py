"""What the page says of a search."""

from framework.report.facts.head import sampler_text
from framework.study import Study, use


def test_the_page_says_how_far_ahead_a_search_asks():
    parts = {"dataset": use("digits"), "architecture": use("lenet5"), "seed": 3}
    assert sampler_text(Study(**parts).json()) == "tpe, seed 3"
    assert sampler_text(Study(ahead=4, **parts).json()) == "tpe, ahead 4, seed 3"
