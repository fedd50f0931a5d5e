// The review screen: single-letter keys, and going on to the next item after a decision. The keys work only while the list has
// the focus (WCAG 2.1.4), and not at all when the person turned them off: then the list bears no data-keys.
const desk = document.querySelector(".desk");
const sheet = document.getElementById("sheet");
const rows = () => [...desk.querySelectorAll("[data-row]")];
const here = () => document.activeElement?.closest("[data-row]") ?? rows().find((row) => row.hasAttribute("aria-current"));
// Where the list stands above the sheet, as on a phone (992px: reviews.css).
const stacked = window.matchMedia("(width < 992px)");
let deciding = false;
let fetching = false;
let pointed = false;

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
  choose([...all.slice(from), ...all.slice(0, from)].find((row) => !row.querySelector("[data-decided]")));
}

// A key that is held down, or comes before the answer to the one before, decides nothing.
function decide(key, held) {
  const button = document.querySelector(`#sheet [data-key="${key}"]`);
  const reason = document.querySelector("#sheet #reason");
  if (!button || held || deciding) return;
  if (key !== "a" && reason.value.trim().length < 10) {
    reason.focus();
    return;
  }
  press(button);
}

function ask() {
  const part = document.querySelector("#thread details");
  if (!part) return;
  part.open = true;
  part.querySelector("textarea").focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  u: undecided,
  q: ask,
  "?": () => document.getElementById("keys").showModal(),
};

// The marked row is the one that the sheet shows: after a decision the next undecided one. It may stand on another page of the
// list, which is fetched into the list. Focus goes to that row, so that the next key works, where it was lost with what was
// replaced or stays at the row that is decided.
async function follow() {
  const item = sheet.querySelector("[data-item]")?.dataset.item;
  if (item && !document.getElementById(`row-${item}`)) {
    if (!fetching) await fetchList(item);
    return;
  }
  const row = item && document.querySelector(`#row-${item} [data-row]`);
  if (!row) return;
  mark(row);
  const focused = document.activeElement;
  if (focused === document.body || focused.matches("[data-row]:has([data-decided])")) row.focus({ preventScroll: true });
  bring(row);
}

// Scrolls the list alone, so that the marked row is in it.
function bring(row) {
  const line = row.parentElement;
  line.parentElement.scrollTop = line.offsetTop - line.parentElement.offsetTop - 80;
}

// What a finger or the mouse asked for stands in the sheet, which may be below the screen where the list is above it. Keys
// leave the page where it is: their reader is in the list.
function reveal() {
  if (!pointed || !stacked.matches) return;
  pointed = false;
  sheet.scrollIntoView();
}

async function fetchList(item) {
  const address = new URL(window.location.href);
  address.searchParams.set("item", item);
  address.searchParams.delete("page");
  fetching = true;
  try {
    await window.htmx.ajax("GET", address.href, { target: "#desk-side", select: "#desk-side", swap: "outerHTML" });
  } finally {
    fetching = false;
  }
  if (document.getElementById(`row-${item}`)) follow();
}

if (desk) {
  const first = rows().find((row) => row.hasAttribute("aria-current"));
  if (first) bring(first);
  desk.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row) mark(row);
    pointed = event.detail > 0 && Boolean(event.target.closest("[data-row], #bulk button, #sheet button, #sheet a"));
  });
  desk.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest("[data-keys]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : "";
    const deed = KEYS[key] ?? (/^[a-z]$/.test(key) && sheet.querySelector(`[data-key="${key}"]`) ? (held) => decide(key, held) : null);
    if (!deed) return;
    event.preventDefault();
    deed(event.repeat);
  });
  document.addEventListener("htmx:before:request", (event) => {
    deciding ||= Boolean(event.detail?.ctx?.sourceElement?.matches(".decide"));
  });
  document.addEventListener("htmx:error", () => { deciding = false; });
  new MutationObserver((changes) => {
    if (changes.some((change) => change.target === sheet)) {
      deciding = false;
      reveal();
    }
    follow();
  }).observe(desk, { childList: true, subtree: true });
}
