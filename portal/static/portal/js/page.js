// Behaviour that every page shares. Markup asks for it by data attributes; nothing here knows a page.

// Dialogs: <button data-opens="id"> opens <dialog id>, <button data-closes> inside closes it.
// Folding: <button data-folds aria-controls="id"> shows that part and hides it again.
// Copying: <button data-copies="text"> copies and says so.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog")?.close();
  const folder = event.target.closest("[data-folds]");
  if (folder) fold(folder);
  const copier = event.target.closest("[data-copies]");
  if (copier) copy(copier);
  closeMenus(event.target);
});

function fold(button) {
  const shown = document.getElementById(button.getAttribute("aria-controls")).classList.toggle("show");
  button.setAttribute("aria-expanded", String(shown));
}

async function copy(button) {
  const word = button.querySelector("[data-word]") ?? button;
  const before = word.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copies);
    word.textContent = "Copied";
  } catch {
    word.textContent = "Copying is blocked: select the text";
  }
  window.setTimeout(() => { word.textContent = before; }, 2000);
}

// Menus are <details class="menu">: one open at a time, Escape closes and gives the focus back.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Polling stops while nobody looks at the tab: htmx trigger filters would need eval.
document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail?.ctx?.sourceElement;
  if (document.hidden && source?.closest("[data-polls]")) event.preventDefault();
});

// A form that came back with faults puts the focus on their summary, so that it is read first.
document.querySelector("[data-focus]")?.focus();
