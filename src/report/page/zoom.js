// Pictures at full size: the original beside the one that was chosen.
const shownPanels = new Map();
const zoom = byId("zoom");
let zoomed;

function openZoom(button) {
  zoomed = button;
  showZoom();
  if (!zoom.open) zoom.showModal();
}

// The panels that a picture is shown with: the original and itself.
function zoomedPair({ strip, figure, n }) {
  const other = n === 0 && figure.panels.length > 1 ? 1 : n;
  return strip.title.startsWith("Mean map") || figure.panels.length === 1 ? [n] : [0, other];
}

function showZoom() {
  const shown = shownPanels.get(zoomed);
  const { strip, figure } = shown;
  const pair = zoomedPair(shown);
  byId("zoom-title").textContent = plain([strip.title, figure.path].filter(Boolean).join(": "));
  byId("zoom-panels").replaceChildren(...pair.map((place) => zoomedPanel(figure.panels[place])));
}

function zoomedPanel(panel) {
  const picture = panel.picture === null
    ? el("div", { class: "blank", text: "not included" })
    : el("img", { src: pictureUri(panel.picture), alt: panel.caption });
  return el("div", { class: panel.flipped ? "large flipped" : "large" }, picture,
    panel.flipped ? el("strong", { class: "flip-word", text: "flipped" }) : null,
    panel.scale ? scaleElement(panel.scale) : null,
    el("p", { text: panel.caption }));
}

// Whether two pictures are shown by the same panels: an original, and the first beside it.
function isSameZoom(one, other) {
  const [a, b] = [shownPanels.get(one), shownPanels.get(other)];
  return a.figure === b.figure && zoomedPair(a).join() === zoomedPair(b).join();
}

// The next picture of the same finding or class that is not shown already.
function turnZoom(step) {
  const all = [...zoomed.closest(".card, .class-card").querySelectorAll(".open")];
  const first = zoomed;
  for (let turns = 0; turns < all.length; turns++) {
    zoomed = all[(all.indexOf(zoomed) + step + all.length) % all.length];
    if (!isSameZoom(first, zoomed)) break;
  }
  showZoom();
}

zoom.addEventListener("click", (event) => { if (event.target === zoom) zoom.close(); });
zoom.addEventListener("close", () => zoomed?.focus());
byId("zoom-close").addEventListener("click", () => zoom.close());
byId("zoom-next").addEventListener("click", () => turnZoom(1));
byId("zoom-previous").addEventListener("click", () => turnZoom(-1));
