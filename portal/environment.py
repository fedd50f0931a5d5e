"""Typed reading of environment variables: a bad value stops the start with a sentence that names it."""

import os
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

_TRUE: Final = {"1", "true", "yes", "on"}
_FALSE: Final = {"0", "false", "no", "off"}


def env_text(name: str, default: str = "") -> str:
    """Return a text; ``<NAME>_FILE`` names a file that holds it (for secrets)."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        path = Path(file)
        if not path.is_file():
            message = f"{name}_FILE names {file}, which is not a readable file."
            raise ImproperlyConfigured(message)
        return path.read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def env_flag(name: str, *, default: bool) -> bool:
    """Return a yes or no."""
    text = env_text(name).lower()
    if not text:
        return default
    if text in _TRUE | _FALSE:
        return text in _TRUE
    message = f"{name} is {text!r}; say true or false."
    raise ImproperlyConfigured(message)


def env_number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """Return a whole number within bounds."""
    text = env_text(name)
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        message = f"{name} is {text!r}; it must be a whole number from {least} to {most}."
        raise ImproperlyConfigured(message)
    return int(text)


def env_choice(name: str, default: str, choices: frozenset[str]) -> str:
    """Return one of the choices."""
    text = env_text(name, default)
    if text in choices:
        return text
    message = f"{name} is {text!r}; it must be one of {', '.join(sorted(choices))}."
    raise ImproperlyConfigured(message)


def env_list(name: str, default: str) -> list[str]:
    """Return the comma-separated values."""
    return [part.strip() for part in env_text(name, default).split(",") if part.strip()]
