"""Names the files of the anchors' folder, which is to lie on storage that nobody here can change."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings


def anchor_files(log_id: UUID) -> dict[str, bytes]:
    """Returns the checkpoints of a log that the anchors' folder holds, by path; none where no folder is set."""
    root = settings.COUNTERSIGN_ANCHOR_FOLDER
    if not root:
        return {}
    return {str(path): path.read_bytes() for path in sorted((Path(root) / str(log_id)).rglob("*.txt"))}


def file_of(log_id: UUID, epoch: int, size: int) -> Path:
    """Returns where the folder holds a checkpoint."""
    return Path(settings.COUNTERSIGN_ANCHOR_FOLDER) / str(log_id) / str(epoch) / f"{size:015d}.txt"
