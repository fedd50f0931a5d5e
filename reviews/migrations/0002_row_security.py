"""Row security of this room, what copies an item, and what is only ever added to."""

from django.db import migrations

from ledger.rowsecurity import APPEND, NarrowTable, ProtectTable

READ_CHANGE = "SELECT, INSERT, UPDATE"
LOOKED = "outcome, reason, seen_seconds, decided_at, decided_by"
SENT = "SELECT, INSERT, UPDATE (state, attempts, next_try_at, last_error, sent_at)"
PERSON = "identities_identity"
OF_ACCOUNT = ("account_id", "identities_account")
OF_CAMPAIGN = ("campaign_id", "reviews_campaign")
OF_DECISION = ("decision_id", "reviews_decision")
OF_ITEM = ("item_id", "reviews_reviewitem")
OF_PLAN = ("plan_id", "reviews_campaignplan")
OF_REMEDIATION = ("remediation_id", "reviews_remediation")
OF_REVIEW = ("review_id", "reviews_logreview")
OF_SNAPSHOT = ("snapshot_id", "identities_snapshot")
OF_SYSTEM = ("system_id", "identities_system")
REVIEWER = ("reviewer_id", PERSON)
REVIEWERS = (REVIEWER, ("second_id", PERSON))
SUBJECT = ("subject_id", PERSON)

