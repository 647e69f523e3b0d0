// The bar at the foot of the window: the finding in view, its decision, progress, export.
const bar = byId("bar");
const note = byId("note");
const buttons = [];

function startBar() {
  bar.hidden = false;
  const box = byId("decisions");
  given.decisions.forEach((decision, n) => {
    const button = el("button", { type: "button", title: decision.meaning, "aria-pressed": "false", click: () => decideCurrent(decision.name) },
      el("kbd", { "aria-hidden": "true", text: n + 1 }), " " + words(decision.name));
    buttons.push(button);
    box.append(button);
  });
  byId("meanings").append(...given.decisions.flatMap((decision) => [el("dt", { text: words(decision.name) }), el("dd", { text: decision.meaning })]));
  note.addEventListener("input", () => { if (current >= 0) { decide(current, { note: note.value }); showProgress(); } });
  byId("export").addEventListener("click", startExport);
  byId("next").addEventListener("click", () => move(1));
  byId("previous").addEventListener("click", () => move(-1));
  byId("import").addEventListener("click", () => byId("file").click());
  byId("file").addEventListener("change", importFile);
  byId("reviewer").addEventListener("click", () => askReviewer());
  showBar();
}

function showBar() {
  const card = cards[current];
  const name = byId("current");
  name.textContent = card ? plain(`${card.label} / ${card.region}`) : "No finding is chosen";
  name.toggleAttribute("href", false);
  if (card) name.href = "#" + card.anchor;
  const { decision, note: text, reviewer } = card ? decisionOn(current) : { decision: "", note: "", reviewer: "" };
  buttons.forEach((button, n) => {
    button.disabled = !card;
    button.setAttribute("aria-pressed", String(decisionNames[n] === decision));
  });
  note.disabled = !card;
  if (note !== document.activeElement || note.value !== text) note.value = text;
  byId("by").textContent = decision && reviewer ? "by " + plain(reviewer) : "";
  showProgress();
}

function showProgress() {
  const fresh = unexported();
  const decided = decidedCount();
  byId("progress").textContent = `${decided} of ${cards.length} decided`;
  showTiles();
  byId("export").disabled = decided + fresh === 0;
  byId("export").textContent = fresh ? `Export review.csv (${fresh} new)` : "Export review.csv";
  byId("reviewer").textContent = reviewerName() ? "Reviewer: " + plain(reviewerName()) : "Reviewer: name";
}

function decideCurrent(decision) {
  if (current < 0) return;
  decide(current, { decision });
  showDecision(current);
  showBar();
}

// What happens after the name was given.
let afterName = () => {};

function askReviewer(then = () => {}) {
  afterName = then;
  byId("name").value = reviewerName();
  byId("who").showModal();
  byId("name").focus();
}

// The name also goes to decisions of this page that have none yet.
function takeReviewer() {
  setReviewerName(byId("name").value.trim());
  byId("who").close();
  for (const [i, decision] of chosen) {
    if (!decision.reviewer && !decision.exported) choose(i, { ...decision, reviewer: reviewerName() });
  }
  showBar();
  afterName();
}

// The counts at the top, as the next run will have them: a finding can be decided and stay open.
function showTiles() {
  const closed = cards.filter((_, i) => closing.has(decisionOn(i).decision)).length;
  byId("tile-decided").textContent = closed;
  if (byId("tile-open")) byId("tile-open").textContent = cards.length - closed;
}

// Asks for the reviewer's name once, before the first file is written: a dialog between two decisions would take the keys
// that decide.
function startExport() {
  const isAsked = typeof recall("camaudit reviewer") === "string";
  if (isAsked) exportReview();
  else askReviewer(exportReview);
}

function exportReview() {
  const link = el("a", { download: "review.csv" });
  link.href = URL.createObjectURL(new Blob([reviewCsv()], { type: "text/csv" }));
  link.click();
  URL.revokeObjectURL(link.href);
  const left = [...chosen.values()].filter((d) => d.note && !d.decision).length;
  byId("message").textContent = left ? `${counted(left, "note")} without a decision: not in the file` : "";
  markExported();
  showProgress();
}

async function importFile() {
  const [file] = byId("file").files;
  if (!file) return;
  byId("message").textContent = plain(importReview(await file.text()));
  byId("file").value = "";
  rows.forEach((_, i) => { if (chosen.has(i)) showDecision(i); });
  showBar();
}
