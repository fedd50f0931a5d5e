"""Whether the places that hold evidence lie on encrypted disks, as far as this machine can tell or its operator states.

On Linux the kernel names every dm-crypt volume (`/sys/dev/block/*/dm/uuid` begins with CRYPT). A place whose device has
no entry there, such as an overlay of a container or a network disk, is not known: None, never "encrypted".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

DEVICES: Final = Path("/sys/dev/block")


@dataclass(frozen=True, slots=True)
class Store:
    """One place: its name, whether it is encrypted (None: not known), and how that is known."""

    name: str
    encrypted: bool | None
    how: str


def stores() -> list[Store]:
    """Return the database, the signer's directory, the data directory, and the bucket of packs if there is one."""
    stated = _stated(settings.COUNTERSIGN_ENCRYPTED_STORES)
    host = str(connection.settings_dict["HOST"])
    inside = host.startswith("/") and not os.environ.get("DATABASE_URL")
    places: list[tuple[str, Path | None]] = [
        ("database", Path(settings.COUNTERSIGN_DATA) if inside else None),
        ("signer", Path(settings.COUNTERSIGN_SIGNER)),
        ("data", Path(settings.COUNTERSIGN_DATA)),
    ]
    if "bucket_name" in settings.STORAGES["packs"]["OPTIONS"]:
        places.append(("packs", None))
    return [_store(name, place, stated.get(name, "")) for name, place in places]


def _store(name: str, place: Path | None, stated: str) -> Store:
    """Return what is known of one place; a provider's encryption, which no kernel sees, is what the operator states."""
    seen = encrypted(place) if place is not None else None
    if seen:
        return Store(name, seen, "dm-crypt, as the kernel says")
    if stated:
        return Store(name, bool(stated), f"stated by the operator: {stated}")
    if seen is None:
        return Store(name, None, "not known from here; COUNTERSIGN_ENCRYPTED_STORES may state it")
    return Store(name, seen, "a disk without dm-crypt, as the kernel says")


def encrypted(place: Path) -> bool | None:
    """Return whether a place lies on a dm-crypt volume; None where its device is not one that the kernel lists."""
    known = next((path for path in (place, *place.parents) if path.exists()), None)
    if known is None:
        return None
    number = known.stat().st_dev
    return _crypt(DEVICES / f"{os.major(number)}:{os.minor(number)}", DEVICES)


def _crypt(device: Path, devices: Path) -> bool | None:
    """Return whether a block device, or everything that it is made of, is a dm-crypt volume."""
    if not device.exists():
        return None
    uuid = device / "dm" / "uuid"
    if uuid.exists() and uuid.read_text(encoding="ascii", errors="replace").startswith("CRYPT-"):
        return True
    below = sorted((device / "slaves").iterdir()) if (device / "slaves").exists() else []
    found = [_crypt(one, devices) for one in below]
    if None in found:
        return None
    return bool(found) and all(found)


def _stated(text: str) -> dict[str, str]:
    """Read what the operator states: `database=LUKS on db1; data=the provider's disks`."""
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {name.strip(): words.strip() for name, _equals, words in pairs}
