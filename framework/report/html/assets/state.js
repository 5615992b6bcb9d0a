// What is chosen, for all parts together: which rows are shown, which one is pointed at.

const state = {
  panel: panelNames[0] ?? null, // of several nets one at a time
  hidden: new Set(), // series
  ranges: new Map(), // position of a field -> [from, to] as parts of its axis
  words: "",
  which: "all",
  pointed: -1,
  open: -1,
};
const shown = new Uint8Array(count);
const onChange = [];
const onPoint = [];

const choices = {
  all: ["all runs", () => true],
  front: ["front", (row) => front.has(row) || kind(row) !== "trial"],
  finished: ["finished", (row) => !failure(row)],
  failed: ["failed", (row) => failure(row) !== ""],
};

function change(values) {
  Object.assign(state, values);
  const wanted = conditions(state.words);
  for (let row = 0; row < count; row += 1) shown[row] = isShown(row, wanted) ? 1 : 0;
  onChange.forEach((act) => act());
}

function point(row) {
  if (row === state.pointed) return;
  state.pointed = row;
  onPoint.forEach((act) => act());
}

function isShown(row, wanted) {
  if (panelField && panelField.values[row] !== state.panel) return false;
  if (seriesField && kind(row) === "trial" && state.hidden.has(seriesOf(row))) return false;
  if (!choices[state.which][1](row)) return false;
  for (const [at, [from, to]] of state.ranges) {
    const part = partOf(fields[at], row);
    if (part === null || part < from || part > to) return false;
  }
  return wanted.every((holds) => holds(row));
}

// --- words of the filter -------------------------------------------------------------------------

// `magnitude sparsity>0.9`: each word is in the row, each comparison holds of the field it names.
function conditions(text) {
  return text.trim().toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const parts = /^([^<>=]+)(<=|>=|<|>|=)([^<>=]+)$/.exec(word);
    return (parts && comparison(...parts.slice(1))) ?? ((row) => wordsOf(row).includes(word));
  });
}

function comparison(name, sign, value) {
  const field = fields.find((one) => one.name.toLowerCase() === name)
    ?? fields.find((one) => one.head.toLowerCase().includes(name) || one.name.toLowerCase().includes(name));
  if (!field) return null;
  const limit = Number(value);
  if (!isNumeric(field) || Number.isNaN(limit)) {
    return (row) => sign === "=" && textOf(field, row).toLowerCase() === value;
  }
  const holds = {
    "<": (one) => one < limit, "<=": (one) => one <= limit, ">": (one) => one > limit,
    ">=": (one) => one >= limit, "=": (one) => Math.abs(one - limit) < 1e-9,
  }[sign];
  return (row) => number(field, row) !== null && holds(number(field, row));
}

const words = new Map();
function wordsOf(row) {
  if (!words.has(row)) {
    const texts = fields.filter((field) => !isNumeric(field)).map((field) => textOf(field, row));
    words.set(row, [label(row), failure(row), ...texts].join(" ").toLowerCase());
  }
  return words.get(row);
}

// --- places on an axis ---------------------------------------------------------------------------

const ends = new Map();
function endsOf(field) {
  if (!ends.has(field.at)) {
    const values = isNumeric(field) ? extent(field.values.map((_, row) => number(field, row))) : null;
    ends.set(field.at, values ?? distinct(field, (row) => kind(row) === "trial"));
  }
  return ends.get(field.at);
}

function isLog(field) {
  return Boolean(field.log) && isNumeric(field) && endsOf(field)[0] > 0;
}

// Where a row lies on a field's axis, 0 to 1; null where it has no value.
function partOf(field, row) {
  if (!isNumeric(field)) {
    const names = endsOf(field);
    const at = names.indexOf(field.values[row]);
    return at < 0 ? null : (at + 0.5) / names.length;
  }
  const value = number(field, row);
  return value === null ? null : partAtValue(field, value);
}

function partAtValue(field, value) {
  const [low, high] = endsOf(field);
  if (low === high) return 0.5;
  return isLog(field) ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

// What a part of the axis stands for, as text.
function meaning(field, part) {
  if (!isNumeric(field)) {
    const names = endsOf(field);
    return names[Math.min(names.length - 1, Math.max(0, Math.floor(part * names.length)))];
  }
  const [low, high] = endsOf(field);
  const value = isLog(field) ? low * (high / low) ** part : low + (high - low) * part;
  return brief(Number(value.toPrecision(3)));
}
