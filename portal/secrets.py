"""The installation's own secret key, made on the first start."""

import os
import secrets
from pathlib import Path


def secret_key(data: Path) -> str:
    """Return the secret key of the installation; makes and keeps it (mode 0600) on first use."""
    path = data / "secret-key"
    if not path.exists():
        # Under root the embedded server runs as a user of its own, which must be able to pass.
        data.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="utf-8").strip()
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="utf-8").strip()
