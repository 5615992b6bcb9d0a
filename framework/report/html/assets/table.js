// All runs, sorted by any column, filtered by words and comparisons.

const table = { sort: -1, down: false, limit: 100, columns: fields.filter((field) => field.level < 2 && !isSpread(field) && field !== panelField) };
const body = html("tbody", {
  click: (event) => { if (!event.target.closest("a")) openRow(event.target.closest("tr")); },
  pointerover: (event) => point(rowOf(event.target.closest("tr"))),
  pointerleave: () => point(-1),
  focusin: (event) => point(rowOf(event.target.closest("tr"))),
});
const heads = table.columns.map((field) => html("th", {
  scope: "col", class: isNumeric(field) ? null : "word", "aria-sort": "none",
}, html("button", { type: "button", title: field.doc || null, click: () => sortBy(field.at) }, field.head)));
const counted = html("p", { class: "note", role: "status" });
const more = html("button", { type: "button", click: () => { table.limit = count; fill(); } });

function rowOf(line) {
  return line ? Number(line.dataset.row) : -1;
}

function openRow(line) {
  if (line) openRun(rowOf(line));
}

function sortBy(at) {
  const field = fields[at];
  // at first the best of a column that has one
  table.down = table.sort === at ? !table.down : field.better === "max";
  table.sort = at;
  table.columns.forEach((one, index) => {
    const way = table.down ? "descending" : "ascending";
    heads[index].setAttribute("aria-sort", one.at === at ? way : "none");
  });
  fill();
}

function ordered() {
  const rows = [];
  for (let row = 0; row < count; row += 1) if (shown[row]) rows.push(row);
  const field = fields[table.sort];
  if (!field) return rows;
  const sign = table.down ? -1 : 1;
  return rows.sort((one, other) => {
    const [a, b] = [field.values[one], field.values[other]];
    // gaps are last, whatever the direction
    if (a === null || b === null) return (a === null) - (b === null) || one - other;
    return sign * (isNumeric(field) ? a - b : order.compare(a, b)) || one - other;
  });
}

function fill() {
  const rows = ordered();
  const few = rows.slice(0, table.limit);
  body.replaceChildren(...few.map(line));
  counted.textContent = `${rows.length.toLocaleString("en-US")} of ${count.toLocaleString("en-US")} rows`;
  more.textContent = `Show all ${rows.length.toLocaleString("en-US")}`;
  more.hidden = few.length === rows.length;
}

function line(row) {
  // of a failed one there is a configuration, and then the reason
  const last = failure(row) ? table.columns.findLastIndex((field) => field.searched) + 1 : Infinity;
  const cells = table.columns.slice(0, last).map((field) => {
    return html("td", { class: isNumeric(field) ? null : "word" }, textOf(field, row) && withSpread(field, row));
  });
  const why = failure(row)
    ? html("td", { class: "word failed", colspan: table.columns.length - last }, `failed: ${failure(row)}`) : null;
  const state = front.has(row) ? "best" : kind(row);
  return html("tr", { "data-row": row, class: state }, html("th", { scope: "row" }, ...rowName(row)), ...cells, why ?? "");
}

// What leads to its run, or to those of each seed.
function rowName(row) {
  const runs = runsOf(row).filter(([, id]) => id);
  if (runs.length === 1) return [runLink(runs[0][1], label(row))];
  const links = runs.flatMap(([name, id]) => [runLink(id, name.replace("seed ", "")), " "]);
  return [label(row), links.length ? html("span", { class: "seeds" }, " seeds ", ...links) : ""];
}

function markLine() {
  for (const one of body.children) {
    const row = rowOf(one);
    one.classList.toggle("pointed", row === state.pointed || row === state.open);
  }
}

const filterBox = html("input", {
  type: "search", placeholder: "prune accuracy>97", spellcheck: "false",
  input: (event) => change({ words: event.target.value }),
});
document.getElementById("table-view").replaceChildren(
  html("div", { class: "controls" },
    html("label", {}, "Filter ", filterBox),
    select("Show", Object.entries(choices).map(([name, [text]]) => [name, text]), state.which, (which) => change({ which })), counted),
  html("p", { class: "caption" }, html("b", {}, `Table ${document.querySelectorAll("#results table").length + 1}. `),
    "Every row. Press a head to sort; a name leads to its run, a row shows all of it; ● is on the front."),
  html("div", { class: "wide tall", tabindex: 0, role: "region", "aria-label": "All runs" },
    html("table", {},
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "Run"), ...heads)), body)),
  more,
);
onChange.push(fill);
onPoint.push(markLine);

// --- begin ---------------------------------------------------------------------------------------

for (const one of document.querySelectorAll(`a[href^="${HOME}"]`)) one.href = address(one.href.slice(HOME.length));
if (pathsView) drawPaths();
change({});
let drawnWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === drawnWidth) return;
  drawnWidth = innerWidth;
  drawScatter();
  if (pathsView) drawPaths();
});
document.documentElement.classList.add("drawn");
// for whoever measures: after the frame in which all of it was laid out
requestAnimationFrame(() => setTimeout(() => performance.mark("drawn")));
