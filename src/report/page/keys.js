// Escape clears a search, and gives the keys back to the page.
function leaveInput(event) {
  if (event.target.type === "search" && event.target.value) {
    event.target.value = "";
    event.target.dispatchEvent(new Event("input"));
    event.preventDefault();
  }
  event.target.blur();
}

// Keys, wherever the page is scrolled.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input:not([type=file]), select, textarea");
  if (event.key === "Escape" && typing && !event.target.closest("dialog")) leaveInput(event);
  if (event.key === "Enter" && event.target === note) { note.blur(); event.preventDefault(); return; }
  if (event.key === "Enter" && tools?.search && event.target === tools.search) { tools.search.blur(); move(1); event.preventDefault(); return; }
  if (event.key === "Enter" && event.target.id === "name") { takeReviewer(); event.preventDefault(); return; }
  if (typing) return;
  if (zoom.open && ["ArrowRight", "ArrowLeft"].includes(event.key)) turnZoom(event.key === "ArrowRight" ? 1 : -1);
  else if (decisionNames[Number(event.key) - 1]) decideCurrent(decisionNames[Number(event.key) - 1]);
  else if (event.key === "0") decideCurrent("");
  else if (document.querySelector("dialog[open]")) return;
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "n" && current >= 0) note.focus();
  else if (event.key === "/") (rows.length ? tools.search : classFilter).focus();
  else if (event.key === "?") byId("help").showModal();
  else return;
  event.preventDefault();
});
