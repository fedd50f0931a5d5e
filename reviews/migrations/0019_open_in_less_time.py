"""Holds an item by one key to its row with all that the row says, and leaves out of an opening what nobody reads.

Two keys led to the same row, and nothing held that the row named was the one that listed the grant. Statistics about
the evidence of items cost a second of an opening of 100,000, since each sampled item's JSON was unpacked; nobody looks
for items by the index of whose access they are.
"""

import django.db.models.deletion
from django.db import migrations, models

REFRESH = """
CREATE OR REPLACE FUNCTION reviews_refresh_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    ANALYZE reviews_reviewitem{columns};
    ANALYZE reviews_exclusion;
    ANALYZE reviews_assignment;
    ANALYZE reviews_decision;
END $$;
"""
ASKED_FOR = (
    " (tenant_id, id, campaign_id, n, system_id, snapshot_id, row_id, account_id, entitlement_id, subject_id,"
    " subject_key, privileged, advice)"
)
WHOLE = """
ALTER TABLE reviews_reviewitem NO FORCE ROW LEVEL SECURITY;
ALTER TABLE identities_snapshotrow NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_reviewitem
    DROP CONSTRAINT item_is_a_grant_of_its_snapshot,
    DROP CONSTRAINT reviews_reviewitem_row_id_same_tenant,
    ADD CONSTRAINT item_is_a_grant_of_its_snapshot
        FOREIGN KEY (tenant_id, row_id, snapshot_id, account_id, entitlement_id)
        REFERENCES identities_snapshotrow (tenant_id, id, snapshot_id, account_id, entitlement_id)
        DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE identities_snapshotrow FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_reviewitem FORCE ROW LEVEL SECURITY;
"""
TWICE = """
ALTER TABLE reviews_reviewitem NO FORCE ROW LEVEL SECURITY;
ALTER TABLE identities_snapshotrow NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_reviewitem
    DROP CONSTRAINT item_is_a_grant_of_its_snapshot,
    ADD CONSTRAINT reviews_reviewitem_row_id_same_tenant FOREIGN KEY (tenant_id, row_id)
        REFERENCES identities_snapshotrow (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT item_is_a_grant_of_its_snapshot FOREIGN KEY (tenant_id, snapshot_id, account_id, entitlement_id)
        REFERENCES identities_snapshotrow (tenant_id, snapshot_id, account_id, entitlement_id)
        DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE identities_snapshotrow FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_reviewitem FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0018_hold_log_reviews"), ("identities", "0009_refer_to_rows_whole")]

    operations = [
        migrations.RunSQL(WHOLE, TWICE),
        migrations.RunSQL(REFRESH.format(columns=ASKED_FOR), REFRESH.format(columns="")),
        migrations.AlterField(
            "reviewitem",
            "subject",
            models.ForeignKey(
                "identities.identity",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                db_constraint=False,
                db_index=False,
                related_name="+",
            ),
        ),
    ]
