"""Lets the app role refresh the planner's statistics when a campaign opens (see identities 0004)."""

from django.db import migrations

ANALYZE = """
CREATE FUNCTION reviews_refresh_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    ANALYZE reviews_reviewitem;
    ANALYZE reviews_exclusion;
    ANALYZE reviews_assignment;
    ANALYZE reviews_decision;
END $$;
REVOKE ALL ON FUNCTION reviews_refresh_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reviews_refresh_statistics() TO countersign_app;
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0002_hold_the_rules"), ("identities", "0004_refresh_statistics")]

    operations = [migrations.RunSQL(ANALYZE, "DROP FUNCTION reviews_refresh_statistics()")]
