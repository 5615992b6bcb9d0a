// Parallel coordinates: a line a run, an axis a knob or a result. A range is drawn on an axis.

const paths = { lines: [], axes: data.axes.map((at) => fields[at]), box: html("div", { class: "drawing" }) };
const apart = paths.axes.some((field) => field.values.some((value, row) => value === null && isLine(row)));
const NONE = apart ? -0.12 : 0; // where a run without a value of an axis lies

function drawPaths() {
  const width = Math.max(280, paths.box.clientWidth);
  // on a phone the axes lie one below another
  const lying = width < 620;
  const left = isNumeric(paths.axes[0]) ? 52 : 130;
  const step = lying ? 62 : (width - left - 62) / Math.max(1, paths.axes.length - 1);
  const long = lying ? width - 40 : 250;
  const height = lying ? step * (paths.axes.length - 1) + 70 : long + 74;
  paths.place = { lying, long, step, left };
  const figure = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Parallel coordinates: a range on an axis keeps the runs in it" });
  paths.lines = [];
  const group = svg("g", { class: count > 300 ? "paths many" : "paths" });
  for (const row of pathRows()) {
    const line = svg("path", { class: pathClass(row), d: pathOf(row) });
    paths.lines.push([row, line]);
    group.append(line);
  }
  paths.pointed = svg("path", { class: "path pointed" });
  figure.append(group, paths.pointed, ...paths.axes.map(axis));
  paths.box.replaceChildren(figure);
  fadePaths();
}

// Finished trials; the front last, so that it lies above.
function pathRows() {
  const rows = [];
  for (let row = 0; row < count; row += 1) if (isLine(row)) rows.push(row);
  return rows.sort((one, other) => front.has(one) - front.has(other));
}

function isLine(row) {
  return kind(row) === "trial" && !failure(row);
}

function pathClass(row) {
  return `path ${front.has(row) ? "best" : "other"} ${look(row)}`;
}

// Where a part of an axis is: across the axes, along the axis.
function spot(index, part) {
  const { lying, long, step, left } = paths.place;
  const along = 12 + (part - NONE) / (1 - NONE) * (long - 12);
  return lying ? [20 + along, 34 + index * step] : [left + index * step, 40 + long - along];
}

function pathOf(row) {
  const spots = paths.axes.map((field, index) => spot(index, partOf(field, row) ?? NONE));
  return `M${spots.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`;
}

function fadePaths() {
  for (const [row, line] of paths.lines) line.classList.toggle("faded", !shown[row]);
  for (const field of paths.axes) showRange(field);
  markPath();
}

function markPath() {
  const row = state.pointed >= 0 ? state.pointed : state.open;
  const has = row >= 0 && isLine(row);
  paths.pointed?.setAttribute("d", has ? pathOf(row) : "");
}

// --- an axis with its range ----------------------------------------------------------------------

function axis(field, index) {
  const { lying } = paths.place;
  const [[x0, y0], [x1, y1]] = [spot(index, 0), spot(index, 1)];
  const name = svg("text", lying ? { x: 20, y: y0 - 12, class: "head" } : { x: x0, y: index % 2 && paths.place.step < 130 ? 12 : 28, class: "head middle" },
    clipped(field.head, lying ? 40 : 22), svg("title", {}, field.doc || field.head));
  const group = svg("g", { class: "axis" }, name, svg("path", { d: `M${x0},${y0}L${x1},${y1}` }));
  for (const [part, text] of labelled(field)) {
    const [x, y] = spot(index, part);
    const place = lying ? { x, y: y + 16, class: "below" } : { x: x - 6, y: y + 4, class: "beside" };
    group.append(svg("text", place, clipped(text, lying ? 12 : index ? 14 : 18)));
  }
  const range = svg("path", { class: "range" });
  const handles = [0, 1].map((end) => handle(field, end));
  const touch = svg("path", { class: lying ? "touch lying" : "touch", d: `M${x0},${y0}L${x1},${y1}`, pointerdown: (event) => brush(event, field, index) },
    svg("title", {}, `Draw along ${field.head} to keep the runs in a range; press to clear`));
  group.append(range, touch, ...handles);
  field.range = { index, range, handles };
  return group;
}

