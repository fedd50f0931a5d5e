"""What an auditor's engagement shows, in every room: a second, restrictive policy beside the tenant's (ADR 0506).

Auditors see the people of their engagement's campaigns and no incident packs, no roll-ups of use, lines as delivered,
searches or private questions: what their pages never read. What stays open to them is listed with its reason in
`tests/house_database.py`; a table that is new must be in one of both.

A subquery in a policy is planned with every statement on its table: 0.15 to 0.35 ms for everybody, measured. A function
in plpgsql is planned when it is called, which is for auditors alone; and the engagement is looked up once a statement
and not once a row (30 ns a row).
"""

from django.db import migrations

from ledger.rowsecurity import APP, INTAKE, READONLY, NarrowTable

# The engagement as it stands now: ended, it holds nothing.
IN_FORCE = """EXISTS (
    SELECT FROM tenants_engagement e WHERE e.id = app_engagement() AND e.accepted_at IS NOT NULL AND e.ended_at IS NULL
    AND statement_timestamp() >= e.starts_at AND statement_timestamp() < e.ends_at AND {})"""
WITHIN = "EXISTS (SELECT FROM {} x WHERE x.tenant_id = app_tenant() AND x.{} = wanted)"
# A pack carries names: a room with controlled columns opens none.
FUNCTIONS = {
    "engaged_at(moment timestamptz)": IN_FORCE.format("moment >= e.period_start AND moment < e.period_end"),
    # An incident pack names no framework, and the empty set is contained in every engagement's.
    "engaged_pack(type text, stands text, first timestamptz, last timestamptz, named jsonb)": IN_FORCE.format(
        "e.columns = 'full' AND type <> 'incident' AND stands = 'issued' AND first >= e.period_start "
        "AND last <= e.period_end AND named <> '[]' AND named <@ e.frameworks"
    ),
    "engaged_campaign(wanted bigint)": WITHIN.format("reviews_campaign", "id"),
    "engaged_question(wanted bigint)": WITHIN.format("reviews_itemquestion", "id"),
    "engaged_pack_of(wanted bigint)": WITHIN.format("evidence_evidencepack", "id"),
    "engaged_person(wanted bigint)": " OR ".join(
        WITHIN.format(table, column)
        for table, column in (
            ("reviews_reviewitem", "subject_id"),
            ("reviews_assignment", "reviewer_id"),
            ("reviews_decision", "reviewer_id"),
            ("reviews_signoff", "reviewer_id"),
        )
    ),
    "engaged_account(wanted bigint)": WITHIN.format("reviews_reviewitem", "account_id"),
}
CREATE = "".join(
    f"""
CREATE FUNCTION {signature} RETURNS boolean STABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
BEGIN
    RETURN {body};
END $$;
REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {signature} TO {APP}, {INTAKE}, {READONLY};"""
    for signature, body in FUNCTIONS.items()
)
DROP = "".join(f"DROP FUNCTION {signature};" for signature in FUNCTIONS)

BY_CAMPAIGN = (
    *("reviewitem", "decision", "signoff", "scopeline", "exclusion", "absentaccount", "assignment", "remediation"),
    *("secondlook", "controlitem", "conflictcase", "casegrant", "conflictanswer", "silentitem", "itemquestion"),
)
WITHIN_ENGAGEMENT = {
    "identities_identity": "engaged_person(id)",
    "identities_account": "engaged_account(id)",
    "reviews_campaign": "engaged_at(opened_at)",
    **{f"reviews_{name}": "engaged_campaign(campaign_id)" for name in (*BY_CAMPAIGN, "campaignmove")},
    "reviews_itemanswer": "engaged_question(question_id)",
    "evidence_evidencepack": "engaged_pack(kind, state, period_start, period_end, frameworks)",
    "evidence_packfile": "engaged_pack_of(pack_id)",
    "evidence_packsignoff": "engaged_pack_of(pack_id)",
    **dict.fromkeys(
        (
            *("identities_grant", "identities_snapshotrow", "identities_snapshotfile", "identities_peoplefeed"),
            *("identities_rosterfeed", "identities_rostershift", "identities_listmapping", "identities_personchange"),
            *("identities_directoryperson", "identities_directorygroup", "identities_directorymember"),
        ),
        "FALSE",
    ),
}
CLOSED = (
    *("logs_usageday", "logs_lastuse", "logs_delivery", "logs_quarantinedline", "logs_resolvedline"),
    *("logs_savedsearch", "logs_eventexport", "logs_superseded", "logs_rereading"),
    *("logs_sourcetoken", "logs_sourcecertificate", "logs_sourcerouting", "logs_mappingversion"),
    *("alerts_alertevent", "alerts_alertnotice", "alerts_alertsettings"),
    *("reviews_absence", "reviews_controlquestion", "reviews_controlanswer", "reviews_daymail", "reviews_reviewnotice"),
    "tenants_apitoken",
)
POLICY = "POLICY own_engagement_only ON"
NOBODY = "(SELECT app_engagement()) IS NULL"
NARROW = "".join(
    f"CREATE {POLICY} {table} AS RESTRICTIVE FOR SELECT USING ({NOBODY} OR {within});"
    for table, within in WITHIN_ENGAGEMENT.items()
) + "".join(f"CREATE {POLICY} {table} AS RESTRICTIVE FOR SELECT USING ({NOBODY});" for table in CLOSED)
WIDEN = "".join(f"DROP {POLICY} {table};" for table in (*WITHIN_ENGAGEMENT, *CLOSED))

# Pages that auditors do not have: closed from the beginning, by the operation of the lowest room.
NEVER_OPEN = (
    *("logs_accessevent", "alerts_alert", "alerts_incident", "alerts_incidententry"),
    *("evidence_controlresult", "evidence_kindresult", "evidence_document", "evidence_processingrecord"),
    *("evidence_controlresponse", "evidence_gapnote", "evidence_operatingreport"),
    *("reviews_finding", "reviews_logschedule", "reviews_logreview", "reviews_logitem", "reviews_disposition"),
    *("reviews_logsignature", "reviews_followup", "reviews_riskproposal", "reviews_risksignature"),
    *("reviews_ticketroute", "reviews_ticket", "reviews_tickettry"),
)
ROOM = ("population", "sample", "samplemark", "auditrequest", "requestentry")


class Migration(migrations.Migration):
    replaces = [("evidence", "0004_auditors_room"), ("evidence", "0011_narrow_people")]
    dependencies = [
        ("alerts", "0002_rules"),
        ("evidence", "0002_rules"),
        ("logs", "0004_erasure"),
        ("reviews", "0002_row_security"),
        ("tenants", "0002_rules"),
    ]

    operations = [
        migrations.RunSQL(CREATE, DROP),
        migrations.RunSQL(NARROW, WIDEN),
        *(NarrowTable(name, "FALSE") for name in NEVER_OPEN),
        *(NarrowTable(f"evidence_{name}", "engagement_id = app_engagement()", reads=False) for name in ROOM),
    ]
