// The page is ready for scripts.
document.documentElement.classList.add("js");
byId("who-done").addEventListener("click", takeReviewer);
byId("who-none").addEventListener("click", () => { byId("name").value = ""; takeReviewer(); });
byId("show-help").addEventListener("click", () => byId("help").showModal());
byId("help-close").addEventListener("click", () => byId("help").close());
if (rows.length) {
  startList();
  startBar();
}
if (location.hash.length > 1) goToFragment();
