"""Auditors see the people of their engagement's campaigns and no incident packs; nobody else pays for the narrowing.

A subquery in a policy is planned with every statement on its table: 0.15 to 0.35 ms for everybody, measured. A function
in plpgsql is planned when it is called, which is for auditors alone; and the engagement is looked up once a statement
and not once a row (30 ns a row).
"""

from django.db import migrations

from ledger.rowsecurity import APP, INTAKE, READONLY

NOBODY = "(SELECT app_engagement()) IS NULL"
BEFORE = "app_engagement() IS NULL"
IN_FORCE = """EXISTS (
    SELECT FROM tenants_engagement e WHERE e.id = app_engagement() AND e.accepted_at IS NOT NULL AND e.ended_at IS NULL
    AND statement_timestamp() >= e.starts_at AND statement_timestamp() < e.ends_at AND {})"""
WITHIN = "EXISTS (SELECT FROM {} x WHERE x.tenant_id = app_tenant() AND x.{} = wanted)"
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
PACK = IN_FORCE.format(
    "e.columns = 'full' AND evidence_evidencepack.state = 'issued' AND evidence_evidencepack.period_start >= e.period_start "
    "AND evidence_evidencepack.period_end <= e.period_end AND evidence_evidencepack.frameworks <@ e.frameworks"
)
CHANGED = {
    "reviews_campaign": (
        "engaged_at(opened_at)",
        IN_FORCE.format("reviews_campaign.opened_at >= e.period_start AND reviews_campaign.opened_at < e.period_end"),
    ),
    **{
        f"reviews_{name}": ("engaged_campaign(campaign_id)", "campaign_id IN (SELECT id FROM reviews_campaign)")
        for name in BY_CAMPAIGN
    },
    "reviews_itemanswer": (
        "engaged_question(question_id)",
        "question_id IN (SELECT id FROM reviews_itemquestion)",
    ),
    "evidence_evidencepack": ("engaged_pack(kind, state, period_start, period_end, frameworks)", PACK),
    "evidence_packfile": ("engaged_pack_of(pack_id)", "pack_id IN (SELECT id FROM evidence_evidencepack)"),
    "evidence_packsignoff": ("engaged_pack_of(pack_id)", "pack_id IN (SELECT id FROM evidence_evidencepack)"),
}
NARROWED = {
    "identities_identity": "engaged_person(id)",
    "identities_account": "engaged_account(id)",
    **dict.fromkeys(
        (
            *("identities_grant", "identities_snapshotrow", "identities_snapshotfile", "identities_peoplefeed"),
            *("identities_rosterfeed", "identities_rostershift", "identities_listmapping", "identities_personchange"),
            *("identities_directoryperson", "identities_directorygroup", "identities_directorymember"),
        ),
        "FALSE",
    ),
}
POLICY = "POLICY own_engagement_only ON"
FORWARD = "".join(f"ALTER {POLICY} {table} USING ({NOBODY} OR {new});" for table, (new, _old) in CHANGED.items()) + "".join(
    f"CREATE {POLICY} {table} AS RESTRICTIVE FOR SELECT USING ({NOBODY} OR {within});" for table, within in NARROWED.items()
)
BACKWARD = "".join(f"ALTER {POLICY} {table} USING ({BEFORE} OR {old});" for table, (_new, old) in CHANGED.items()) + "".join(
    f"DROP {POLICY} {table};" for table in NARROWED
)


class Migration(migrations.Migration):
    dependencies = [
        ("evidence", "0010_withdrawing"),
        ("identities", "0008_map_the_list_of_people"),
        ("reviews", "0016_reviewers_by_group"),
    ]

    operations = [migrations.RunSQL(CREATE, DROP), migrations.RunSQL(FORWARD, BACKWARD)]
