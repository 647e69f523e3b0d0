// On paper: the list as contents, then one finding a page with its decision and note.
const PRINTED_MAX = 200;
// A finding with so many kinds of pictures gets smaller ones, so that it fits on one page.
const DENSE_STRIPS = 6;

function printElements() {
  const shown = shownRows();
  const printed = shown.slice(0, PRINTED_MAX);
  const left = shown.length - printed.length;
  const contents = el("ol", { class: "contents" }, ...shown.map((i) => el("li", {}, lineElement(i))));
  const pages = printed.map((i) => {
    const { decision, note: text, reviewer, decided_at: when } = decisionOn(i);
    const who = [reviewer && `by ${reviewer}`, when].filter(Boolean).join(", ");
    const dense = detailOf(i).strips.length >= DENSE_STRIPS ? "sheet dense" : "sheet";
    return el("section", { class: dense }, lineElement(i),
      el("p", { class: "sentence", text: cards[i].sentence + "." }),
      el("p", { class: "decided-as" }, el("strong", { text: "Decision: " }), plain(`${words(decision) || "none yet"}${who ? ` (${who})` : ""}`)),
      text ? el("p", {}, el("strong", { text: "Note: " }), plain(text)) : null,
      cardElement(i));
  });
  return [
    el("h2", { text: "Findings" }), contents,
    left ? el("p", { text: `The first ${PRINTED_MAX} findings follow; ${left} more are in the list only. Filter the list to print others.` }) : null,
    pages.length ? el("p", { class: "quiet", text: "One picture of each kind is printed; the page shows all." }) : null,
    ...pages,
  ].filter(Boolean);
}

const terms = document.querySelector(".glossary");
addEventListener("beforeprint", () => {
  terms.open = true;
  if (rows.length) byId("printed").replaceChildren(...printElements());
});
addEventListener("afterprint", () => {
  terms.open = false;
  byId("printed").replaceChildren();
});
