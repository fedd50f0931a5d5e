// Measures how long an item was in view before it was decided; hidden tabs do not count. The number goes with the decision.
const sheet = document.getElementById("sheet");
let seen = 0;
let since = performance.now();

function pause() {
  if (document.hidden) seen += performance.now() - since;
  since = performance.now();
}

document.addEventListener("visibilitychange", pause);
document.addEventListener("submit", (event) => {
  const field = event.target.closest("[data-clock]")?.elements.seen_seconds;
  if (field) field.value = String(Math.max(1, Math.round((seen + performance.now() - since) / 1000)));
}, true);
if (sheet) {
  new MutationObserver(() => {
    seen = 0;
    since = performance.now();
  }).observe(sheet, { childList: true });
}
