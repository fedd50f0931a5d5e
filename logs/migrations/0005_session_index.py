"""The index of sessions for as many of them as there are on its pages: `logs.partitions.SESSION_INDEX_SQL` says why."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

from logs.partitions import SESSION_INDEX_SQL

AS_IT_WAS = (
    "CREATE INDEX event_by_session ON logs_accessevent USING brin (session_uid text_bloom_ops) WITH (autosummarize = on)"
)


class Migration(migrations.Migration):
    """Makes the index anew; it takes a second for two million events."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("logs", "0004_erasure")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(
            f"DROP INDEX event_by_session; {SESSION_INDEX_SQL}", f"DROP INDEX event_by_session; {AS_IT_WAS}"
        ),
    ]
