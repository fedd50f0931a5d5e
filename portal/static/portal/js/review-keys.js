// Single-letter keys of the review screen. They work only while the list has the focus (WCAG 2.1.4), and not at all when the
// person turned them off: then the list bears no data-keys.
const list = document.querySelector("[data-review-list]");
const rows = () => [...list.querySelectorAll("[data-row]")];
const here = () => document.activeElement?.closest("[data-row]") ?? rows().find((row) => row.hasAttribute("aria-current"));
let waiting = null;

// What htmx has just put into the page it binds a moment later; a key that is faster would follow the link or send the
// form without it. Asking for it here is harmless: htmx binds an element once.
function press(element) {
  window.htmx.process(element.form ?? element);
  element.click();
}

function choose(row) {
  if (!row) return;
  row.focus();
  press(row);
}

function mark(row) {
  for (const other of rows()) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
}

function step(by) {
  const all = rows();
  choose(all[Math.min(Math.max(all.indexOf(here()) + by, 0), all.length - 1)]);
}

function undecided() {
  const all = rows();
  const from = all.indexOf(here()) + 1;
  choose([...all.slice(from), ...all.slice(0, from)].find((row) => !row.closest("li").hasAttribute("data-decided")));
}

function decide(key) {
  const button = document.querySelector(`#sheet [data-key="${key}"]`);
  const reason = document.querySelector("#sheet #reason");
  if (!button) return;
  if (key !== "a" && reason.value.trim().length < 10) {
    reason.focus();
    return;
  }
  waiting = here()?.closest("li").id ?? null;
  press(button);
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  u: undecided,
  a: () => decide("a"),
  r: () => decide("r"),
  m: () => decide("m"),
  "?": () => document.getElementById("keys").showModal(),
};

if (list) {
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row) mark(row);
  });
  if (list.dataset.keys === "on") {
    list.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const deed = KEYS[event.key.length === 1 ? event.key.toLowerCase() : ""];
      if (!deed) return;
      event.preventDefault();
      deed();
    });
  }
  // A decided row is replaced: the focus goes back to it, so that the next key still works.
  new MutationObserver(() => {
    const row = waiting && document.querySelector(`#${waiting} [data-row]`);
    if (!row || document.activeElement !== document.body) return;
    mark(row);
    row.focus();
    waiting = null;
  }).observe(list, { childList: true });
}
