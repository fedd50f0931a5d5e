"""Row security of the ledger, by log and not by tenant, and what its hashes hold."""

from django.db import migrations

from ledger.rowsecurity import APPEND, CreateScopeFunction, GrantTable, ProtectTable

BY_LOG = {"column": "log_id", "function": "app_log()", "key": ""}
MUTABLE = "SELECT, INSERT, UPDATE"

# Hashes do not compress: pglz would only cost time.
HASHES = """
ALTER TABLE ledger_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE ledger_partialtile ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE ledger_tile ADD CONSTRAINT tile_is_full CHECK (octet_length(hashes) = 8192);
ALTER TABLE ledger_partialtile ADD CONSTRAINT partial_tile_is_not_full
    CHECK (octet_length(hashes) < 8192 AND octet_length(hashes) % 32 = 0);
ALTER TABLE ledger_head ADD CONSTRAINT head_root_is_a_hash CHECK (octet_length(root) = 32);
ALTER TABLE ledger_checkpoint ADD CONSTRAINT checkpoint_root_is_a_hash CHECK (octet_length(root) = 32);
ALTER TABLE ledger_batch ADD CONSTRAINT batch_body_is_a_hash
    CHECK (body_sha256 IS NULL OR octet_length(body_sha256) = 32);
"""
NO_HASHES = """
ALTER TABLE ledger_batch DROP CONSTRAINT batch_body_is_a_hash;
ALTER TABLE ledger_checkpoint DROP CONSTRAINT checkpoint_root_is_a_hash;
ALTER TABLE ledger_head DROP CONSTRAINT head_root_is_a_hash;
ALTER TABLE ledger_partialtile DROP CONSTRAINT partial_tile_is_not_full;
ALTER TABLE ledger_tile DROP CONSTRAINT tile_is_full;
"""


class Migration(migrations.Migration):
    replaces = [("ledger", "0002_close_epochs"), ("ledger", "0003_keep_anchors")]
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(HASHES, NO_HASHES),
        CreateScopeFunction("app_log", "app.log", "uuid"),
        GrantTable("ledger_log", app=APPEND, intake="SELECT"),
        ProtectTable("ledger_head", app=MUTABLE, intake="SELECT, UPDATE", **BY_LOG),
        ProtectTable("ledger_partialtile", app=MUTABLE, intake=MUTABLE, **BY_LOG),
        ProtectTable("ledger_batch", app=APPEND, intake=APPEND, **BY_LOG),
        ProtectTable("ledger_tile", app=APPEND, intake=APPEND, **BY_LOG),
        ProtectTable("ledger_checkpoint", app=APPEND, **BY_LOG),
        ProtectTable("ledger_refusal", app=APPEND, **BY_LOG),
        ProtectTable("ledger_anchor", app=APPEND, **BY_LOG),
    ]
