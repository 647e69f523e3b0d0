// The list of findings: one line each, opened in place.
const list = byId("list");
const rows = cards.map((card) => el("li", { id: card.anchor }));
let current = -1;
const openRows = new Set();

function lineElement(i) {
  const card = cards[i];
  const kind = card.kind === "confounder" ? [] : [" ", el("span", { class: "kind", text: card.kind })];
  return el("a", { class: "line", href: "#" + card.anchor },
    el("span", { class: `verdict v-${card.verdict}`, text: words(card.verdict) }),
    el("span", { class: card.severity ? `severity s-${card.severity}` : "severity", text: card.severity_words ?? "" }),
    el("span", { class: "name" }, plain(card.label) + " ", el("span", { class: "quiet", text: "/" }), " " + plain(card.region), ...kind),
    el("span", { class: "number", text: card.number }),
    el("span", { class: "state", text: words(card.change?.state ?? "") }),
    el("span", { class: "decision", text: words(decisionOn(i).decision) }));
}

// A row has its line once it is near the window: thousands of lines at once would open slowly.
const FILLED_AT_ONCE = 300;
const nearRows = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) fillRow(cardAt.get(entry.target.id));
}, { rootMargin: "1000px" });

function fillRow(i) {
  if (rows[i].firstElementChild) return;
  nearRows.unobserve(rows[i]);
  const line = lineElement(i);
  line.setAttribute("aria-expanded", "false");
  rows[i].append(line);
}

function openRow(i) {
  if (openRows.has(i)) return;
  openRows.add(i);
  fillRow(i);
  rows[i].append(el("p", { class: "sentence", text: cards[i].sentence + "." }), cardElement(i));
  rows[i].classList.add("open");
  rows[i].firstElementChild.setAttribute("aria-expanded", "true");
}

function closeRow(i) {
  if (!openRows.delete(i)) return;
  const line = rows[i].firstElementChild;
  rows[i].replaceChildren(line);
  rows[i].classList.remove("open");
  line.setAttribute("aria-expanded", "false");
}

function setCurrent(i) {
  if (i === current) return;
  rows[current]?.classList.remove("current");
  current = i;
  rows[i]?.classList.add("current");
  showBar();
}

function setFragment(anchor) {
  try { history.replaceState(null, "", "#" + anchor); } catch { /* a page without history */ }
}

// Opens a finding, closes the one before, and scrolls to it.
function goTo(i) {
  for (const other of [...openRows]) if (other !== i) closeRow(other);
  rows[i].hidden = false;
  openRow(i);
  setCurrent(i);
  setFragment(cards[i].anchor);
  rows[i].firstElementChild.focus({ preventScroll: true });
  rows[i].scrollIntoView({ block: "start" });
}

function goToFragment() {
  const wanted = location.hash.slice(1);
  const parts = wanted.split("/");
  let anchor = wanted;
  try { anchor = parts.map((part) => encodeURIComponent(decodeURIComponent(part))).join("/"); } catch { /* not encoded */ }
  const i = cardAt.get(wanted) ?? cardAt.get(anchor);
  if (i !== undefined) goTo(i);
  else openClassFragment(wanted);
}

const shownRows = () => order.filter((i) => !rows[i].hidden);

function move(step) {
  const shown = shownRows();
  if (!shown.length) return;
  const at = shown.indexOf(current);
  goTo(shown[Math.min(Math.max(at + step, 0), shown.length - 1)]);
}

function showDecision(i) {
  const { decision } = decisionOn(i);
  const cell = rows[i].querySelector(".line > .decision");
  if (cell) cell.textContent = words(decision);
  lineTexts = undefined;
  rows[i].classList.toggle("decided", decision !== "");
}

// Filters.
const tools = Object.fromEntries(["search", "f-verdict", "f-decision", "f-change", "sort", "group"].map((id) => [id, byId(id)]));
// "class / region" as people type it.
const searched = (text) => text.toLowerCase().replace(/_/g, " ").replace(/\s*\/\s*/g, "/").trim().replace(/\s+/g, " ");
const names = cards.map((card) => searched(`${card.label}/${card.region}`));
// The words of each line, read when a search needs them; a decision changes them.
let lineTexts;
let onlyLabel;

function isShown(i) {
  const card = cards[i];
  if (onlyLabel !== undefined && card.label !== onlyLabel) return false;
  if (tools["f-verdict"].value && card.verdict !== tools["f-verdict"].value) return false;
  if (tools["f-change"].value && card.change?.state !== tools["f-change"].value) return false;
  const wanted = tools["f-decision"].value;
  if (wanted === "open" && !card.is_open) return false;
  if (wanted === "earlier" && card.is_open) return false;
  if (wanted === "undecided" && decisionOn(i).decision) return false;
  if (wanted === "decided" && !decisionOn(i).decision) return false;
  return true;
}

function lineText(card, i) {
  const parts = [card.label, card.region, words(card.verdict), card.severity_words, card.number, words(card.change?.state ?? "")];
  return [...parts, words(decisionOn(i).decision), card.sentence].join(" ").toLowerCase();
}

