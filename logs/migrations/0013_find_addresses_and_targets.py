from django.db import migrations

from logs.partitions import TABLE

# A filter that is no leakproof operator, lower() among them, cannot use an index under row security (postgres.md 2.4):
# the lower-case name of a target is therefore kept as a column, which PostgreSQL writes itself.
FORWARD = f"""
ALTER TABLE {TABLE} ADD COLUMN target_key text GENERATED ALWAYS AS (lower(target_name)) STORED;
CREATE INDEX event_privileged_target ON {TABLE} (tenant_id, target_key, occurred_at DESC, id DESC) WHERE log_type = 5;
DROP INDEX event_by_address;
CREATE INDEX event_by_address ON {TABLE} (tenant_id, src_ip, occurred_at DESC, id DESC) WHERE src_ip IS NOT NULL;
"""
BACK = f"""
DROP INDEX event_by_address;
CREATE INDEX event_by_address ON {TABLE} USING brin (src_ip inet_bloom_ops) WITH (autosummarize = on);
DROP INDEX event_privileged_target;
ALTER TABLE {TABLE} DROP COLUMN target_key;
"""


class Migration(migrations.Migration):
    dependencies = [("logs", "0012_place_and_client")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
