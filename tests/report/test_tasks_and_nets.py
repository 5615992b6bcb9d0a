"""What a report says of a regression, and of a study that searches over architectures."""

import csv
from dataclasses import replace

import pytest
from synthetic_runs import ROOT, STUDY, FakeStore, baseline, control, parent, study_json, trial

from framework import Choice, Float, use
from framework.notebook import Result
from framework.report import collect, run_report
from framework.report.facts.checklist import unmet
from framework.report.figures.style import Axis
from framework.report.figures.trade_off import Cloud, trade_off
from framework.report.frame import varying_parameters
from framework.report.pareto import axes_of, pareto_frame
from framework.report.resolved import label_of
from framework.report.speed import protocol, speed_columns, speed_frame

NAME = "squeezenet_prune"
DENSE_R2 = 0.96


def regression(run, r2):
    """The same run as one of a regression: R2 and RMSE in place of the accuracy."""
    kept = {name: value for name, value in run.metrics.items() if "accuracy" not in name}
    own = {"val_r2": r2, "val_rmse": (1 - r2) ** 0.5}
    if any(name.startswith("baseline.") for name in kept):
        own |= {"baseline.val_r2": DENSE_R2, "baseline.val_rmse": 0.2, "r2_drop": DENSE_R2 - r2}
    return replace(run, metrics=kept | own)


def runs_of_regression(*values, objectives=None, **head):
    held = [parent(), regression(baseline(), DENSE_R2), regression(control(), 0.97)]
    held += [
        regression(trial(number, 0.5, 90_000 - 9_000 * number), r2)
        for number, r2 in enumerate(values)
    ]
    study = replace(
        STUDY, objectives=objectives or {"val_r2": "max", "params_nonzero": "min"}, constraints=()
    )
    return FakeStore(held, study_json(study, task="regression", classes=0, **head))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = tmp_path_factory.mktemp("regression")
    found = run_report(runs_of_regression(0.95, 0.7, -3.5), NAME, root=ROOT, out=out)
    return found, out


def test_no_word_of_a_regression_s_report_is_of_accuracy(page):
    found, out = page
    texts = {
        path.name: path.read_text()
        for path in out.iterdir()
        # the glossary explains the words of every task
        if path.suffix in (".md", ".tex", ".csv") and path.stem != "glossary"
    }
    texts["terminal"] = found.table
    # that is the study's own text
    question = "How sparse can SqueezeNet get before accuracy falls by one point?"
    assert not [
        name for name, text in texts.items() if "accurac" in text.replace(question, "").lower()
    ]


def test_the_page_of_a_regression_says_what_was_asked_and_how_good_the_baseline_is(page):
    text = (page[1] / "pareto.md").read_text()
    for said in (
        f"# {NAME}: R2 against size",
        "- Task: regression of one number",
        "- Baseline: R2 0.9600, RMSE 0.2 on the validation split, exported file",
        "![R2 against size]",
    ):
        assert said in text
    head = next(line for line in text.splitlines() if line.startswith("| net"))
    assert [cell.strip() for cell in head.split("|")[3:6]] == ["val. R2", "drop in R2", "val. RMSE"]
    meanings = (page[1] / "glossary.md").read_text()
    assert "1 is perfect, 0 no better than the mean" in meanings


def test_drops_are_exact_and_those_of_the_row_s_own_baseline(page):
    with (page[1] / "pareto.csv").open(newline="") as file:
        rows = {row["label"]: row for row in csv.DictReader(file)}
    assert float(rows["baseline"]["r2_drop"]) == 0
    assert float(rows["trial 1"]["r2_drop"]) == DENSE_R2 - 0.7
    assert "accuracy_drop" not in rows["trial 1"]


def test_an_error_that_is_asked_for_spans_the_figure_and_stands_in_the_terminal(tmp_path):
    ways = {"val_rmse": "min", "latency_us_p50": "min"}
    store = runs_of_regression(0.95, 0.7, objectives=ways)
    for run in store.held:
        run.metrics.update(
            {f"latency_us_p50{end}": 5.0 + run.number for end in ("", "_low", "_high")}
        )
    axes = axes_of(collect(store, NAME))
    assert (axes.size, axes.quality, axes.quality_direction) == (
        "latency_us_p50",
        "val_rmse",
        "min",
    )
    found = run_report(store, NAME, root=ROOT, out=tmp_path)
    assert "RMSE" in found.table
    assert "RMSE against size" in (tmp_path / "pareto.md").read_text()


