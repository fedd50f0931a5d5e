// A passkey that was not given, or not in time, is said on the page that asks for it; elsewhere allauth logs it.
const said = document.querySelector("[data-passkey-said]");
document.addEventListener("allauth.error", (event) => {
  if (!said) return;
  event.preventDefault();
  said.textContent = "No passkey answered. Try again, and unlock the device or touch the key when it asks.";
  said.hidden = false;
});

// Starts the passkey form of allauth that the page names, with the ids of its parts.
for (const part of document.querySelectorAll("[data-passkey]")) {
  const { passkey, ...ids } = part.dataset;
  window.allauth.webauthn.forms[passkey]({ ids });
}