CAMPAIGNS = [
    ProtectTable("reviews_campaignplan", app=READ_CHANGE, references=(("named_id", PERSON), ("fallback_id", PERSON))),
    ProtectTable("reviews_plansystem", app=APPEND, references=(OF_PLAN, OF_SYSTEM)),
    ProtectTable("reviews_planstage", app=APPEND, references=(OF_PLAN,)),
    ProtectTable("reviews_carerule", app=APPEND, references=(OF_PLAN,)),
    ProtectTable("reviews_campaign", app=READ_CHANGE, references=(OF_PLAN,)),
    ProtectTable("reviews_campaignmove", app=APPEND, references=(OF_CAMPAIGN,)),
    ProtectTable("reviews_campaignshare", references=(("content_object_id", "reviews_campaign"),)),
    ProtectTable("reviews_waiver", app=APPEND, references=(OF_CAMPAIGN, OF_SYSTEM)),
    NarrowTable("reviews_waiver", "campaign_id IN (SELECT id FROM reviews_campaign)"),
    ProtectTable("reviews_scopeline", references=(OF_CAMPAIGN, OF_SYSTEM, OF_SNAPSHOT)),
    ProtectTable("reviews_reviewitem", app=APPEND, references=(OF_CAMPAIGN, OF_SYSTEM, SUBJECT)),
    ProtectTable(
        "reviews_exclusion", app=APPEND, references=(OF_CAMPAIGN, ("row_id", "identities_snapshotrow"))
    ),
    ProtectTable("reviews_absentaccount", app=APPEND, references=(OF_CAMPAIGN, OF_SYSTEM, OF_SNAPSHOT, OF_ACCOUNT)),
    ProtectTable("reviews_assignment", app="SELECT, INSERT, UPDATE (until)", references=(REVIEWER,)),
    ProtectTable(
        "reviews_absence",
        app="SELECT, INSERT, UPDATE (ended_at, ended_by)",
        references=(REVIEWER, ("deputy_id", PERSON)),
    ),
    ProtectTable(
        "reviews_reviewnotice",
        app=SENT,
        references=(OF_CAMPAIGN, ("about_id", PERSON), ("recipient_id", PERSON)),
    ),
    ProtectTable("reviews_daymail", app=SENT, references=(("person_id", PERSON),)),
]
DECISIONS = [
    ProtectTable("reviews_decision", app=APPEND, references=(REVIEWER,)),
    ProtectTable("reviews_signingrule", app=APPEND),
    ProtectTable("reviews_signoff", app=APPEND, references=(OF_CAMPAIGN, REVIEWER)),
    ProtectTable(
        "reviews_silentitem",
        app="SELECT, INSERT, UPDATE (answer, reason, answerer_id, answered_at, answered_by)",
        references=(("confirmer_id", PERSON), ("answerer_id", PERSON), OF_DECISION),
    ),
    ProtectTable(
        "reviews_secondlook",
        app=f"SELECT, INSERT, UPDATE (second_id, {LOOKED})",
        references=(OF_DECISION, ("first_id", PERSON), ("second_id", PERSON)),
    ),
    ProtectTable(
        "reviews_controlitem",
        app=f"SELECT, INSERT, UPDATE ({LOOKED})",
        references=(OF_CAMPAIGN, REVIEWER, OF_SYSTEM),
    ),
    ProtectTable(
        "reviews_itemquestion",
        app=APPEND,
        references=(OF_CAMPAIGN, OF_ITEM, ("asker_id", PERSON), ("asked_id", PERSON)),
    ),
    ProtectTable(
        "reviews_itemanswer",
        app=APPEND,
        references=(("question_id", "reviews_itemquestion"), ("answerer_id", PERSON)),
    ),
    ProtectTable(
        "reviews_controlquestion",
        app=APPEND,
        references=(OF_CAMPAIGN, ("item_id", "reviews_controlitem"), ("asker_id", PERSON), ("asked_id", PERSON)),
    ),
    ProtectTable("reviews_controlanswer", app=APPEND, references=(("question_id", "reviews_controlquestion"),)),
    ProtectTable("reviews_dutyconflict", app="SELECT, INSERT, UPDATE (ended_at, ended_by, end_reason)"),
    ProtectTable(
        "reviews_dutyside",
        app=APPEND,
        references=(("conflict_id", "reviews_dutyconflict"), ("entitlement_id", "identities_entitlement")),
    ),
    ProtectTable("reviews_searchedlist", app=APPEND, references=(OF_SNAPSHOT,)),
    ProtectTable(
        "reviews_conflictcase",
        app=APPEND,
        references=(OF_CAMPAIGN, ("conflict_id", "reviews_dutyconflict"), SUBJECT),
    ),
    ProtectTable(
        "reviews_casegrant", app=APPEND, references=(OF_CAMPAIGN, ("case_id", "reviews_conflictcase"), OF_ITEM)
    ),
    ProtectTable(
        "reviews_conflictanswer", app=APPEND, references=(OF_CAMPAIGN, ("case_id", "reviews_conflictcase"), REVIEWER)
    ),
]
REMEDIES = [
    ProtectTable(
        "reviews_remediation",
        app=READ_CHANGE,
        references=(
            OF_CAMPAIGN,
            OF_DECISION,
            OF_ITEM,
            ("executor_id", PERSON),
            ("owner_id", PERSON),
            ("verified_snapshot_id", "identities_snapshot"),
        ),
    ),
    ProtectTable(
        "reviews_finding",
        app="SELECT, INSERT, UPDATE (resolved_at, resolved_by, resolution, retested_at)",
        references=(OF_CAMPAIGN, OF_ITEM, OF_SYSTEM, OF_ACCOUNT, SUBJECT),
    ),
    ProtectTable("reviews_riskproposal", app=APPEND, references=(OF_REMEDIATION,)),
    ProtectTable(
        "reviews_risksignature", app=APPEND, references=(OF_REMEDIATION, ("proposal_id", "reviews_riskproposal"))
    ),
    ProtectTable("reviews_ticketroute", app=APPEND),
    ProtectTable("reviews_ticket", app=SENT, references=(OF_REMEDIATION,)),
    ProtectTable("reviews_tickettry", app=APPEND, references=(("ticket_id", "reviews_ticket"),)),
]
LOG_REVIEWS = [
    ProtectTable("reviews_logschedule", app=READ_CHANGE, references=REVIEWERS),
    ProtectTable(
        "reviews_logreview", app=READ_CHANGE, references=(("schedule_id", "reviews_logschedule"), *REVIEWERS)
    ),
    ProtectTable(
        "reviews_logitem",
        app=APPEND,
        references=(("alert_id", "alerts_alert"), ("source_id", "logs_logsource"), SUBJECT),
    ),
    ProtectTable("reviews_disposition", app=APPEND, references=(REVIEWER,)),
    ProtectTable("reviews_logsignature", app=APPEND, references=(OF_REVIEW, REVIEWER)),
    ProtectTable(
        "reviews_followup",
        app="SELECT, INSERT, UPDATE (closed_at, closed_by, resolution)",
        references=(OF_REVIEW, ("disposition_id", "reviews_disposition")),
    ),
]

