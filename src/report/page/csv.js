// review.csv: written and read as camaudit does.
const COLUMNS = ["class", "region", "decision", "note", "verdict", "effect", "unit", "declared", "expires", "reviewer", "decided_at"];
const GUARDED = ["class", "region", "note", "reviewer"];

// Text that a spreadsheet would read as a formula gets an apostrophe, which camaudit removes when it reads the file.
const isFormula = (text) => /^([\t\r\n']|\s*[=+\-@＝＋－＠])/u.test(text);
const guarded = (text) => (isFormula(text) ? "'" + text : text);
const unguarded = (text) => (text.startsWith("'") && isFormula(text.slice(1)) ? text.slice(1) : text);

// The line of a card: decisions that were not touched stay as they are.
function reviewLine(i) {
  const card = cards[i];
  const own = chosen.get(i);
  if (!own) return decidedBefore.get(keyOf(card));
  if (!own.decision) return undefined;
  return {
    class: card.label, region: card.region, decision: own.decision, note: own.note, verdict: card.verdict, effect: card.effect,
    unit: card.effect_unit, declared: card.declared, expires: own.expires ?? "", reviewer: own.reviewer, decided_at: own.decided_at,
  };
}

function reviewCsv() {
  const onPage = new Set(cards.map(keyOf));
  const others = given.decided.filter((d) => !onPage.has(d.class + "\t" + d.region));
  const lines = [...cards.map((_, i) => reviewLine(i)).filter(Boolean), ...others];
  const cell = (name, value) => {
    const text = String(value ?? "");
    return '"' + (GUARDED.includes(name) ? guarded(text) : text).replace(/"/g, '""') + '"';
  };
  const rows = [COLUMNS.join(","), ...lines.map((line) => COLUMNS.map((name) => cell(name, line[name])).join(","))];
  return rows.join("\n") + "\n";
}

function records(text, separator) {
  const rows = [];
  let row = [], value = "", quoted = false;
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (quoted && c === '"' && text[at + 1] === '"') { value += '"'; at++; }
    else if (c === '"' && (quoted || value === "")) quoted = !quoted;
    else if (quoted) value += c;
    else if (c === separator) { row.push(value); value = ""; }
    else if (c === "\n" || c === "\r") {
      if (c === "\r" && text[at + 1] === "\n") at++;
      row.push(value); rows.push(row); row = []; value = "";
    } else value += c;
  }
  if (value !== "" || row.length) { row.push(value); rows.push(row); }
  return rows.filter((cells) => cells.some((text) => text.trim()));
}

// The lines of a file, or a message that says why there are none.
function readReview(text) {
  const content = text.replace(/^\ufeff/, "").replace(/^"?sep=.[^\n]*\n/i, "");
  const first = content.split(/\r?\n/, 1)[0];
  const separator = [",", ";", "\t", "|"].find((s) => records(first, s)[0]?.some((name) => name.trim().toLowerCase() === "decision")) ?? ",";
  const [header = [], ...rows] = records(content, separator);
  const names = header.map((name) => name.trim().toLowerCase());
  const missing = ["class", "region", "decision"].filter((name) => !names.includes(name));
  if (missing.length) return { message: `the file has no column ${missing.join(", ")}: choose a review.csv` };

  const lines = [];
  for (const [number, cells] of rows.entries()) {
    const line = Object.fromEntries(names.map((name, column) => [name, unguarded(cells[column] ?? "")]));
    line.decision = line.decision.trim().toLowerCase();
    if (!decisionNames.includes(line.decision)) {
      return { message: `record ${number + 2}: found decision "${line.decision}", expected one of ${decisionNames.join(", ")}` };
    }
    lines.push(line);
  }
  return { lines };
}

// Takes the decisions of a file over, except where this page has decided otherwise; says what became of them.
function importReview(text) {
  const { lines, message } = readReview(text);
  if (message) return message;
  const places = new Map(cards.map((card, i) => [keyOf(card), i]));
  let taken = 0, same = 0;
  const conflicts = [], unknown = [];
  for (const line of lines) {
    const i = places.get(line.class + "\t" + line.region);
    if (i === undefined) { unknown.push(line); continue; }
    const own = chosen.get(i);
    if (own?.decision && own.decision !== line.decision) conflicts.push(`${line.class} / ${line.region}: ${line.decision}${line.reviewer ? " by " + line.reviewer : ""} in the file, ${own.decision} here`);
    else if (own?.decision === line.decision) same++;
    else {
      const { decision, note = "", reviewer = "", decided_at = "", expires = "" } = line;
      choose(i, { decision, note, reviewer, decided_at, expires, exported: true });
      taken++;
    }
  }
  const parts = [`${counted(taken, "decision")} taken over`];
  if (same) parts.push(`${same} already here`);
  if (conflicts.length) parts.push(`${counted(conflicts.length, "conflict")}, yours kept: ${conflicts.join("; ")}`);
  if (unknown.length) parts.push(`${unknown.length} about no finding of this page, left out`);
  return parts.join("; ");
}
