// One run: what it is, all its numbers, and the way to where it is stored.

const panel = document.getElementById("run");
let opener = null;

function openRun(row) {
  opener = opener ?? document.activeElement;
  state.open = row;
  panel.replaceChildren(...runContent(row));
  panel.hidden = false;
  panel.querySelector("button").focus({ preventScroll: true });
  onPoint.forEach((act) => act());
}

function closeRun() {
  if (panel.hidden) return;
  panel.hidden = true;
  state.open = -1;
  opener?.focus({ preventScroll: true });
  opener = null;
  onPoint.forEach((act) => act());
}

function runContent(row) {
  const close = html("button", { type: "button", click: closeRun, "aria-label": "Close" }, "×");
  const title = html("h3", { id: "run-title", dir: "auto" }, label(row));
  const notes = [
    front.has(row) ? "on the front" : null,
    infeasible.has(row) ? "breaks a constraint" : null,
    failure(row) ? `failed: ${failure(row)}` : null,
  ].filter(Boolean);
  const links = runsOf(row).filter(([, id]) => id).map(([name, id]) => {
    return html("li", {}, name ? `${name}: ` : "", runLink(id, clipped(id, 12)));
  });
  const rows = fields.filter((field) => !isSpread(field)).flatMap((field) => {
    const text = textOf(field, row) && withSpread(field, row);
    const doc = field.doc ? { title: field.doc } : {};
    return text ? [html("dt", doc, field.head), html("dd", {}, text)] : [];
  });
  return [
    html("div", { class: "run-head" }, title, close),
    notes.length ? html("p", { class: "note" }, notes.join("; ")) : null,
    links.length ? html("p", { class: "run-links" }, links.length > 1 ? "Its runs" : "Its run",
      " in MLflow (make ui):") : null,
    links.length ? html("ul", { class: "run-links" }, ...links) : null,
    html("dl", {}, ...rows),
  ].filter(Boolean);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeRun();
});
