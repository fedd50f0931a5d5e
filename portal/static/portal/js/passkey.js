// Starts the passkey form of allauth that the page names, with the ids of its parts.
for (const part of document.querySelectorAll("[data-passkey]")) {
  const { passkey, ...ids } = part.dataset;
  window.allauth.webauthn.forms[passkey]({ ids });
}
