"""Auditors see no roll-ups of use, lines as delivered, searches or private questions: what their pages never read.

What stays open to them is listed with its reason in `tests/house_database.py`; a table that is new must be in one of both.
"""

from django.db import migrations

CLOSED = (
    *("logs_usageday", "logs_lastuse", "logs_delivery", "logs_quarantinedline", "logs_resolvedline"),
    *("logs_savedsearch", "logs_eventexport", "logs_superseded", "logs_rereading"),
    *("logs_sourcetoken", "logs_sourcecertificate", "logs_sourcerouting", "logs_mappingversion"),
    *("alerts_alertevent", "alerts_alertnotice", "alerts_alertsettings"),
    *("reviews_absence", "reviews_controlquestion", "reviews_controlanswer", "reviews_daymail", "reviews_reviewnotice"),
    "tenants_apitoken",
)
POLICY = "POLICY own_engagement_only ON"
FORWARD = "".join(
    f"CREATE {POLICY} {table} AS RESTRICTIVE FOR SELECT USING ((SELECT app_engagement()) IS NULL);" for table in CLOSED
)
FORWARD += (
    f"CREATE {POLICY} reviews_campaignmove AS RESTRICTIVE FOR SELECT "
    "USING ((SELECT app_engagement()) IS NULL OR engaged_campaign(campaign_id));"
)
BACKWARD = "".join(f"DROP {POLICY} {table};" for table in (*CLOSED, "reviews_campaignmove"))


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0003_incidents"),
        ("evidence", "0011_narrow_people"),
        ("logs", "0016_erasure"),
        ("reviews", "0019_open_in_less_time"),
        ("tenants", "0004_engagements"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
