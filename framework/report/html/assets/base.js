// What all parts share: the rows, elements, how numbers are written. Text from outside only ever
// becomes a text node.

const data = JSON.parse(document.getElementById("data").textContent);
const count = data.labels.length;
const order = new Intl.Collator("en", { numeric: true });
const HOME = "http://127.0.0.1:5000/#/runs/";
const kinds = { b: "baseline", c: "control", t: "trial" };
const columns = [];
for (const column of data.columns) columns.push(decoded(column));
const fields = data.fields.map((field, at) => ({
  axis: field.head, ...field, at, unit: field.format === "percent" ? 100 : 1, values: columns[at],
}));
const spreads = new Map();
for (const field of fields) spreads.set(field, fields.find((one) => one.name === `${field.name}_sd`));
const isSpread = (field) => [...spreads.values()].includes(field);
const front = new Set(data.front);
const infeasible = new Set(data.infeasible);
const seriesField = fields[data.series];
// the dense net and the control have looks of their own
const seriesNames = seriesField ? distinct(seriesField, (row) => kind(row) === "trial") : [];
const panelField = fields[data.panel];
const panelNames = panelField ? [...new Set(panelField.values)] : [];

function decoded(column) {
  if (Array.isArray(column)) return column;
  if ("like" in column) return columns[column.like];
  if ("few" in column) {
    return Array.from(column.codes, (code) => {
      return column.few[typeof code === "string" ? code.charCodeAt(0) - 48 : code] ?? null;
    });
  }
  if ("over" in column) {
    return columns[column.over].map((value) => (value > 0 ? column.base / value : null));
  }
  return Array(count).fill(column.same);
}

// 16 bytes as MLflow writes them; whatever else a store calls its runs is as it is.
function runId(text) {
  if (text.length !== 22) return text;
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

function distinct(field, wanted = () => true) {
  const values = field.values.filter((value, row) => value !== null && wanted(row));
  return [...new Set(values)].sort(isNumeric(field) ? (one, other) => one - other : order.compare);
}

function label(row) {
  const text = data.labels[row];
  return typeof text === "number" ? `trial ${text}` : text;
}

function kind(row) {
  return kinds[data.kinds[row]];
}

function failure(row) {
  return data.failed[row] ?? "";
}

function isNumeric(field) {
  return field.format !== "text";
}

// In the unit that is shown: a share of 0.984 as 98.4.
function number(field, row) {
  const value = field.values[row];
  return typeof value === "number" ? value * field.unit : null;
}

function seriesOf(row) {
  return seriesField ? Math.max(0, seriesNames.indexOf(seriesField.values[row])) : 0;
}

// Of one kind of several: seven looks, as the figures for print have.
function look(row) {
  return `s${seriesOf(row) % 7}`;
}

// The ids of a row's runs, each with what tells it from the others.
function runsOf(row) {
  const runs = data.runs[row];
  const pairs = typeof runs === "string" ? [["", runs]] : runs;
  return pairs.map(([name, id]) => [name, runId(id)]);
}

// A page that MLflow shows leads to that MLflow, any other to the one that `make ui` starts.
function address(id) {
  const served = location.protocol.startsWith("http") && /artifact/.test(location.pathname);
  return `${served ? `${location.origin}/#/runs/` : HOME}${encodeURIComponent(id)}`;
}

// --- elements ------------------------------------------------------------------------------------

function made(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

function html(tag, attributes = {}, ...children) {
  return made(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return made(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function runLink(id, text) {
  return html("a", { href: address(id), rel: "noreferrer" }, text);
}

function select(name, options, chosen, change) {
  const choices = options.map(([value, text]) => {
    return html("option", { value, selected: value === chosen }, text);
  });
  const box = html("select", { change: (event) => change(event.target.value) }, ...choices);
  return html("label", {}, `${name} `, box);
}

// --- numbers -------------------------------------------------------------------------------------

const grouping = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const formats = {
  percent: (value) => fixed(value * 100, 2),
  count: (value) => grouping.format(value),
  decimals: (value) => fixed(value, 4),
  tenths: (value) => fixed(value, 1),
  significant: significant,
  ratio: (value) => {
    const digits = value < 2 ? 2 : value < 100 ? 1 : 0;
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return `${value.toLocaleString("en-US", options)}x`;
  },
};

// What rounds to zero has no sign.
function fixed(value, digits) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

// Four digits, as `%.4g` of the other tables.
function significant(value) {
  if (value === 0) return "0";
  const [digits, power] = value.toExponential(3).split("e");
  if (power >= -4 && power < 4) return String(Number(value.toPrecision(4)));
  const sign = power < 0 ? "-" : "+";
  return `${Number(digits)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

function textOf(field, row) {
  const value = field.values[row];
  if (value === null || value === undefined) return "";
  return isNumeric(field) ? formats[field.format](value) : String(value);
}

// With the standard deviation over seeds, where there are several.
function withSpread(field, row) {
  const spread = spreadOf(field) ? textOf(spreadOf(field), row) : "";
  return `${textOf(field, row)}${spread ? ` ± ${spread}` : ""}`;
}

function spreadOf(field) {
  return spreads.get(field);
}

// `190000` as `190k`, for the ticks of an axis.
function brief(value) {
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(6))}${letter}`;
  }
  return String(Number(value.toPrecision(6)));
}

function clipped(text, letters) {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}
