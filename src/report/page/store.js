// Decisions: those of earlier runs, those made on this page, and which of them are exported.
const prefix = "camaudit\t" + given.state + "\t";
const keyOf = (card) => card.label + "\t" + card.region;
const decidedBefore = new Map(given.decided.map((d) => [d.class + "\t" + d.region, d]));

// A page opened from a file may have no storage: then decisions last as long as the page.
const memory = new Map();
function recall(name) {
  try { return localStorage.getItem(name) ?? memory.get(name); } catch { return memory.get(name); }
}
function keep(name, value) {
  memory.set(name, value);
  try { localStorage.setItem(name, value); } catch { /* kept in memory */ }
}

// What was chosen on this page, by place of the card.
const chosen = new Map();
cards.forEach((card, i) => {
  const saved = recall(prefix + keyOf(card));
  if (saved) chosen.set(i, JSON.parse(saved));
});

// The decision that counts now: chosen on this page, else the earlier one, unless the finding is open again.
function decisionOn(i) {
  const own = chosen.get(i);
  if (own) return own;
  const earlier = cards[i].reopened ? undefined : decidedBefore.get(keyOf(cards[i]));
  return { decision: earlier?.decision ?? "", note: earlier?.note ?? "", reviewer: earlier?.reviewer ?? "", decided_at: earlier?.decided_at ?? "" };
}

const reviewerName = () => recall("camaudit reviewer") ?? "";
const setReviewerName = (name) => keep("camaudit reviewer", name);

function decide(i, change) {
  const now = { decided_at: new Date().toISOString().slice(0, 19) + "Z", reviewer: reviewerName() };
  choose(i, { ...decisionOn(i), ...now, ...change, exported: false });
}

function choose(i, decision) {
  chosen.set(i, decision);
  keep(prefix + keyOf(cards[i]), JSON.stringify(decision));
}

// Decisions that the last file does not have; one that was taken back counts where an earlier run made it.
const unexported = () => [...chosen].filter(([i, d]) => !d.exported && (d.decision || decidedBefore.has(keyOf(cards[i])))).length;
const isUnsaved = (decision) => !decision.exported && (decision.decision || decision.note);
const decidedCount = () => cards.filter((_, i) => decisionOn(i).decision).length;

function markExported() {
  for (const [i, decision] of chosen) choose(i, { ...decision, exported: true });
}

window.addEventListener("beforeunload", (event) => {
  if ([...chosen.values()].some(isUnsaved)) event.preventDefault();
});
