"use strict";
const cards = [...document.querySelectorAll(".card")];
const exportButton = document.getElementById("export");
const prefix = "camaudit\t" + document.body.dataset.state + "\t";
const key = (card) => prefix + card.dataset.class + "\t" + card.dataset.region;
// Decisions of earlier runs: lines of review.csv.
const decided = JSON.parse(exportButton.dataset.decided || "null") ?? [];
const before = (card) => decided.find((d) => d.class === card.dataset.class && d.region === card.dataset.region);
// A page opened from a file may have no storage: then decisions last as long as the page.
const memory = new Map();
const recall = (k) => { try { return localStorage.getItem(k) ?? memory.get(k); } catch { return memory.get(k); } };
const keep = (k, v) => { memory.set(k, v); try { localStorage.setItem(k, v); } catch { /* kept in memory */ } };

// The decision in the card: what was chosen on this page, else the earlier decision, unless the finding is open again.
function state(card) {
  const saved = recall(key(card));
  if (saved) return JSON.parse(saved);
  const earlier = card.dataset.reopened ? undefined : before(card);
  return { decision: earlier?.decision ?? "", note: earlier?.note ?? "" };
}

// The line to export: decisions that were not touched stay as they are.
function line(card) {
  const d = card.dataset;
  const { decision, note } = state(card);
  if (!recall(key(card))) return before(card);
  return decision ? { class: d.class, region: d.region, decision, note, verdict: d.verdict, effect: d.effect, unit: d.unit, declared: d.declared, expires: "" } : undefined;
}

function show(card) {
  const { decision, note } = state(card);
  card.querySelectorAll("input[type=radio]").forEach((r) => { r.checked = r.value === decision; });
  card.querySelector(".note input").value = note;
}

function save(card, change) {
  keep(key(card), JSON.stringify({ ...state(card), ...change }));
  show(card);
  offer();
}

function offer() {
  const n = cards.filter((c) => recall(key(c))).length;
  exportButton.disabled = n === 0;
  exportButton.textContent = n ? `Export review.csv (${n} new)` : "Export review.csv";
}

for (const card of cards) {
  show(card);
  card.addEventListener("change", (e) => {
    if (e.target.type === "radio") save(card, { decision: e.target.value });
    else if (e.target.type === "text") save(card, { note: e.target.value });
  });
  card.addEventListener("focusin", () => select(card, false));
}
offer();

exportButton.addEventListener("click", () => {
  const columns = ["class", "region", "decision", "note", "verdict", "effect", "unit", "declared", "expires"];
  // Text that a spreadsheet would read as a formula gets an apostrophe, which camaudit removes when it reads the file.
  const guarded = (name, text) => (["class", "region", "note"].includes(name) && /^[=+\-@\t\r']/.test(text) ? "'" + text : text);
  const cell = (name, value) => '"' + guarded(name, String(value ?? "")).replace(/"/g, '""') + '"';
  const onPage = new Set(cards.map((c) => c.dataset.class + "\t" + c.dataset.region));
  const lines = [...cards.map(line).filter(Boolean), ...decided.filter((d) => !onPage.has(d.class + "\t" + d.region))];
  const rows = [columns.join(","), ...lines.map((l) => columns.map((name) => cell(name, l[name])).join(","))];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([rows.join("\n") + "\n"], { type: "text/csv" }));
  link.download = "review.csv";
  link.click();
  URL.revokeObjectURL(link.href);
});

let current = -1;
function select(card, move) {
  current = cards.indexOf(card);
  cards.forEach((c) => c.classList.toggle("current", c === card));
  if (move) { card.focus({ preventScroll: true }); card.scrollIntoView({ block: "start" }); }
}

const filter = document.getElementById("filter");
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target.matches("input[type=text], input[type=search]");
  if (e.key === "Escape" && typing) e.target.blur();
  if (typing) return;
  const visible = cards.filter((c) => !c.closest("details:not([open])"));
  const at = visible.indexOf(cards[current]);
  if (e.key === "j" && visible.length) select(visible[Math.min(at + 1, visible.length - 1)], true);
  else if (e.key === "k" && visible.length) select(visible[Math.max(at - 1, 0)], true);
  else if (e.key === "/") filter.focus();
  else if (current >= 0 && "12345".includes(e.key)) {
    const radio = cards[current].querySelectorAll("input[type=radio]")[Number(e.key) - 1];
    save(cards[current], { decision: radio.value });
  } else if (current >= 0 && e.key === "0") save(cards[current], { decision: "" });
  else return;
  e.preventDefault();
});

const body = document.querySelector("#classes tbody");
const rows = [...body.rows];
document.querySelectorAll("#classes thead th").forEach((head, column) => {
  head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending";
    document.querySelectorAll("#classes thead th").forEach((h) => h.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => {
      const cell = row.cells[column];
      if (!("value" in cell.dataset)) return cell.textContent.trim();
      const number = Number.parseFloat(cell.dataset.value);
      return Number.isNaN(number) ? -Infinity : number;
    };
    const order = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    rows.sort((a, b) => (down ? -1 : 1) * order(value(a), value(b)));
    body.append(...rows);
  });
});
filter.addEventListener("input", () => {
  const text = filter.value.trim().toLowerCase();
  let n = 0;
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(text);
    n += row.hidden ? 0 : 1;
  }
  document.getElementById("shown").textContent = `${n} classes`;
});
