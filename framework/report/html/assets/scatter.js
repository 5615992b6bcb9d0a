// Any number against any other, with fronts, bars and limits.

const scatter = {
  x: data.x, y: data.y, whole: false, points: [],
  box: html("div", { class: "drawing" }),
  tip: html("div", { class: "tip", hidden: true }),
  said: html("p", { class: "unseen", "aria-live": "polite" }),
};
const FEW = 80; // points that need not be small and faint
const shapes = [
  (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`,
  (r) => `M${-r},${-r}H${r}V${r}H${-r}Z`,
  (r) => `M0,${-1.25 * r}L${1.2 * r},${r}H${-1.2 * r}Z`,
  (r) => `M0,${1.25 * r}L${1.2 * r},${-r}H${-1.2 * r}Z`,
  (r) => `M0,${-1.4 * r}L${1.1 * r},0L0,${1.4 * r}L${-1.1 * r},0Z`,
  (r) => `M${-r},${-0.4 * r}H${-0.4 * r}V${-r}H${0.4 * r}V${-0.4 * r}H${r}V${0.4 * r}H${0.4 * r}V${r}H${-0.4 * r}V${0.4 * r}H${-r}Z`,
  (r) => `M${-1.2 * r},0L${r},${-1.2 * r}V${1.2 * r}Z`,
];
const cross = (r) => `M${-r},${-r}L${r},${r}M${-r},${r}L${r},${-r}`;
const diamond = shapes[4];
const star = (r) => {
  const corners = Array.from({ length: 10 }, (_, at) => {
    const [long, turn] = [at % 2 ? 0.45 * r : r, (Math.PI * at) / 5];
    return `${(long * Math.sin(turn)).toFixed(2)},${(-long * Math.cos(turn)).toFixed(2)}`;
  });
  return `M${corners.join("L")}Z`;
};

function drawScatter() {
  const [xField, yField] = [fields[scatter.x], fields[scatter.y]];
  const width = Math.max(280, scatter.box.clientWidth);
  const height = Math.round(Math.min(460, Math.max(300, width * 0.56)));
  const room = { left: 54, right: 14, top: 12, bottom: 44 };
  const rows = measured(xField, yField);
  const figure = svg("svg", {
    width, height, viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application",
    "aria-label": `${yField.axis} against ${xField.axis}, ${rows.length} points. `
      + "Arrow keys go from point to point, Enter opens the run.",
    keydown: walk, pointermove: near, pointerdown: near, pointerleave: () => point(-1),
    click: () => { if (state.pointed >= 0) openRun(state.pointed); },
  });
  scatter.points = [];
  scatter.box.replaceChildren(figure, scatter.tip);
  if (!rows.length) {
    figure.append(svg("text", { x: width / 2, y: height / 2, class: "empty" }, "No run to show."));
    return;
  }
  const place = placed(rows, xField, yField, width, height, room);
  figure.append(grid(place, xField, yField, width, height, room), limits(rows, place, width, height, room));
  figure.append(...fronts(rows, place), marks(rows, place));
  scatter.rings = [svg("path", { class: "ring" }), svg("path", { class: "ring open" })];
  figure.append(...scatter.rings);
  markPoint();
}

// The rows that have both numbers.
function measured(xField, yField) {
  const rows = [];
  for (let row = 0; row < count; row += 1) {
    if (shown[row] && number(xField, row) !== null && number(yField, row) !== null) rows.push(row);
  }
  return rows;
}

function placed(rows, xField, yField, width, height, room) {
  const xs = rows.map((row) => number(xField, row));
  const log = Boolean(xField.log) && Math.min(...xs) > 0;
  const x = scale(...extent(xs), room.left, width - room.right, log);
  // what lies beyond is worse than anything one decides about
  const edge = scatter.y === data.y && !scatter.whole && data.floor !== null ? data.floor * yField.unit : null;
  const isBeyond = (value) => edge !== null && (yField.better === "min" ? value > edge : value < edge);
  const ys = rows.map((row) => number(yField, row));
  const kept = ys.filter((value) => !isBeyond(value));
  const bars = spreadOf(yField);
  const reach = rows.flatMap((row, at) => {
    const half = bars ? number(bars, row) ?? 0 : 0;
    return isBeyond(ys[at]) ? [] : [ys[at] - half, ys[at] + half].filter((end) => !isBeyond(end));
  });
  const ylog = Boolean(yField.log) && Math.min(...ys) > 0;
  const y = scale(...extent(kept.length ? reach : ys), height - room.bottom, room.top, ylog, 48);
  const edgeAt = yField.better === "min" ? room.top + 5 : height - room.bottom - 5;
  return { x, y, xField, yField, bars, edgeAt, bottom: height - room.bottom, isBeyond: (value) => kept.length > 0 && isBeyond(value) };
}

function at(place, row) {
  const value = number(place.yField, row);
  const low = place.isBeyond(value);
  return [place.x.at(number(place.xField, row)), low ? place.edgeAt : place.y.at(value), low];
}

function grid(place, xField, yField, width, height, room) {
  const [bottom, right] = [height - room.bottom, width - room.right];
  const group = svg("g", { class: "grid" });
  for (const tick of place.x.ticks) {
    const x = place.x.at(tick);
    group.append(svg("path", { d: `M${x},${room.top}V${bottom}` }));
    group.append(svg("text", { x, y: bottom + 17, class: "below" }, brief(tick)));
  }
  for (const tick of place.y.ticks) {
    const y = place.y.at(tick);
    if (y > bottom || y < room.top) continue;
    group.append(svg("path", { d: `M${room.left},${y}H${right}` }));
    group.append(svg("text", { x: room.left - 8, y: y + 4, class: "beside" }, brief(tick)));
  }
  group.append(svg("path", { class: "frame", d: `M${room.left},${room.top}V${bottom}H${right}` }));
  const letters = Math.floor((width - 60) / 7);
  const across = `${xField.axis}${xField.log ? ", log scale" : ""}${arrow(xField, "←", "→")}`;
  const middle = (room.top + bottom) / 2;
  group.append(svg("text", { x: (room.left + right) / 2, y: height - 8, class: "name" }, clipped(across, letters)));
  group.append(svg("text", { x: 0, y: 0, class: "name", transform: `translate(13,${middle}) rotate(-90)` },
    clipped(`${yField.axis}${arrow(yField, "←", "→")}`, 38)));
  return group;
}

// Which direction is wanted.
function arrow(field, low, high) {
  return field.better ? ` ${field.better === "min" ? low : high}` : "";
}

function limits(rows, place, width, height, room) {
  const group = svg("g", { class: "limit" });
  // what is to be kept, across the drawing
  const dense = rows.filter((row) => kind(row) === "baseline");
  if (dense.length === 1) {
    const y = place.y.at(number(place.yField, dense[0]));
    group.append(svg("path", { class: "dense", d: `M${room.left},${y}H${width - room.right}` }));
  }
  for (const [position, value] of data.limits) {
    const field = fields[position];
    if (position === scatter.y && !place.isBeyond(value * field.unit)) {
      const y = place.y.at(value * field.unit);
      if (y > room.top && y < height - room.bottom) {
        group.append(svg("path", { d: `M${room.left},${y}H${width - room.right}` },
          svg("title", {}, `limit ${formats[field.format](value)}`)));
      }
    }
    if (position === scatter.x) {
      const x = place.x.at(value * field.unit);
      if (x > room.left && x < width - room.right) {
        group.append(svg("path", { d: `M${x},${room.top}V${height - room.bottom}` }));
      }
    }
  }
  return group;
}

// The best of each colour, as a staircase; none where a direction is not known.
function fronts(rows, place) {
  const [xBetter, yBetter] = [place.xField.better, place.yField.better];
  if (!xBetter || !yBetter) return [];
  const groups = new Map();
  for (const row of rows) {
    if (kind(row) !== "trial" || failure(row) || infeasible.has(row)) continue;
    const [x, y, low] = at(place, row);
    if (low) continue;
    const name = look(row);
    if (!groups.has(name)) groups.set(name, []);
    // places on the screen grow downwards
    groups.get(name).push([x, -y]);
  }
  return [...groups].map(([name, points]) => {
    const corners = staircase(points, xBetter, yBetter).sort((one, other) => one[0] - other[0]);
    let path = "";
    corners.forEach(([x, y], index) => {
      const step = xBetter === "min" ? `H${x}V${-y}` : `V${-y}H${x}`;
      path += index ? step : `M${x},${-y}`;
    });
    return svg("path", { class: `front-line ${name}`, d: path });
  });
}

function marks(rows, place) {
  const group = svg("g", { class: rows.length < FEW ? "points few" : "points" });
  // what matters most is drawn last
  const rank = (row) => (kind(row) !== "trial" ? 2 : front.has(row) ? 1 : 0);
  for (const row of [...rows].sort((one, other) => rank(one) - rank(other))) {
    const [x, y, low] = at(place, row);
    scatter.points.push({ row, x, y });
    const half = place.bars && !low ? number(place.bars, row) : null;
    if (half) group.append(bar(x, place, number(place.yField, row), half, row));
    group.append(svg("path", { "data-row": row, class: `${markClass(row)} ${look(row)}`, d: mark(row, low, rows.length < FEW), transform: `translate(${x.toFixed(1)},${y.toFixed(1)})` }));
  }
  return group;
}

function mark(row, low, few) {
  if (kind(row) === "baseline") return star(7);
  if (kind(row) === "control") return diamond(4.5);
  if (low) return shapes[3](3.2);
  if (infeasible.has(row)) return cross(2.8);
  return shapes[seriesOf(row) % 7](front.has(row) ? 4.2 : few ? 3.2 : 2.7);
}

function markClass(row) {
  if (kind(row) !== "trial") return kind(row);
  return infeasible.has(row) ? "broken" : front.has(row) ? "best" : "other";
}

function bar(x, place, value, half, row) {
  const [top, bottom] = [place.y.at(value + half), Math.min(place.y.at(value - half), place.bottom)];
  return svg("path", { class: `bar ${look(row)} of-${kind(row)}`, d: `M${x - 3},${top}h6M${x},${top}V${bottom}M${x - 3},${bottom}h6` });
}

// --- pointing ------------------------------------------------------------------------------------

function near(event) {
  const frame = scatter.box.getBoundingClientRect();
  const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
  let [closest, distance] = [-1, 24 ** 2];
  for (const one of scatter.points) {
    const away = (one.x - x) ** 2 + (one.y - y) ** 2;
    if (away <= distance) [closest, distance] = [one.row, away];
  }
  point(closest);
}

function walk(event) {
  const order = [...scatter.points].sort((one, other) => one.x - other.x || one.y - other.y);
  const now = order.findIndex((one) => one.row === state.pointed);
  const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  if (event.key in moves && order.length) {
    event.preventDefault();
    const next = order[(now + moves[event.key] + order.length) % order.length] ?? order[0];
    point(next.row);
    scatter.said.textContent = summary(next.row).join(", ");
  } else if (event.key === "Enter" && state.pointed >= 0) {
    openRun(state.pointed);
  }
}

// The configuration and the two numbers of a row, a line each.
function summary(row) {
  const searched = fields.filter((field) => field.searched || field === seriesField);
  const wanted = [...searched, fields[scatter.x], fields[scatter.y]];
  const lines = [...new Set(wanted)].filter((field) => textOf(field, row));
  const note = infeasible.has(row) ? ["breaks a constraint"] : [];
  return [label(row), ...lines.map((field) => `${field.head}: ${withSpread(field, row)}`), ...note];
}

function markPoint() {
  const wanted = [state.pointed, state.open];
  (scatter.rings ?? []).forEach((ring, index) => {
    const one = scatter.points.find(({ row }) => row === wanted[index]);
    ring.setAttribute("d", one ? shapes[0](7) : "");
    if (one) ring.setAttribute("transform", `translate(${one.x},${one.y})`);
  });
  const one = scatter.points.find(({ row }) => row === state.pointed);
  scatter.tip.hidden = !one;
  if (!one) return;
  const [head, ...lines] = summary(one.row);
  scatter.tip.replaceChildren(html("b", {}, head), ...lines.map((line) => html("span", {}, line)));
  const [width, tall] = [scatter.box.clientWidth, scatter.tip.offsetHeight];
  const wide = scatter.tip.offsetWidth;
  const left = one.x + 14 + wide > width ? Math.max(0, one.x - 14 - wide) : one.x + 14;
  scatter.tip.style.left = `${left}px`;
  scatter.tip.style.top = `${Math.max(0, one.y - tall / 2)}px`;
}

// --- around it -----------------------------------------------------------------------------------

function legend() {
  const entries = seriesNames.map((name, at) => {
    const key = svg("svg", { width: 14, height: 12, viewBox: "-7 -6 14 12", "aria-hidden": "true" },
      svg("path", { class: `best s${at % 7}`, d: shapes[at % 7](4) }));
    return html("button", {
      type: "button", "aria-pressed": "true",
      click: (event) => {
        const hidden = new Set(state.hidden);
        if (!hidden.delete(at)) hidden.add(at);
        event.currentTarget.setAttribute("aria-pressed", String(!hidden.has(at)));
        change({ hidden });
      },
    }, key, clipped(name, 40));
  });
  const others = [
    [front.size > 0, "best s0", shapes[0](4), "front"], [true, "other s0", shapes[0](2.7), "other trial"],
    [infeasible.size > 0, "broken s0", cross(2.8), "breaks a constraint"],
    [data.kinds.includes("b"), "baseline s0", star(7), "dense net"],
    [data.kinds.includes("c"), "control s0", diamond(4.5), "control"],
    [data.floor !== null, "other s0", shapes[3](3.2), "far below, at the edge"],
  ];
  const keys = others.filter(([is]) => is).map(([, name, path, text]) => {
    const key = svg("svg", { width: 16, height: 14, viewBox: "-8 -7 16 14", "aria-hidden": "true" },
      svg("path", { class: seriesNames.length ? name.replace("s0", "plain") : name, d: path }));
    return html("span", {}, key, text);
  });
  return html("div", { class: "legend" }, ...entries, ...keys);
}

function scatterControls() {
  const options = fields.filter((field) => isNumeric(field) && !isSpread(field)).map((field) => [String(field.at), clipped(field.axis, 44)]);
  const choose = (name) => (value) => { scatter[name] = Number(value); drawScatter(); };
  const whole = html("input", { type: "checkbox", change: (event) => {
    scatter.whole = event.target.checked;
    drawScatter();
  } });
  const panels = panelNames.length > 1
    ? [select("Net", panelNames.map((name) => [name, clipped(name, 60)]), state.panel, (value) => change({ panel: value }))] : [];
  return html("div", { class: "controls" }, ...panels,
    select("Vertical", options, String(scatter.y), choose("y")),
    select("Horizontal", options, String(scatter.x), choose("x")),
    ...(data.floor === null ? [] : [html("label", {}, whole, " whole range")]));
}

const bars = spreadOf(fields[data.y]) ? " Bars: sample standard deviation over the seeds." : "";
document.getElementById("scatter-view").replaceChildren(
  scatterControls(), legend(), scatter.box, scatter.said,
  html("p", { class: "caption" }, html("b", {}, "Figure 1. "),
    "Every finished run; the line joins those that no other of its colour beats.", bars,
    data.kinds.includes("b") ? " Dotted: the dense net." : "",
    data.limits.length ? " Dashed: limits of the constraints." : "",
    " Point at a run for its configuration, click for all of it."),
);
onChange.push(drawScatter);
onPoint.push(markPoint);