function labelled(field) {
  const empty = paths.lines.some(([row]) => partOf(field, row) === null) ? [[NONE, "none"]] : [];
  if (!isNumeric(field)) {
    const names = endsOf(field);
    return [...empty, ...names.map((name, at) => [(at + 0.5) / names.length, name])];
  }
  const values = distinct(field).map((value) => value * field.unit);
  const few = values.length < 6 ? values : between(field);
  return [...empty, ...few.map((value) => [partAtValue(field, value), brief(value)])];
}

function between(field) {
  const [low, high] = endsOf(field);
  return isLog(field) ? decades(low, high, 8) : steps(low, high, paths.place.lying ? 4 : 6);
}

// An end of the range, for a keyboard.
function handle(field, end) {
  return svg("circle", {
    r: 5, class: "handle", tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 100,
    "aria-label": `${end ? "Upper" : "Lower"} end of ${field.head}`,
    keydown: (event) => {
      const moves = { ArrowUp: 0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowLeft: -0.05 };
      if (event.key === "Delete" || event.key === "Backspace") setRange(field, null);
      if (!(event.key in moves)) return;
      event.preventDefault();
      const range = [...(state.ranges.get(field.at) ?? [0, 1])];
      range[end] = Math.min(1, Math.max(0, range[end] + moves[event.key]));
      if (range[0] <= range[1]) setRange(field, range);
    },
  });
}

function brush(event, field, index) {
  event.preventDefault();
  const from = partAt(event, index);
  const target = event.currentTarget;
  target.setPointerCapture(event.pointerId);
  let moved = false;
  const move = (next) => {
    const to = partAt(next, index);
    moved = moved || Math.abs(to - from) > 0.02;
    if (moved) setRange(field, [Math.min(from, to), Math.max(from, to)]);
  };
  const up = () => {
    target.removeEventListener("pointermove", move);
    if (!moved) setRange(field, null);
  };
  target.addEventListener("pointermove", move);
  target.addEventListener("pointerup", up, { once: true });
}

function partAt(event, index) {
  const frame = paths.box.getBoundingClientRect();
  const axisAt = paths.place.lying ? 0 : 1;
  const [low, high] = [spot(index, 0)[axisAt], spot(index, 1)[axisAt]];
  const place = paths.place.lying ? event.clientX - frame.left : event.clientY - frame.top;
  return Math.min(1, Math.max(0, (place - low) / (high - low)));
}

function setRange(field, range) {
  const ranges = new Map(state.ranges);
  if (range && (range[0] > 0 || range[1] < 1)) ranges.set(field.at, range);
  else ranges.delete(field.at);
  change({ ranges });
}

function showRange(field) {
  const { index, range, handles } = field.range;
  const parts = state.ranges.get(field.at);
  const [from, to] = (parts ?? [0, 1]).map((part) => spot(index, part));
  range.setAttribute("d", parts ? `M${from}L${to}` : "");
  [from, to].forEach(([x, y], end) => {
    handles[end].setAttribute("cx", x);
    handles[end].setAttribute("cy", y);
    handles[end].classList.toggle("set", Boolean(parts));
    const part = (parts ?? [0, 1])[end];
    handles[end].setAttribute("aria-valuenow", Math.round(part * 100));
    handles[end].setAttribute("aria-valuetext", meaning(field, part));
  });
}

// What is kept, with a button for each range that takes it away.
function ranges() {
  const buttons = [...state.ranges].map(([at, [from, to]]) => {
    const field = fields[at];
    const text = `${clipped(field.head, 30)} ${meaning(field, from)} to ${meaning(field, to)} ×`;
    return html("button", { type: "button", click: () => setRange(field, null) }, text);
  });
  paths.kept.replaceChildren(...buttons);
}

const pathsView = document.getElementById("paths-view");
if (pathsView) {
  paths.kept = html("div", { class: "legend kept", "aria-label": "Ranges" });
  pathsView.replaceChildren(paths.kept, paths.box, html("p", { class: "caption" }, html("b", {}, "Figure 2. "),
    "A line is a finished trial, dark where it is on the front. Draw along an axis, or move its ends with the arrow keys, "
    + "to keep the runs in a range, here, above and in the table below; press an axis to clear it."));
  onChange.push(fadePaths, ranges);
  onPoint.push(markPath);
}
