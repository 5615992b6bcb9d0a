"""What docs say a net reaches was made by today's recipe, and is what the recipe promises."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import pages, recipe_list, recipes, samples
from framework.contracts import Catalog
from framework.errors import UserError

ROOT = Path(__file__).parents[2]
CATALOG = Catalog()
NAMED = {recipe.name: recipe for recipe in recipe_list.RECIPES}


@pytest.mark.parametrize("name", NAMED)
def test_the_result_was_made_by_the_recipe_as_it_stands(name):
    result = recipe_list.read(NAMED[name], ROOT)
    assert result is not None, f"make recipes NAME={name}"
    assert result["digest"] == recipe_list.digest(NAMED[name].specs(ROOT, CATALOG)), (
        f"make recipes NAME={name}"
    )
    assert len(result["values"]) == len(NAMED[name].seeds)


@pytest.mark.parametrize("name", NAMED)
def test_the_result_is_what_the_recipe_promises(name):
    assert recipes.check(NAMED[name], recipe_list.read(NAMED[name], ROOT)) == ""


def test_a_result_below_its_promise_is_told():
    recipe = recipe_list.Recipe("x", "cnn_prune", least=0.98)
    assert recipes.check(recipe, {"values": [0.98, 0.98, 0.98]}) == ""
    assert "should lie between 0.98 and 1" in recipes.check(recipe, {"values": [0.98, 0.97, 0.98]})


def test_no_result_lies_about_without_its_recipe():
    kept = {path.stem for path in (ROOT / recipe_list.RESULTS).glob("*.json")}
    assert kept == set(NAMED)


@pytest.mark.parametrize("path", [pages.ARCHITECTURES, pages.DATASETS], ids=str)
def test_the_pages_are_those_of_registry_and_results(path):
    assert (ROOT / path).read_text("utf-8") == pages.pages(ROOT, CATALOG)[path], (
        "renew it: make recipes"
    )


def test_every_plugin_has_its_section():
    for kind, path in (("architecture", pages.ARCHITECTURES), ("dataset", pages.DATASETS)):
        sections = re.findall(r"^## (\S+)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
        assert sections == CATALOG.of(kind).names()


def test_what_is_said_of_a_data_set_is_of_its_present_version():
    for file in sorted((ROOT / recipe_list.RESULTS / "data").glob("*.json")):
        facts = json.loads(file.read_text("utf-8"))
        dataset = CATALOG.datasets.build(file.stem, {})
        assert facts["digest"] == samples.digest(dataset), f"python -m docs.samples {file.stem}"
        assert facts["sizes"]["test"] == samples.sealed_size(dataset)
        assert {name: tuple(shape) for name, shape in facts["inputs"].items()} == dict(
            dataset.info.inputs
        )


def test_a_card_without_the_size_of_its_test_split_is_refused():
    with pytest.raises(UserError, match="does not say how large its test split is"):
        samples.sealed_size(CATALOG.datasets.build("csv", {}))


def test_an_unknown_recipe_is_refused_with_the_names():
    command = [sys.executable, "-m", "docs.recipes", "cnn-digit"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cnn-digits" in done.stderr
    assert "Traceback" not in done.stderr