@pytest.mark.parametrize(
    ("quality", "drop", "number"),
    [
        ({"val_r2": "max"}, 0.1, 1),
        ({"val_r2": "max"}, 0.3, 2),
        ({"r2_drop": "min"}, 0.1, 1),
        ({"val_rmse": "min"}, 0.1, 1),
    ],
)
def test_the_best_net_of_a_front_loses_at_most_so_much_of_what_is_asked_for(
    quality, drop, number, tmp_path
):
    objectives = {**quality, "params_nonzero": "min"}
    runs = collect(runs_of_regression(0.97, 0.93, 0.7, objectives=objectives), NAME)
    result = Result(NAME, "digest", 0, tmp_path)
    result.__dict__["_stored"] = runs  # as the store would give them
    assert result.best(drop=drop)["trial"] == number


@pytest.mark.parametrize(("worst", "told"), [(0.47, False), (0.49, True), (-5.0, False)])
def test_r2_collapses_below_half_of_the_baseline_s(worst, told):
    runs = collect(runs_of_regression(0.95, worst), NAME)
    lines = unmet(runs, pareto_frame(runs))
    assert (
        any(
            line == "no trial goes on to where R2 collapses (half of the baseline's)"
            for line in lines
        )
        is told
    )
    assert not [line for line in lines if line.startswith("no top-5")]


@pytest.mark.parametrize(
    ("task", "classes", "asked"), [("classes", 10, 0), ("classes", 200, 1), ("binary", 2, 0)]
)
def test_top_5_is_asked_for_where_there_are_many_classes(task, classes, asked):
    head = study_json(task=task, classes=classes)
    runs = collect(FakeStore([parent(), baseline(), control(), trial(0)], head), NAME)
    lines = unmet(runs, pareto_frame(runs))
    assert len([line for line in lines if line.startswith("no top-5")]) == asked


def test_the_task_of_an_older_run_is_told_by_its_metrics():
    store = runs_of_regression(0.9)
    del store.head["task"]
    assert collect(store, NAME).task == "regression"
    assert collect(FakeStore([parent(), trial(0)]), NAME).task == "classes"


def test_what_lies_off_the_axis_is_marked_at_its_edge_and_the_legend_says_so():
    size, r2 = Axis(label="Size", better="min"), Axis(label="R²", better="max", floor=0.0)
    cloud = Cloud(trials=[(2.0, -70.0), (1.0, 0.5)], front=[(3.0, 0.9)])
    figure = trade_off(cloud, size, r2)
    plot = figure.axes[0]
    assert plot.get_ylim()[0] == 0
    assert [list(line.get_xdata()) for line in plot.lines if line.get_marker() == "v"] == [[2.0]]
    assert "below the axis" in [text.get_text() for text in figure.legends[0].get_texts()]
    inside = trade_off(Cloud(trials=[(1.0, 0.0)]), size, r2).axes[0]
    assert not [line for line in inside.lines if line.get_marker() == "v"]


# --- several architectures ------------------------------------------------------------------------

NETS = Choice(
    use("lenet5", units=16),
    use("lenet5", label="wide", units=64),
    use("squeezenet", width=Float(0.25, 1.0)),
)


def of_net(run, name, base, **knobs):
    """The same run on another architecture, against a baseline of `base` non-zero parameters."""
    params = {key: value for key, value in run.params.items() if not key.startswith("architecture")}
    params |= {
        "architecture": name,
        **{f"architecture.{knob}": str(value) for knob, value in knobs.items()},
    }
    metrics = run.metrics | (
        {"baseline.params_nonzero": base} if "baseline.params_nonzero" in run.metrics else {}
    )
    ids = {"run_id": f"{run.run_id} {name} {knobs}"}
    return replace(
        run, params=params, metrics=metrics, tags={**run.tags, "architecture": name}, **ids
    )


@pytest.fixture
def zoo():
    kinds = {
        "narrow": ("lenet5", 4_000.0, {"units": 16}),
        "wide": ("lenet5", 16_000.0, {"units": 64}),
    }
    kinds["squeezed"] = ("squeezenet", 9_000.0, {"width": 0.5})
    held = [parent()]
    for number, (name, base, knobs) in enumerate(kinds.values()):
        dense = of_net(baseline(), name, base, **knobs)
        held += [dense] + ([of_net(control(), name, base, **knobs)] if name == "lenet5" else [])
        held += [
            of_net(trial(number, 0.9 + number / 100, 2_000 + 1_000 * number), name, base, **knobs)
        ]
        held[-1].tags["baseline"] = dense.run_id
    return FakeStore(held, study_json(replace(STUDY, architecture=NETS)))