// Findings whose class and region hold the text as it is typed; where there is none, those whose line has every word.
function soughtRows() {
  const text = searched(tools.search.value);
  const all = [...rows.keys()];
  if (!text) return new Set(all);
  const named = all.filter((i) => names[i].includes(text));
  const parts = text.split(" ");
  if (named.length) return new Set(named);
  lineTexts ??= cards.map(lineText);
  return new Set(all.filter((i) => parts.every((part) => lineTexts[i].includes(part))));
}

function applyFilters() {
  let shown = 0;
  const sought = soughtRows();
  for (const i of rows.keys()) {
    rows[i].hidden = !sought.has(i) || !isShown(i);
    shown += rows[i].hidden ? 0 : 1;
  }
  const only = onlyLabel === undefined ? "" : ` of class ${plain(onlyLabel)}`;
  const none = shown ? "" : ": none has this text and these filters";
  byId("count").textContent = `${shown} of ${counted(rows.length, "finding")}${only}${none}`;
  byId("all-classes").hidden = onlyLabel === undefined;
  showGroups();
}

function showOnlyClass(label) {
  onlyLabel = label;
  tools["f-decision"].value = "";
  applyFilters();
  byId("findings").scrollIntoView();
}

// Order and groups.
const given_order = rows.map((_, i) => i);
let order = given_order;
const orders = {
  "": (i) => i,
  class: (i) => cards[i].label,
  region: (i) => cards[i].region,
  number: (i) => -(cards[i].effect ?? -Infinity),
  change: (i) => ["new", "worse", "not_comparable", "better", "unchanged", "gone"].indexOf(cards[i].change?.state ?? "gone"),
  decision: (i) => decisionOn(i).decision,
};
const groupOf = { class: (i) => cards[i].label, region: (i) => cards[i].region, verdict: (i) => words(cards[i].verdict) };

// One collator for all comparisons: `localeCompare` would look for the language's rules each time.
const collator = new Intl.Collator();

function compare(a, b) {
  return typeof a === "string" ? collator.compare(a, b) : a - b;
}

function applyOrder() {
  const key = orders[tools.sort.value];
  const keys = rows.map((_, i) => key(i));
  const group = groupOf[tools.group.value];
  const groups = group ? rows.map((_, i) => group(i)) : undefined;
  order = [...given_order].sort((a, b) => (groups ? compare(groups[a], groups[b]) : 0) || compare(keys[a], keys[b]) || a - b);
  list.querySelectorAll(".group").forEach((head) => head.remove());
  const fragment = document.createDocumentFragment();
  let last;
  for (const i of order) {
    const name = groups?.[i];
    if (groups && name !== last) fragment.append(groupHead(name));
    last = name;
    fragment.append(rows[i]);
  }
  list.append(fragment);
  applyFilters();
}

const folded = new Set();
function groupHead(name) {
  const button = el("button", { type: "button", "aria-expanded": String(!folded.has(name)), click: () => {
    if (!folded.delete(name)) folded.add(name);
    button.setAttribute("aria-expanded", String(!folded.has(name)));
    applyFilters();
  } });
  const head = el("li", { class: "group" }, button);
  head.groupName = name;
  head.label = button;
  return head;
}

// Counts the shown findings of each group, and hides those of folded ones.
function showGroups() {
  const group = groupOf[tools.group.value];
  if (!group) return;
  const counts = new Map();
  for (const i of rows.keys()) {
    if (rows[i].hidden) continue;
    counts.set(group(i), (counts.get(group(i)) ?? 0) + 1);
    rows[i].hidden = folded.has(group(i));
  }
  for (const head of list.querySelectorAll(".group")) {
    head.hidden = !counts.has(head.groupName);
    head.label.textContent = `${plain(head.groupName)} (${counts.get(head.groupName) ?? 0})`;
  }
}

// The open finding that the reader looks at is the current one.
let isWaiting = false;
function followScroll() {
  if (isWaiting || openRows.size < 2) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    const middle = innerHeight * 0.4;
    for (const i of openRows) {
      const { top, bottom } = rows[i].getBoundingClientRect();
      if (top <= middle && bottom >= middle) setCurrent(i);
    }
  });
}

function startList() {
  list.addEventListener("click", (event) => {
    const line = event.target.closest(".line");
    if (!line || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const i = cardAt.get(line.parentElement.id);
    if (openRows.has(i)) closeRow(i);
    else {
      openRow(i);
      const { bottom } = rows[i].getBoundingClientRect();
      if (bottom > bar.getBoundingClientRect().top) rows[i].scrollIntoView({ block: "start" });
    }
    setCurrent(i);
    setFragment(cards[i].anchor);
  });
  list.append(...rows);
  rows.forEach((row, i) => {
    if (rows.length <= FILLED_AT_ONCE) fillRow(i);
    else nearRows.observe(row);
    if (chosen.has(i) || decidedBefore.size) showDecision(i);
  });
  for (const id of ["search", "f-verdict", "f-decision", "f-change"]) tools[id].addEventListener("input", applyFilters);
  for (const id of ["sort", "group"]) tools[id].addEventListener("change", applyOrder);
  byId("all-classes").addEventListener("click", () => { onlyLabel = undefined; applyFilters(); });
  addEventListener("scroll", followScroll, { passive: true });
  addEventListener("hashchange", goToFragment);
  applyFilters();
}
