"""Keeps finished packs in a bucket that speaks S3. Loaded only where the settings name a bucket.

django-storages and boto3 do the work; what they raise becomes one sentence. Nobody outside reads which bucket it is:
that stands in the portal's output.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from django.core.files import File
from django.utils import timezone
from storages.backends.s3 import S3Storage

from evidence.packfolder import NOT_THERE, PackGoneError, StoreError
from evidence.signoffs.kinds import kept_until

_log = logging.getLogger(__name__)
PIECE: Final = 1 << 20
FULL: Final = frozenset({"507", "InsufficientStorage", "QuotaExceeded", "StorageFull", "XMinioStorageFull"})
FULL_SAID: Final = "The store of packs is full: whoever runs the portal makes room in it."
GONE: Final = frozenset({"404", "NoSuchKey"})
SILENT: Final = "The store of packs does not answer."
UNLOCKED: Final = "none"


class PackBucket(S3Storage):  # type: ignore[misc]  # the library has no types
    """A bucket of packs, under a prefix if one is set; with a lock, no key deletes a pack for six years."""

    def __init__(self, *, lock: str = UNLOCKED, **options: Any) -> None:
        self.lock = lock
        # "path" works with every server; Amazon takes both. Two more tries hide a lost packet and no outage.
        patient = {"retries": {"mode": "standard", "total_max_attempts": 3}, "s3": {"addressing_style": "path"}}
        config = Config(connect_timeout=5, read_timeout=60, signature_version="s3v4", **patient)
        super().__init__(client_config=config, file_overwrite=True, querystring_auth=True, default_acl=None, **options)

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return what a pack is stored with: how long nobody may remove it."""
        told: dict[str, Any] = super().get_object_parameters(name)
        if self.lock != UNLOCKED:
            until = kept_until(timezone.now() + timedelta(days=1))
            told |= {"ObjectLockMode": self.lock.upper(), "ObjectLockRetainUntilDate": until}
        return told

    def _save(self, name: str, content: File[Any]) -> str:
        """Upload, in parts where it is large; the service keeps all of it or nothing.

        Raises:
            StoreError: It could not be stored.
        """
        with self._said():
            stored: str = super()._save(name, content)
            return stored

    def _open(self, name: str, mode: str = "rb") -> File[Any]:  # noqa: ARG002 -- Django's signature; packs are read
        """Open a pack that comes piece by piece.

        Raises:
            StoreError: It is not there, or the service does not give it; also while it is read.
        """
        with self._said():
            key = self._normalize_name(name)
            return _Coming(self.connection.Object(self.bucket_name, key).get()["Body"], self)

    def delete(self, name: str) -> None:
        """Leave it: the portal's key need not be allowed to delete, and no pack names this file."""
        _log.warning("%s/%s holds a pack that was not issued; nothing names it", self.bucket_name, name)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say what went wrong in one sentence, and log the rest."""
        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error) as fault:
            _log.warning("The bucket %s: %s", self.bucket_name, fault)
            said = _sentence(fault)
            raise (PackGoneError if said == NOT_THERE else StoreError)(said) from fault


class _Coming(File):  # type: ignore[type-arg]  # at run time it takes none
    """A pack on its way from the service."""

    def __init__(self, body: Any, store: PackBucket) -> None:
        super().__init__(body)
        self.body, self.store = body, store

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the bytes in pieces."""
        with self.store._said():  # noqa: SLF001 -- one module
            yield from self.body.iter_chunks(chunk_size or PIECE)


def _sentence(fault: Exception) -> str:
    """Return what people are told: the service does not answer, refuses, is full, or has no such file."""
    cause = fault.__cause__ or fault.__context__ or fault
    answered = next((one for one in (fault, cause) if isinstance(one, ClientError)), None)
    if answered is None:
        quiet = any(isinstance(one, HTTPClientError | NoConnectionError) for one in (fault, cause))
        return SILENT if quiet else f"The store of packs cannot be used: {type(cause).__name__}."
    code = str(answered.response.get("Error", {}).get("Code", ""))
    status = str(answered.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    if FULL & {code, status}:
        return FULL_SAID
    if code in GONE:
        return NOT_THERE
    if status.startswith("5") or code == "SlowDown":
        return f"The store of packs cannot serve at present ({code or status})."
    return f"The store of packs refuses the portal ({code or status}): whoever runs the portal looks at its key there."
