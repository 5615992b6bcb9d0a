"""The page in a headless browser, with the network off. Skipped where there is no Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_support import HOSTILE

ROWS = "#table-view tbody tr"
FILTER = "#table-view input[type=search]"
WIDTHS = (390, 1440)


def point_of(label: str) -> str:
    """JavaScript of the mark of a run in the scatter, by the row that the table shows for it."""
    has = f"(one) => one.cells[0].textContent === '{label}'"
    row = f"[...document.querySelectorAll('{ROWS}')].find({has}).dataset.row"
    return f"document.querySelector(`#scatter-view .points [data-row='${{{row}}}']`)"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["thirty", "hostile", "nothing", "comparison"])
def test_a_page_is_drawn_at_every_width_and_never_scrolls_sideways(
    read, request, name, width, dark
) -> None:
    page = read(request.getfixturevalue(name), width=width, dark=dark)
    assert page.ask("document.documentElement.scrollWidth <= innerWidth")
    assert page.ask("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert page.ask("document.querySelectorAll('#scatter-view svg').length") >= 1


def test_hostile_text_is_shown_and_not_obeyed(read, hostile: Path) -> None:
    page = read(hostile)
    assert page.ask("window.hit === undefined")
    assert page.ask("document.querySelectorAll('main img').length") == 1
    body = page.ask("document.body.textContent")
    assert " ".join(HOSTILE[1].split()) in body
    page.press(f"{ROWS}:nth-child(8) td")
    assert page.ask("window.hit === undefined")
    assert page.ask("document.querySelectorAll('#run script, #run img').length") == 0


def test_pointing_shows_the_configuration_and_a_click_opens_the_run(read, thirty: Path) -> None:
    page = read(thirty)
    x, y = page.place(point_of("trial 26"))
    page.mouse("Moved", x, y)
    tip = page.ask("document.querySelector('.tip').innerText")
    assert tip.splitlines()[0] == "trial 26"
    assert "sparsity: 0.7648" in tip
    page.click(x, y)
    assert page.ask("document.querySelector('#run h3').textContent") == "trial 26"
    assert page.all("#run a", "href") == ["http://127.0.0.1:5000/#/runs/run26a0"]
    page.key("Escape")
    assert page.ask("document.querySelector('#run').hidden")


def test_the_scatter_is_walked_with_a_keyboard(read, thirty: Path) -> None:
    page = read(thirty)
    page.ask("document.querySelector('#scatter-view .drawing svg').focus()")
    page.key("ArrowRight")
    first = page.ask("document.querySelector('#scatter-view [aria-live]').textContent")
    page.key("ArrowRight")
    second = page.ask("document.querySelector('#scatter-view [aria-live]').textContent")
    assert first.startswith("trial")
    assert first != second
    page.key("Enter")
    assert page.ask("document.querySelector('#run h3').textContent") == second.split(",")[0]
    # the button that closes it has the focus
    assert page.ask("document.activeElement.getAttribute('aria-label')") == "Close"


def test_a_head_sorts_by_its_column_best_first(read, thirty: Path) -> None:
    page = read(thirty)
    heads = page.all("#table-view thead th")
    column = heads.index("val. accuracy (%)") + 1
    for direction, ordered in (("descending", True), ("ascending", False)):
        page.press(f"#table-view thead th:nth-child({column}) button")
        way = page.all("#table-view thead th", "getAttribute('aria-sort')")[column - 1]
        assert way == direction
        cells = page.all(f"{ROWS}:not(:has(.failed)) td:nth-child({column})")
        values = list(map(float, filter(None, cells)))
        assert len(values) == 31
        assert values == sorted(values, reverse=ordered)


def test_words_and_comparisons_filter_all_three_views(read, thirty: Path) -> None:
    page = read(thirty)
    assert len(page.all(ROWS)) == 32
    page.type(FILTER, "trial sparsity>0.9 accuracy>=80")
    rows = page.all(f"{ROWS} th")
    assert 0 < len(rows) < 10
    assert len(page.all("#scatter-view .points > path")) == len(rows)
    assert len(page.all("#paths-view .path:not(.faded):not(.pointed)")) == len(rows)
    page.type(FILTER, "diverged")
    assert page.all(f"{ROWS} th") == ["trial 7"]
    assert page.all(f"{ROWS} .failed") == ["failed: diverged"]


def test_a_range_drawn_on_an_axis_filters_all_three_views(read, thirty: Path) -> None:
    page = read(thirty)
    axis = "[...document.querySelectorAll('#paths-view .touch')][1]"
    x, y = page.place(axis)
    low = y + page.ask(f"{axis}.getBoundingClientRect().height") / 2
    page.drag((x, y), (x, low - 2))
    kept = page.all(f"{ROWS}:not(:has(.failed)) th")
    assert 5 < len(kept) < 25
    assert len(page.all("#scatter-view .points > path")) == len(kept)
    (button,) = page.all("#paths-view .kept button")
    assert button.startswith("sparsity 0.5")
    # pressed without a range it is cleared
    page.click(x, y)
    assert len(page.all(ROWS)) == 32


def test_the_ends_of_a_range_are_moved_with_a_keyboard(read, thirty: Path) -> None:
    page = read(thirty)
    page.ask("document.querySelectorAll('#paths-view .handle')[2].focus()")
    for _ in range(10):
        page.key("ArrowUp")
    assert page.ask("document.activeElement.getAttribute('aria-valuenow')") == "50"
    assert 5 < len(page.all(ROWS)) < 25
    page.key("Delete")
    assert len(page.all(ROWS)) == 32


def test_axes_and_range_are_chosen(read, thirty: Path) -> None:
    page = read(thirty)
    names = page.all("#scatter-view .grid .name")
    assert names[0].startswith("Non-zero parameters, log scale")
    choose = (
        "(() => { const box = document.querySelectorAll('#scatter-view select')[1];"
        "box.value = [...box.options].find((one) => one.text === 'sparsity').value;"
        "box.dispatchEvent(new Event('change')); })()"
    )
    page.ask(choose)
    assert page.all("#scatter-view .grid .name")[0] == "sparsity"
    ticks = page.all("#scatter-view .grid .beside")
    page.press("#scatter-view input[type=checkbox]")
    assert page.all("#scatter-view .grid .beside") != ticks


def test_a_comparison_shows_one_net_at_a_time_with_bars(read, comparison: Path) -> None:
    page = read(comparison)
    # random pruning to a twentieth lies far below, at the edge, and has none
    assert len(page.all("#scatter-view .bar")) == 7
    assert len(page.all(ROWS)) == 8
    page.ask(
        "(() => { const box = document.querySelector('#scatter-view select');"
        "box.value = 'lenet_300_100 on digits'; box.dispatchEvent(new Event('change')); })()"
    )
    assert page.all("#scatter-view .bar") == []
    assert len(page.all(ROWS)) == 5
    # a colour that is pressed is hidden
    page.press("#scatter-view .legend button")
    assert len(page.all(ROWS)) == 2


@pytest.mark.parametrize("name", ["thirty", "comparison", "thousand"])
def test_a_number_is_the_same_text_as_in_the_tables_of_python(read, request, name) -> None:
    """What the scripts write of each cell that stands in a table of the file."""
    page = read(request.getfixturevalue(name))
    compared = page.ask(
        """(() => {
            const text = (one) => one.textContent.replace(/\\s+/g, ' ').trim();
            const heads = [...document.querySelectorAll('#table-view thead th')].map(text);
            document.querySelectorAll('#table-view > button').forEach((one) => one.click());
            const rows = new Map([...document.querySelectorAll('#table-view tbody tr')].map(
                (row) => [text(row.cells[0]), [...row.cells].map(text)]));
            const wrong = [];
            let count = 0;
            const table = document.querySelector('#results table');
            const names = [...table.tHead.rows[0].cells].map(text);
            for (const row of table.tBodies[0].rows) {
                const other = rows.get(text(row.cells[0]));
                [...row.cells].forEach((cell, at) => {
                    const place = heads.indexOf(names[at]);
                    if (at === 0 || place < 0) return;
                    count += 1;
                    const found = other[place];
                    if (found !== text(cell)) wrong.push([names[at], text(cell), found]);
                });
            }
            return [count, wrong.slice(0, 5)];
        })()"""
    )
    assert compared[0] > 20
    assert compared[1] == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_the_paper(read, thirty: Path, dark: bool) -> None:
    """4.5 to 1, as WCAG 2 asks of text."""
    page = read(thirty, dark=dark)
    faint = page.ask(
        """(() => {
            const light = (text) => {
                const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((value) => {
                    const share = value / 255;
                    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const paper = light(getComputedStyle(document.body).backgroundColor);
            const ratio = (one) => {
                const style = getComputedStyle(one);
                const ink = light(one instanceof SVGElement ? style.fill : style.color);
                return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
            };
            const texts = 'p, a, td, th, dt, dd, h1, h2, label, button, text';
            return [...document.querySelectorAll(texts)]
                .filter((one) => ratio(one) < 4.5).map((one) => one.textContent.slice(0, 30));
        })()"""
    )
    assert faint == []
