// Opens the glossary at a term.
function showTerm(name) {
  const help = byId("help");
  help.querySelectorAll(".sought").forEach((term) => term.classList.remove("sought"));
  if (!help.open) help.showModal();
  const term = [...help.querySelectorAll("dt")].find((candidate) => candidate.textContent === name);
  if (!term) return;
  term.classList.add("sought");
  term.nextElementSibling.classList.add("sought");
  term.scrollIntoView({ block: "center" });
}

function termButton(name) {
  return el("button", { type: "button", class: "term", "aria-label": `What ${words(name)} means`, text: "?", click: () => showTerm(name) });
}

// A finding with everything that is shown of it.
function cardElement(i) {
  const card = { ...cards[i], ...detailOf(i) };
  return el("article", { class: "card", "aria-label": `${card.label} / ${card.region}` },
    ...notices(card),
    ...stripElements(card.strips.slice(0, 1)),
    ...card.charts.map(chartElement),
    card.charts.length ? el("p", { class: "legend", text: "Mark: estimate. Band: 95 % interval. Dashed: the least that counts. Bars of one unit share a scale." }) : null,
    ...spreadElements(card),
    ...foundElements(card),
    ...stripElements(card.strips.slice(1)),
    unmetElement(card),
    ...card.notes.map((text) => el("p", { class: "quiet", text })),
    commandsElement(card.label, card.region, card.gallery_sort, card.example),
  );
}

function notices(card) {
  const names = [card.verdict, card.severity && "severity", "heat", "flip"].filter(Boolean);
  const lines = [el("p", { class: "quiet terms-line" }, "Terms:", ...names.map((name) => el("span", {}, words(name), termButton(name))))];
  if (card.change) {
    const reason = card.change.reason ? " " + card.change.reason : "";
    const trend = card.trend ? svg("svg", { class: "trend", viewBox: "0 0 100 20", role: "img", "aria-label": "effect over the last runs" }, svg("polyline", { points: card.trend })) : null;
    lines.push(el("p", { class: "quiet" }, el("span", { class: "state", text: words(card.change.state) }), reason, trend));
  }
  if (card.reopened) lines.push(el("p", { class: "warning" }, el("strong", { text: "Open again: " }), plain(card.reopened) + "."));
  if (card.not_tested) lines.push(el("p", { class: "quiet", text: `Not tested by edited images, or not on all of them: ${card.not_tested}.` }));
  return lines;
}

