// The table of classes: sorted, filtered, and opened to the pictures of a class.
const table = byId("classes");
const classRows = [...table.tBodies[0].rows];
const classFilter = byId("filter");

const CLASS_PREFIX = "/class/";
// The label stands in the address of its row, where no character hides or reverses text.
const labelOf = (row) => decodeURIComponent(row.id.slice(CLASS_PREFIX.length));

// The class that its findings and pictures are of; several labels may be one class.
const classOf = (row) => decodeURIComponent(row.dataset.class);

function sortBy(head, column) {
  const down = head.getAttribute("aria-sort") !== "descending";
  table.querySelectorAll("thead th").forEach((other) => other.setAttribute("aria-sort", "none"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = (row) => {
    const cell = row.cells[column];
    if (!("value" in cell.dataset)) return cell.textContent.trim();
    const number = Number.parseFloat(cell.dataset.value);
    return Number.isNaN(number) ? -Infinity : number;
  };
  closeClasses();
  classRows.sort((a, b) => (down ? -1 : 1) * compare(value(a), value(b)));
  table.tBodies[0].append(...classRows);
  showFirstClasses();
}

// As many rows are laid out as the table was scrolled to: thousands at once would open slowly.
const CLASSES_STEP = 100;
let classesShown = CLASSES_STEP;

function layOutClasses() {
  let count = 0;
  for (const row of classRows) {
    row.classList.toggle("later", !row.hidden && count >= classesShown);
    count += row.hidden ? 0 : 1;
  }
}

function showFirstClasses() {
  classesShown = CLASSES_STEP;
  layOutClasses();
}

new IntersectionObserver((entries) => {
  if (classesShown >= classRows.length || !entries.some((entry) => entry.isIntersecting)) return;
  classesShown += CLASSES_STEP;
  layOutClasses();
}).observe(byId("classes-end"));

function filterClasses() {
  const text = classFilter.value.trim().toLowerCase();
  closeClasses();
  let shown = 0;
  for (const row of classRows) {
    row.hidden = !row.textContent.toLowerCase().includes(text);
    shown += row.hidden ? 0 : 1;
  }
  byId("shown").textContent = `${shown} of ${classRows.length} classes`;
  showFirstClasses();
}

// The columns that a split changes: place in the row, figure, text.
const percentText = (value) => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);
const SPLIT_COLUMNS = [
  [2, "images", (value) => String(value)],
  [3, "accuracy", percentText],
  [5, "share", percentText],
  [6, "lift", (value) => (value === null ? "–" : value.toFixed(1))],
  [7, "object_share", percentText],
];
const ofAllSplits = new Map();

// Shows the figures of one split, or of all images; verdicts, findings and pictures are of all.
function chooseSplit(place) {
  const classes = place === "" ? null : new Map(given.splits[Number(place)].classes.map((entry) => [entry.label, entry]));
  for (const row of classRows) {
    for (const [column, name, text] of SPLIT_COLUMNS) {
      const cell = row.cells[column];
      if (!ofAllSplits.has(cell)) ofAllSplits.set(cell, { nodes: [...cell.childNodes], value: cell.dataset.value });
      const all = ofAllSplits.get(cell);
      const value = classes?.get(labelOf(row))?.[name] ?? null;
      if (!classes) cell.replaceChildren(...all.nodes);
      else if (["accuracy", "object_share"].includes(name) && value !== null) cell.replaceChildren(text(value) + " ", meterElement(value));
      else cell.replaceChildren(text(value));
      cell.dataset.value = classes ? value ?? "" : all.value;
    }
  }
  byId("split-note").hidden = !classes;
}

function closeClasses() {
  table.querySelectorAll(".class-row").forEach((row) => row.remove());
  table.querySelectorAll("[aria-expanded=true]").forEach((link) => link.setAttribute("aria-expanded", "false"));
}

function toggleClass(row) {
  const link = row.querySelector("th a");
  if (row.nextElementSibling?.classList.contains("class-row")) {
    row.nextElementSibling.remove();
    link.setAttribute("aria-expanded", "false");
    return;
  }
  link.setAttribute("aria-expanded", "true");
  row.after(el("tr", { class: "class-row" }, el("td", { colspan: row.cells.length }, classElement(row))));
}

function classElement(row) {
  const label = classOf(row);
  const findings = Number(row.dataset.findings);
  const entry = classPictures.get(label);
  const link = findings ? el("button", { type: "button", text: `Show its ${findings === 1 ? "finding" : findings + " findings"}`, click: () => showOnlyClass(label) }) : null;
  if (!entry) {
    const text = "No picture of this class is in the report: the largest classes get pictures. The command shows its images.";
    return el("div", { class: "class-card" }, link, el("p", { class: "quiet", text: given.classes.length ? text : "This report has no pictures of classes (report.pictures)." }),
      commandsElement(label, "", null, null));
  }
  return el("div", { class: "class-card" }, link,
    el("p", { class: "quiet", text: "Images by the logit of the class: orange is evidence for it, blue against it. This is heat alone: it shows where the evidence lies, not that something is wrong." }),
    label === labelOf(row) ? null : el("p", { class: "quiet", text: `${labelOf(row)} is one class of the model with other labels: ${label}. Its findings and pictures are of all of them.` }),
    ...stripElements(entry.strips), conceptsElement(label, entry.concepts), commandsElement(label, "", null, entry.example));
}

// What the features of a class are made of, folded: to look at.
function conceptsElement(label, concepts) {
  if (!concepts) return null;
  const quiet = (text) => el("p", { class: "quiet", text });
  const group = (entry) => el("section", {},
    el("h4", { text: entry.strip.title }),
    quiet(entry.facts + "."),
    el("div", { class: "strip" }, ...entry.strip.figures.map((figure) => figureElement(entry.strip, figure))));
  return el("details", { class: "concepts" },
    el("summary", { text: "Concepts (to look at; not ranked evidence, never an alarm)" }),
    ...concepts.notes.map(quiet),
    ...concepts.groups.map(group),
    concepts.groups.length ? commandList("Make one a region, which the next run tests", [command("camaudit", "concept", runFolder(), `--class=${label}`, "--concept=1", "--as-region")]) : null,
    concepts.groups.length ? commandList("Fill one in, and see whether the model uses it", [command("camaudit", "concept", runFolder(), `--class=${label}`, "--concept=1", "--used")]) : null,
    concepts.clusters_note ? quiet(concepts.clusters_note) : null,
    ...concepts.clusters.map(group));
}

function openClassFragment(wanted) {
  const row = classRows.find((candidate) => candidate.id === wanted);
  if (!row) return;
  row.hidden = false;
  row.classList.remove("later");
  if (!row.nextElementSibling?.classList.contains("class-row")) toggleClass(row);
  row.scrollIntoView();
}

table.querySelectorAll("thead th").forEach((head, column) => {
  head.querySelector("button").addEventListener("click", () => sortBy(head, column));
});
table.tBodies[0].addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  const row = link.closest("tr");
  if (link.parentElement.tagName === "TH") { toggleClass(row); setFragment(row.id); }
  else showOnlyClass(classOf(row));
});
table.querySelectorAll("tbody th a").forEach((link) => link.setAttribute("aria-expanded", "false"));
classFilter.addEventListener("input", filterClasses);
byId("split")?.addEventListener("change", (event) => chooseSplit(event.target.value));
