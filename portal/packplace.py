"""Says where finished packs are kept: a folder of the data directory, or a bucket that speaks S3 (docs/packs.md)."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal.environment import env_choice, env_text

NAME: Final = "COUNTERSIGN_PACKS_S3"
MORE: Final = ("ENDPOINT", "REGION", "KEY_ID", "SECRET", "PREFIX", "LOCK")
NEEDS: Final = ("boto3", "storages")
HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def pack_storage(data: Path) -> dict[str, Any]:
    """Return Django's entry for the storage of packs; names its classes only, so that no start loads them."""
    bucket = env_text(f"{NAME}_BUCKET")
    told = {name: env_text(f"{NAME}_{name}") for name in MORE}
    if not bucket:
        given = [f"{NAME}_{name}" for name, value in told.items() if value]
        if given:
            message = f"{given[0]} is set and {NAME}_BUCKET is not: name the bucket, or leave both out."
            raise ImproperlyConfigured(message)
        return {"BACKEND": "evidence.packfolder.PackFolder", "OPTIONS": {"location": str(data / "packs")}}
    if any(find_spec(name) is None for name in NEEDS):
        message = f"{NAME}_BUCKET needs the extra `s3`: install it with `uv sync --inexact --extra s3`."
        raise ImproperlyConfigured(message)
    options = {
        "bucket_name": bucket,
        "endpoint_url": _endpoint(told["ENDPOINT"]),
        "region_name": told["REGION"] or None,
        "access_key": told["KEY_ID"] or None,
        "secret_key": told["SECRET"] or None,
        "location": told["PREFIX"].strip("/"),
        "lock": env_choice(f"{NAME}_LOCK", "none", frozenset({"none", "governance", "compliance"})),
    }
    if bool(options["access_key"]) != bool(options["secret_key"]):
        message = f"{NAME}_KEY_ID and {NAME}_SECRET belong together: set both, or neither for the machine's own role."
        raise ImproperlyConfigured(message)
    return {"BACKEND": "evidence.packbucket.PackBucket", "OPTIONS": options}


def _endpoint(text: str) -> str | None:
    """Return the address of the service, None for Amazon's; packs and keys do not travel in clear text."""
    address = urlsplit(text)
    if text and address.scheme != "https" and not (address.scheme == "http" and address.hostname in HERE):
        message = f"{NAME}_ENDPOINT is {text!r}; it must begin with https:// (http:// for this machine only)."
        raise ImproperlyConfigured(message)
    return text or None