FACTS = "tenant_id, item_id, campaign_id, subject_key, privileged, advice"
ITEM_FACTS = "tenant_id, id, campaign_id, subject_key, privileged, advice"
# An item is held by one key to its row with all that the row says. Of 12.5 s that opening 100,000 grants took, most
# were keys checked row by row: a row's tenant is held by its campaign's key, and the snapshot, the account and the
# entitlement by the row of the snapshot that lists them together.
KEYS = f"""
ALTER TABLE reviews_reviewitem ADD CONSTRAINT item_is_a_grant_of_its_snapshot
    FOREIGN KEY (tenant_id, row_id, snapshot_id, account_id, entitlement_id)
    REFERENCES identities_snapshotrow (tenant_id, id, snapshot_id, account_id, entitlement_id)
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE reviews_decision ADD CONSTRAINT decision_copies_its_item
    FOREIGN KEY ({FACTS}) REFERENCES reviews_reviewitem ({ITEM_FACTS});
ALTER TABLE reviews_assignment ADD CONSTRAINT assignment_copies_its_item
    FOREIGN KEY ({FACTS}) REFERENCES reviews_reviewitem ({ITEM_FACTS});
ALTER TABLE reviews_silentitem ADD CONSTRAINT silence_copies_its_item
    FOREIGN KEY ({FACTS}) REFERENCES reviews_reviewitem ({ITEM_FACTS});
ALTER TABLE reviews_secondlook ADD CONSTRAINT second_look_copies_its_item
    FOREIGN KEY ({FACTS}) REFERENCES reviews_reviewitem ({ITEM_FACTS});
ALTER TABLE reviews_decision ADD CONSTRAINT decision_supersedes_one_of_its_item
    FOREIGN KEY (tenant_id, item_id, stage, supersedes_id) REFERENCES reviews_decision (tenant_id, item_id, stage, id);
ALTER TABLE reviews_campaign ADD CONSTRAINT reviews_campaign_follows_id_same_tenant
    FOREIGN KEY (tenant_id, follows_id) REFERENCES reviews_campaign (tenant_id, id);
ALTER TABLE reviews_scopeline ADD CONSTRAINT reviews_scopeline_waiver_id_same_tenant
    FOREIGN KEY (tenant_id, waiver_id) REFERENCES reviews_waiver (tenant_id, id);
"""
NO_KEYS = """
ALTER TABLE reviews_scopeline DROP CONSTRAINT reviews_scopeline_waiver_id_same_tenant;
ALTER TABLE reviews_campaign DROP CONSTRAINT reviews_campaign_follows_id_same_tenant;
ALTER TABLE reviews_decision DROP CONSTRAINT decision_supersedes_one_of_its_item;
ALTER TABLE reviews_secondlook DROP CONSTRAINT second_look_copies_its_item;
ALTER TABLE reviews_silentitem DROP CONSTRAINT silence_copies_its_item;
ALTER TABLE reviews_assignment DROP CONSTRAINT assignment_copies_its_item;
ALTER TABLE reviews_decision DROP CONSTRAINT decision_copies_its_item;
ALTER TABLE reviews_reviewitem DROP CONSTRAINT item_is_a_grant_of_its_snapshot;
"""

HEADS = """
CREATE VIEW reviews_head WITH (security_invoker = true) AS
    SELECT d.* FROM reviews_decision d
    WHERE NOT EXISTS (
        SELECT 1 FROM reviews_decision later WHERE later.tenant_id = d.tenant_id AND later.supersedes_id = d.id
    );
GRANT SELECT ON reviews_head TO countersign_app, countersign_readonly;
"""

APPEND_ONLY = (
    *("reviewitem", "exclusion", "campaignmove", "carerule", "waiver", "decision", "signingrule", "signoff"),
    *("itemquestion", "itemanswer", "controlquestion", "controlanswer"),
    *("dutyside", "conflictcase", "casegrant", "conflictanswer"),
    *("riskproposal", "risksignature", "ticketroute", "tickettry", "logitem", "disposition", "logsignature"),
)
STAYS = """
CREATE FUNCTION reviews_evidence_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is evidence: it is only ever added to.', TG_TABLE_NAME USING ERRCODE = 'UA006';
END $$;
""" + "".join(
    f"CREATE TRIGGER {trigger}_stays BEFORE UPDATE OR DELETE ON reviews_{table} "
    f"FOR EACH ROW EXECUTE FUNCTION reviews_evidence_stays();\n"
    f"CREATE TRIGGER {trigger}_is_not_emptied BEFORE TRUNCATE ON reviews_{table} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION reviews_evidence_stays();\n"
    for trigger, table in [*zip(APPEND_ONLY, APPEND_ONLY, strict=True), ("absent_account", "absentaccount")]
)


class Migration(migrations.Migration):
    replaces = [("reviews", "0002_hold_the_rules")]
    dependencies = [
        ("alerts", "0002_rules"),
        ("identities", "0002_rules"),
        ("logs", "0002_rules"),
        ("reviews", "0001_initial"),
        ("tenants", "0002_rules"),
    ]

    operations = [
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        *CAMPAIGNS,
        *DECISIONS,
        *REMEDIES,
        *LOG_REVIEWS,
        migrations.RunSQL(KEYS, NO_KEYS),
        migrations.RunSQL(HEADS, "DROP VIEW reviews_head"),
        migrations.RunSQL(STAYS, "DROP FUNCTION reviews_evidence_stays() CASCADE"),
    ]