function chartElement(chart) {
  const at = (place) => `${Math.min(100, Math.max(0, place))}`;
  const ticks = chart.ticks.map((tick, n) => {
    const anchor = n === 0 ? "start" : n === chart.ticks.length - 1 ? "end" : "middle";
    return svg("text", { x: at(tick.place) + "%", y: 10, "text-anchor": anchor, text: tick.text });
  });
  const bars = chart.bars.map((bar) => el("div", { class: "bar-row" },
    el("dt", {}, el("b", { text: bar.name }), termButton(bar.name), " " + bar.title, el("span", { class: "basis", text: bar.basis })),
    el("dd", {},
      svg("svg", { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
        ...chart.ticks.map((tick) => svg("line", { class: "grid", x1: tick.place, x2: tick.place, y1: 0, y2: 8 })),
        svg("line", { class: "zero", x1: chart.zero, x2: chart.zero, y1: 0, y2: 8 }),
        bar.threshold === null ? null : svg("line", { class: "threshold", x1: bar.threshold, x2: bar.threshold, y1: 0, y2: 8 }),
        svg("rect", { class: "interval", x: bar.low, width: Math.max(0.3, bar.high - bar.low), y: 2, height: 4 }),
        svg("rect", { class: "value", x: bar.value - 0.4, width: 0.8, y: 0, height: 8 })),
      el("span", { text: bar.text }))));
  const axis = svg("svg", { class: "axis", height: 13, "aria-hidden": "true" }, ...ticks);
  return el("div", { class: "chart" },
    el("dl", { class: "facts" }, ...bars),
    el("p", { class: "axis-row" }, el("span", { text: chart.unit === "points" ? "percentage points" : "logits" }), axis));
}

// How the values of a property are spread in the class and in the others.
function spreadElements(card) {
  if (!card.spread) return [];
  const percent = (part) => `${Math.round(100 * part)} %`;
  const heads = ["value", card.label, "others"].map((text) => el("th", { scope: "col", text }));
  const rows = card.spread.bars.map((bar) => el("tr", bar.is_inside ? { class: "inside" } : {},
    el("th", { scope: "row", text: bar.name }),
    ...[bar.in_class, bar.in_others].map((part) => el("td", {}, meterElement(part), ` ${percent(part)}`))));
  return [
    el("h4", { text: `${card.spread.title}: images of ${card.label} and of other classes` }),
    el("table", { class: "values" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)),
    el("p", { class: "quiet", text: "Bold: inside the rule." }),
  ];
}

// Where a found region is, and the lines of a pipeline that declare it.
function foundElements(card) {
  if (!card.found) return [];
  const rows = card.found.counts.map((count) => el("tr", {},
    el("th", { scope: "row", text: count.class }),
    el("td", {}, meterElement(count.part), ` ${count.present} of ${count.images}`)));
  const parts = [
    el("h4", { text: `${card.region} in the sampled images of all classes` }),
    el("table", { class: "values" }, el("tbody", {}, ...rows)),
    el("p", {}, el("a", { href: card.found.list, text: "List of the images that show it" }), " (CSV, in the run folder)"),
  ];
  if (!card.found.lines.length) return parts;
  const folder = JSON.stringify(runFolder() + "/").slice(0, -1);
  const lines = card.found.lines.map((line) => line.replace('"RUN/', () => folder));
  const button = el("button", { type: "button", text: "Copy", "aria-label": "Copy the lines", click: () => copy(lines.join("\n") + "\n", button) });
  return [...parts,
    el("div", { class: "commands" }, el("h4", { text: "Lines of a pipeline that declare it" }),
      el("p", {}, el("code", { class: "lines" }, ...lines.map((line) => el("span", { text: line }))), button)),
    el("p", { class: "quiet", text: card.found.lines_note })];
}

function meterElement(part) {
  return svg("svg", { class: "meter", viewBox: "0 0 40 6", "aria-hidden": "true" },
    svg("rect", { class: "track", width: 40, height: 6 }), svg("rect", { class: "fill", width: 40 * part, height: 6 }));
}

function unmetElement(card) {
  if (!card.unmet.length) return null;
  return el("div", { class: "unmet" }, el("h4", { text: "Why not more" }), el("ul", {}, ...card.unmet.map((text) => el("li", { text }))));
}

function stripElements(strips) {
  return [el("div", { class: "strips" }, ...strips.map((strip) => el("section", {},
    el("h4", { text: strip.title }),
    el("div", { class: "strip" }, ...strip.figures.map((figure) => figureElement(strip, figure))))))];
}

function figureElement(strip, figure) {
  const panels = figure.panels.map((panel, n) => panelElement(strip, figure, panel, n));
  return el("figure", {}, el("div", { class: "panels" }, ...panels), figure.path ? el("figcaption", { text: figure.path }) : null);
}

function panelElement(strip, figure, panel, n) {
  const alt = `${strip.title}: ${panel.caption}`;
  const content = panel.picture === null
    ? el("div", { class: "blank", text: "not included" })
    : el("button", { type: "button", class: "open", click: (event) => openZoom(event.currentTarget) },
        el("img", { src: pictureUri(panel.picture), alt, width: 150, height: 150, decoding: "async" }));
  if (panel.picture !== null) shownPanels.set(content, { strip, figure, n });
  return el("div", { class: panel.flipped ? "panel flipped" : "panel" }, content,
    panel.flipped ? el("strong", { class: "flip-word", text: "flipped" }) : null,
    panel.scale ? scaleElement(panel.scale) : null,
    el("span", { class: "caption", text: panel.caption }));
}

// The colour bar of a map: blue against the class, orange for it.
function scaleElement(scale) {
  const end = scale.toFixed(scale < 10 ? 1 : 0);
  return el("span", { class: "scale" }, el("i", { class: "colours", "aria-hidden": "true" }),
    el("span", { class: "ends" }, el("span", { text: "\u2212" + end }), el("span", { class: "middle", text: "0" }),
      el("span", { text: "+" + end }, el("span", { class: "unit", text: " logits" }))));
}

function commandsElement(label, region, sort, example) {
  const lines = [];
  const own = `--class=${label}`;
  if (sort) lines.push(command("camaudit", "gallery", runFolder(), own, `--region=${region}`, "--sort", sort));
  if (example && given.pipeline_file) lines.push(command("camaudit", "explain", given.pipeline_file, example, own));
  return commandList("See more of its images", lines);
}

function commandList(title, lines) {
  const shown = lines.filter(Boolean).map((line) => {
    const button = el("button", { type: "button", text: "Copy", "aria-label": `Copy: ${line}`, click: () => copy(line, button) });
    return el("p", {}, el("code", { text: line }), button);
  });
  return shown.length ? el("div", { class: "commands" }, el("h4", { text: title }), ...shown) : null;
}

async function copy(line, button) {
  try {
    await navigator.clipboard.writeText(line);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Selected: press Ctrl+C";
  }
}