def test_each_row_says_its_net_and_is_measured_against_its_own_baseline(zoo):
    frame = pareto_frame(collect(zoo, NAME))
    nets = {
        kind: list(frame[frame["row"] == kind]["architecture"])
        for kind in ("baseline", "control", "front")
    }
    assert sorted(nets["baseline"]) == ["lenet5", "squeezenet", "wide"]
    assert sorted(nets["control"]) == ["lenet5", "wide"]
    assert set(frame[frame["row"] == "baseline"]["label"]) == {"baseline"}
    ratios = frame[frame["row"] == "front"].set_index("architecture")["params_nonzero_ratio"]
    assert dict(ratios) == {"lenet5": 2.0, "wide": 16 / 3, "squeezenet": 9 / 4}


def test_the_net_stays_in_the_table_when_one_alone_is_left_on_the_front(zoo):
    zoo.held = [
        zoo.held[0],
        *(run for run in zoo.held if run.params.get("architecture.units") == "64"),
    ]
    assert set(pareto_frame(collect(zoo, NAME))["architecture"]) == {"wide"}


def test_a_net_without_a_control_is_named(zoo):
    runs = collect(zoo, NAME)
    assert "no control of squeezenet" in unmet(runs, pareto_frame(runs))


def test_knobs_that_their_net_alone_decides_are_no_columns(zoo):
    runs = collect(zoo, NAME)
    assert "architecture.units" in varying_parameters(runs)  # tells two lenet5 apart
    assert "architecture.width" in varying_parameters(runs)  # is searched
    others = [run for run in runs.trials if run.params.get("architecture.units") != "64"]
    assert "architecture.units" not in varying_parameters(replace(runs, trials=others))


def test_the_report_of_several_nets_names_them_in_every_table(zoo, tmp_path):
    found = run_report(zoo, NAME, root=ROOT, out=tmp_path)
    page = (tmp_path / "pareto.md").read_text()
    ledger = page.partition("## The size ledger")[2].partition("##")[0]
    for text in (
        found.table,
        page,
        ledger,
        (tmp_path / "trials.csv").read_text(),
        (tmp_path / "speed.md").read_text(),
    ):
        assert "wide" in text
    assert "digits and lenet5 are toys" in page
    assert "measured against the baseline of its own architecture" in page
    assert "lenet5 and squeezenet on digits" in (tmp_path / "pareto.tex").read_text()
    assert "; : " not in (tmp_path / "pareto.tex").read_text()  # a column without a name


def test_the_clock_is_checked_for_each_net(zoo):
    for run in zoo.held:
        if run.tags["role"] != "study":
            run.metrics.update(
                {f"speedup_measured{end}": 1.0 for end in ("", "_low", "_high")}
                | {"latency_threads": 1.0}
            )
    runs = collect(zoo, NAME)
    assert protocol(runs).count("showed no difference") == 3
    assert "The baseline of wide timed against itself" in protocol(runs)
    assert (
        next(column for column in speed_columns(runs) if column.name == "architecture").text("wide")
        == "wide"
    )
    assert "squeezenet" in set(speed_frame(runs)["architecture"])


def test_each_net_has_a_look_of_its_own_and_the_legend_names_it():
    names = [f"net number {number}" for number in range(8)]
    nets = {
        name: Cloud(trials=[(i + 1.0, 0.5)], front=[(i + 1.0, 0.6)]) for i, name in enumerate(names)
    }
    whole = Cloud(
        trials=[point for net in nets.values() for point in net.trials], front=[(1.0, 0.6)]
    )
    size, quality = Axis(label="Size", better="min"), Axis(label="Accuracy", better="max")
    figure = trade_off(whole, size, quality, nets=nets)
    figure.canvas.draw()
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [*names, "trial", "Pareto front"]
    looks = {
        (line.get_color(), line.get_marker())
        for line in figure.axes[0].lines
        if line.get_marker() != "None"
    }
    assert len(looks) == 8
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= figure.axes[0].get_window_extent().y1 - 1


def test_an_alternative_goes_by_its_label_where_others_have_its_name():
    part = replace(STUDY, architecture=NETS).json()["architecture"]
    assert label_of(part, "lenet5", {"units": 16}) == "lenet5"
    assert label_of(part, "lenet5", {"units": 64}) == "wide"
    assert label_of(part, "squeezenet", {"width": 0.3}) == "squeezenet"
    assert label_of(part, "gone", {}) == "gone"
