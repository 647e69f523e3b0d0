// What the page shows, as one document; details of cards and pictures are read when the first one is needed.
const given = JSON.parse(byId("document").textContent);
const cards = given.cards;
const decisionNames = given.decisions.map((decision) => decision.name);
const closing = new Set(given.decisions.filter((decision) => !decision.stays_open).map((decision) => decision.name));
const cardAt = new Map(cards.map((card, i) => [card.anchor, i]));
const classPictures = new Map(given.classes.map((entry) => [entry.label, entry]));

// The parts of a card that only an open one shows: a line of JSON for each.
let detailLines;
function detailOf(i) {
  detailLines ??= byId("details").textContent.split("\n");
  return JSON.parse(detailLines[i]);
}

let allPictures;
function pictureUri(place) {
  allPictures ??= JSON.parse(byId("pictures").textContent);
  return "data:image/jpeg;base64," + allPictures[place];
}

// The run folder where the page was opened from it; commands name it.
function runFolder() {
  if (location.protocol !== "file:") return "RUN";
  const path = decodeURIComponent(location.pathname);
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

// A word of a command line. None can be given for a name with control characters.
function shellWord(text) {
  if (/[\p{Cc}\p{Cf}]/u.test(text)) return undefined;
  if (/^[\w./:@%+=,-]+$/.test(text)) return text;
  return "'" + text.replace(/'/g, "'\\''") + "'";
}

function command(...parts) {
  const line = parts.map(shellWord);
  return line.includes(undefined) ? undefined : line.join(" ");
}
