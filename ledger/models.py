"""The ledger's tables: the registry of logs, their heads, batches, tiles and signed checkpoints.

`log_id` is the UUID that names a log; the ledger knows nothing else about its owner. Every table but the registry is
under row security by `app_log()`. Insert only for the run-time roles, except the head and the partial tiles, which can
be recomputed from the rest.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from ledger.kinds import FIRST_EPOCH


class Log(models.Model):
    """A log's epoch and its origin, the name in its checkpoints; readable without a scope, so the signer finds all."""

    pk = models.CompositePrimaryKey("log_id", "epoch")
    log_id = models.UUIDField()
    epoch = models.IntegerField(default=FIRST_EPOCH)
    origin = models.CharField(max_length=250, unique=True)
    opened_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Log]] = models.Manager()

    class Meta:
        """Insert only: an epoch is opened once and never renamed."""

        constraints = (models.CheckConstraint(condition=Q(epoch__gte=1), name="log_epochs_count_from_one"),)

    def __str__(self) -> str:
        return self.origin


class Head(models.Model):
    """Size and root of one epoch; its row lock orders all appends to the log. A closed epoch takes no more leaves."""

    pk = models.CompositePrimaryKey("log_id", "epoch")
    log_id = models.UUIDField()
    epoch = models.IntegerField(default=FIRST_EPOCH)
    size = models.BigIntegerField(default=0)
    root = models.BinaryField()
    closed = models.BooleanField(default=False)

    objects: ClassVar[models.Manager[Head]] = models.Manager()

    class Meta:
        """The run-time roles may update it and never delete it."""

        constraints = (models.CheckConstraint(condition=Q(size__gte=0), name="head_size_is_not_negative"),)

    def __str__(self) -> str:
        return f"{self.log_id}/{self.epoch}: {self.size} leaves"


class Batch(models.Model):
    """Leaves that entered the log together: the leaf of ordinal k has the index first_index + k."""

    pk = models.CompositePrimaryKey("log_id", "id")
    log_id = models.UUIDField()
    id = models.UUIDField()
    epoch = models.IntegerField()
    first_index = models.BigIntegerField()
    n = models.IntegerField()
    received_at = models.DateTimeField()
    body_sha256 = models.BinaryField(null=True)

    objects: ClassVar[models.Manager[Batch]] = models.Manager()

    class Meta:
        """Insert only."""

        constraints = (
            models.UniqueConstraint(fields=("log_id", "epoch", "first_index"), name="batch_starts_where_no_other_does"),
            models.CheckConstraint(condition=Q(n__gte=1, first_index__gte=0), name="batch_has_leaves"),
        )

    def __str__(self) -> str:
        return f"{self.id}: leaves {self.first_index} to {self.first_index + self.n - 1}"


class Tile(models.Model):
    """A full tile of 256 hashes (C2SP tlog-tiles); never changes."""

    pk = models.CompositePrimaryKey("log_id", "epoch", "level", "n")
    log_id = models.UUIDField()
    epoch = models.IntegerField()
    level = models.SmallIntegerField()
    n = models.BigIntegerField()
    hashes = models.BinaryField()

    objects: ClassVar[models.Manager[Tile]] = models.Manager()

    class Meta:
        """Insert only."""

        constraints = (models.CheckConstraint(condition=Q(level__gte=0, n__gte=0), name="tile_has_a_place"),)

    def __str__(self) -> str:
        return f"tile {self.level}/{self.n} of {self.log_id}/{self.epoch}"


class PartialTile(models.Model):
    """The rightmost tile of a level, while it has fewer than 256 hashes; empty after it became full."""

    pk = models.CompositePrimaryKey("log_id", "epoch", "level")
    log_id = models.UUIDField()
    epoch = models.IntegerField()
    level = models.SmallIntegerField()
    n = models.BigIntegerField()
    hashes = models.BinaryField()

    objects: ClassVar[models.Manager[PartialTile]] = models.Manager()

    class Meta:
        """The run-time roles may update it and never delete it."""

        constraints = (models.CheckConstraint(condition=Q(level__gte=0, n__gte=0), name="partial_tile_has_a_place"),)

    def __str__(self) -> str:
        return f"partial tile {self.level}/{self.n} of {self.log_id}/{self.epoch}"


class Checkpoint(models.Model):
    """A signed head: the C2SP note, and the key that signed it as a reader would be given it."""

    pk = models.CompositePrimaryKey("log_id", "epoch", "size")
    log_id = models.UUIDField()
    epoch = models.IntegerField()
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    vkey = models.CharField(max_length=400)
    signed_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Checkpoint]] = models.Manager()

    class Meta:
        """Insert only."""

        constraints = (models.CheckConstraint(condition=Q(size__gte=0), name="checkpoint_size_is_not_negative"),)

    def __str__(self) -> str:
        return f"checkpoint of {self.log_id}/{self.epoch} at {self.size} leaves"


class Refusal(models.Model):
    """A time the signer refused a log: what it found, for pages to show; the signer's file holds it too."""

    id = models.BigAutoField(primary_key=True)
    log_id = models.UUIDField()
    epoch = models.IntegerField()
    size = models.BigIntegerField()
    root = models.BinaryField()
    reason = models.TextField()
    refused_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Refusal]] = models.Manager()

    class Meta:
        """Insert only."""

        indexes = (models.Index(fields=("log_id", "-refused_at"), name="refusal_newest_first"),)

    def __str__(self) -> str:
        return f"{self.refused_at:%Y-%m-%d %H:%M:%S} {self.reason}"


class Anchor(models.Model):
    """A checkpoint that was handed to somebody else: how, where, and who holds it; empty where nobody is named.

    `answer` is what the holder gave back (a cosignature line, a time-stamp token), `key` what verifies it, `stated_at`
    the time in it.
    """

    id = models.BigAutoField(primary_key=True)
    log_id = models.UUIDField()
    epoch = models.IntegerField()
    size = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    place = models.TextField()
    holder = models.TextField(default="")
    answer = models.BinaryField(default=b"")
    key = models.TextField(default="")
    stated_at = models.DateTimeField(null=True)
    anchored_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Anchor]] = models.Manager()

    class Meta:
        """Insert only."""

        indexes = (models.Index(fields=("log_id", "-anchored_at"), name="anchor_newest_first"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.place}: {self.log_id}/{self.epoch} at {self.size} leaves"
