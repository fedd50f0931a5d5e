"""Holds what follows a review: risks that two people accept, tickets, questions, and no reviewer at two stages.

Parts of the functions of `0002_hold_the_rules` are swapped, so that the rest of their text stands in one place.
"""

import datetime
import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

import tenants.scope
from ledger.rowsecurity import APPEND, ProtectTable

LEVELS = [
    ("session", "Password again, after a log-in with a second factor"),
    ("code", "Password and a code of the authenticator app"),
    ("passkey", "Passkey over this very statement"),
]
REMEDIATION = "reviews_remediation_moves()"

RISK_FACTS = "tenant_id, remediation_id, asker_user, asker_key, subject_key, digest"
COPIED = f"""
ALTER TABLE reviews_risksignature ADD CONSTRAINT risk_signature_copies_its_proposal
    FOREIGN KEY (proposal_id, {RISK_FACTS}) REFERENCES reviews_riskproposal (id, {RISK_FACTS});
ALTER TABLE reviews_risksignature ADD CONSTRAINT risk_signature_rests_on_two_components
    CHECK (jsonb_array_length(methods) >= 2);
"""
# What the digests, the limit and the register say is checked here; that they are two people, by constraints. `asker_key`
# is looked up, so that nobody passes for a stranger to the register.
RISK = """
CREATE FUNCTION reviews_risk_person(who bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(min(i.id), 0) FROM identities_identity i WHERE i.tenant_id = app_tenant() AND i.user_id = who
$$;
CREATE FUNCTION reviews_risk_is_proposed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record; body jsonb; most int;
BEGIN
    SELECT m.state, i.subject_key, i.privileged, c.definition INTO r FROM reviews_remediation m
        JOIN reviews_reviewitem i ON i.tenant_id = m.tenant_id AND i.id = m.item_id
        JOIN reviews_campaign c ON c.tenant_id = m.tenant_id AND c.id = m.campaign_id
        WHERE m.tenant_id = NEW.tenant_id AND m.id = NEW.remediation_id;
    IF r.state IS NULL OR r.state NOT IN ('open', 'in_progress') OR r.subject_key <> NEW.subject_key THEN
        RAISE EXCEPTION 'The risk of this revocation cannot be accepted now.' USING ERRCODE = 'UA019';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.asked_at)) > 300 THEN
        RAISE EXCEPTION 'A proposal bears the time at which it is made.' USING ERRCODE = 'UA016';
    END IF;
    IF r.privileged THEN
        most := coalesce((r.definition ->> 'risk_days_privileged')::int, 30);
    ELSE
        most := coalesce((r.definition ->> 'risk_days')::int, 90);
    END IF;
    IF NEW.until > NEW.asked_at + make_interval(days => most) THEN
        RAISE EXCEPTION 'This risk is accepted for at most % days at a time.', most USING ERRCODE = 'UA019';
    END IF;
    IF reviews_risk_person(NEW.asker_user) <> NEW.asker_key OR NOT EXISTS (
        SELECT 1 FROM tenants_membership w WHERE w.tenant_id = NEW.tenant_id AND w.user_id = NEW.asker_user
    ) THEN
        RAISE EXCEPTION 'Who asks is not a person of this tenant.' USING ERRCODE = 'UA019';
    END IF;
    body := NEW.manifest::jsonb;
    IF encode(sha256(convert_to(NEW.manifest, 'UTF8')), 'hex') <> NEW.digest
        OR (body ->> 'remediation')::bigint IS DISTINCT FROM NEW.remediation_id
        OR (body ->> 'until')::timestamptz IS DISTINCT FROM NEW.until
        OR body ->> 'reason' IS DISTINCT FROM NEW.reason OR body ->> 'asked_by' IS DISTINCT FROM NEW.asked_by THEN
        RAISE EXCEPTION 'The statement does not say what is proposed.' USING ERRCODE = 'UA003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_is_proposed BEFORE INSERT ON reviews_riskproposal
    FOR EACH ROW EXECUTE FUNCTION reviews_risk_is_proposed();

CREATE FUNCTION reviews_risk_is_signed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE state text; ends timestamptz;
BEGIN
    SELECT m.state INTO state FROM reviews_remediation m
        WHERE m.tenant_id = NEW.tenant_id AND m.id = NEW.remediation_id FOR UPDATE;
    SELECT p.until INTO ends FROM reviews_riskproposal p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.proposal_id;
    IF state IS NULL OR state NOT IN ('open', 'in_progress') OR ends <= clock_timestamp() THEN
        RAISE EXCEPTION 'The risk of this revocation cannot be accepted now.' USING ERRCODE = 'UA019';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.signed_at)) > 300 THEN
        RAISE EXCEPTION 'A signature bears the time at which it is given.' USING ERRCODE = 'UA016';
    END IF;
    IF reviews_risk_person(NEW.signer_user) <> NEW.signer_key OR NOT EXISTS (
        SELECT 1 FROM tenants_membership w WHERE w.tenant_id = NEW.tenant_id AND w.user_id = NEW.signer_user
    ) THEN
        RAISE EXCEPTION 'Who signs is not a person of this tenant.' USING ERRCODE = 'UA019';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_is_signed BEFORE INSERT ON reviews_risksignature
    FOR EACH ROW EXECUTE FUNCTION reviews_risk_is_signed();
CREATE TRIGGER signature_proves_who_signs BEFORE INSERT ON reviews_risksignature
    FOR EACH ROW EXECUTE FUNCTION reviews_signature_proves_who_signs();
"""
NO_RISK = """
DROP TRIGGER signature_proves_who_signs ON reviews_risksignature;
DROP FUNCTION reviews_risk_is_signed() CASCADE;
DROP FUNCTION reviews_risk_is_proposed() CASCADE;
DROP FUNCTION reviews_risk_person(bigint);
"""
BEFORE_STATE = """    IF NEW.state = OLD.state AND NEW.verified_snapshot_id IS NOT DISTINCT FROM OLD.verified_snapshot_id THEN
"""
ACCEPTED = (
    """    IF NEW.state = 'risk_accepted' AND NOT EXISTS (
        SELECT 1 FROM reviews_risksignature g JOIN reviews_riskproposal p ON p.tenant_id = g.tenant_id
            AND p.id = g.proposal_id
        WHERE g.tenant_id = NEW.tenant_id AND g.remediation_id = NEW.id AND p.until >= NEW.accepted_until
            AND (OLD.state = 'risk_accepted' OR NEW.accepted_until > clock_timestamp())
    ) THEN
        RAISE EXCEPTION 'A risk is accepted by two people, and no longer than both signed.' USING ERRCODE = 'UA019';
    END IF;
"""
    + BEFORE_STATE
)

APPENDED = ("riskproposal", "risksignature", "ticketroute", "tickettry", "itemquestion", "itemanswer")
STAYS = "".join(
    f"CREATE TRIGGER {name}_stays BEFORE UPDATE OR DELETE ON reviews_{name} "
    f"FOR EACH ROW EXECUTE FUNCTION reviews_evidence_stays();\n"
    f"CREATE TRIGGER {name}_is_not_emptied BEFORE TRUNCATE ON reviews_{name} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION reviews_evidence_stays();\n"
    for name in APPENDED
)
NOT_STAYS = "".join(
    f"DROP TRIGGER {name}_stays ON reviews_{name}; DROP TRIGGER {name}_is_not_emptied ON reviews_{name};"
    for name in APPENDED
)


def swapped(function: str, old: str, new: str) -> migrations.RunSQL:
    """Returns the operation that swaps one part of a function, and refuses one that does not hold it."""
    return migrations.RunSQL(_swap(function, old, new), _swap(function, new, old))


def _swap(function: str, old: str, new: str) -> str:
    """Returns the statement of one swap."""
    return f"""
DO $swap$
DECLARE source text := pg_get_functiondef('{function}'::regprocedure);
BEGIN
    IF position($old${old}$old$ IN source) = 0 THEN
        RAISE EXCEPTION 'The function {function} is not the one that this migration knows.';
    END IF;
    EXECUTE replace(source, $old${old}$old$, $new${new}$new$);
END $swap$;
"""


def tenant() -> models.ForeignKey:
    """Returns the tenant's key of a table."""
    return models.ForeignKey(
        default=tenants.scope.current_tenant_id,
        editable=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="tenants.tenant",
    )


def number() -> models.BigAutoField:
    """Returns the id of a table."""
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def key(to: str, related_name: str = "+", *, one: bool = False, null: bool = False) -> models.ForeignKey:
    """Returns a key to a row that stays."""
    kind = models.OneToOneField if one else models.ForeignKey
    return kind(null=null, on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=to)


RISKS = [
    migrations.CreateModel(
        name="RiskProposal",
        fields=[
            ("id", number()),
            ("until", models.DateTimeField()),
            ("reason", models.CharField(max_length=300)),
            ("asked_at", models.DateTimeField()),
            ("asked_by", models.CharField(max_length=320)),
            ("asker_user", models.BigIntegerField()),
            ("asker_key", models.BigIntegerField(default=0)),
            ("subject_key", models.BigIntegerField()),
            ("manifest", models.TextField()),
            ("digest", models.CharField(max_length=64)),
            ("remediation", key("reviews.remediation", "proposals")),
            ("tenant", tenant()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=("tenant", "id", "remediation", "asker_user", "asker_key", "subject_key", "digest"),
                    name="risk_proposal_is_copied_whole",
                ),
                models.CheckConstraint(
                    condition=Q(("reason__length__gte", 10), ("until__gt", F("asked_at")))
                    & Q(("asked_by", ""), _negated=True),
                    name="risk_proposal_has_end_reason_and_person",
                ),
                models.CheckConstraint(
                    condition=Q(("asker_key", 0), Q(("asker_key", F("subject_key")), _negated=True), _connector="OR"),
                    name="nobody_asks_to_accept_their_own_risk",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="RiskSignature",
        fields=[
            ("id", number()),
            ("asker_user", models.BigIntegerField()),
            ("asker_key", models.BigIntegerField()),
            ("subject_key", models.BigIntegerField()),
            ("digest", models.CharField(max_length=64)),
            ("signer_user", models.BigIntegerField()),
            ("signer_key", models.BigIntegerField(default=0)),
            ("signed_by", models.CharField(max_length=320)),
            ("printed_name", models.CharField(max_length=200)),
            ("meaning", models.CharField(max_length=300)),
            ("level", models.CharField(choices=LEVELS, max_length=8)),
            ("methods", models.JSONField()),
            ("authentication", models.JSONField(default=dict)),
            ("authenticated_at", models.DateTimeField()),
            ("signed_at", models.DateTimeField()),
            ("proposal", key("reviews.riskproposal", "signature", one=True)),
            ("remediation", key("reviews.remediation", "risk_signatures")),
            ("tenant", tenant()),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=Q(("signer_user", F("asker_user")), _negated=True)
                    & Q(("signer_key", 0), Q(("signer_key", F("asker_key")), _negated=True), _connector="OR"),
                    name="risk_is_signed_by_a_second_person",
                ),
                models.CheckConstraint(
                    condition=Q(
                        ("signer_key", 0), Q(("signer_key", F("subject_key")), _negated=True), _connector="OR"
                    ),
                    name="nobody_signs_their_own_risk",
                ),
                models.CheckConstraint(
                    condition=Q(
                        Q(("signed_by", ""), _negated=True),
                        Q(("printed_name", ""), _negated=True),
                        Q(("meaning", ""), _negated=True),
                    ),
                    name="risk_signature_says_who_and_what",
                ),
                models.CheckConstraint(
                    condition=Q(
                        ("signed_at__gte", F("authenticated_at")),
                        ("signed_at__lte", F("authenticated_at") + datetime.timedelta(seconds=300)),
                    ),
                    name="risk_signature_follows_its_authentication",
                ),
            ],
        },
    ),
    ProtectTable("reviews_riskproposal", app=APPEND, references=(("remediation_id", "reviews_remediation"),)),
    ProtectTable(
        "reviews_risksignature",
        app=APPEND,
        references=(("remediation_id", "reviews_remediation"), ("proposal_id", "reviews_riskproposal")),
    ),
    migrations.RunSQL(
        COPIED,
        "ALTER TABLE reviews_risksignature DROP CONSTRAINT risk_signature_copies_its_proposal, "
        "DROP CONSTRAINT risk_signature_rests_on_two_components",
    ),
    migrations.RunSQL(RISK, NO_RISK),
    swapped(REMEDIATION, BEFORE_STATE, ACCEPTED),
]


NOTICE_STATES = [
    ("waiting", "Waiting"),
    ("failed", "Failed, tried again"),
    ("sent", "Sent"),
    ("given_up", "Given up"),
    ("dropped", "Not needed any more"),
]
EVENTS = [
    ("opened", "To be carried out"),
    ("overdue", "Late"),
    ("reopened", "Open again"),
    ("verified", "Verified"),
    ("given_up", "A ticket was given up"),
]
TICKETS = [
    migrations.CreateModel(
        name="TicketRoute",
        fields=[
            ("id", number()),
            ("mail", models.CharField(blank=True, max_length=254)),
            ("url", models.CharField(blank=True, max_length=500)),
            ("secret", models.TextField(blank=True)),
            ("since", models.DateTimeField()),
            ("set_at", models.DateTimeField()),
            ("set_by", models.CharField(max_length=320)),
            ("tenant", tenant()),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=Q(
                        ("url", ""),
                        Q(("url__regex", "^https?://"), Q(("secret", ""), _negated=True)),
                        _connector="OR",
                    ),
                    name="webhook_has_an_address_and_a_secret",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Ticket",
        fields=[
            ("id", number()),
            ("event", models.CharField(choices=EVENTS, max_length=8)),
            ("step", models.CharField(max_length=40)),
            ("way", models.CharField(choices=[("mail", "Mail"), ("webhook", "Webhook")], max_length=7)),
            ("address", models.CharField(blank=True, max_length=254)),
            ("message_id", models.UUIDField(default=uuid.uuid4)),
            ("body", models.TextField()),
            ("state", models.CharField(choices=NOTICE_STATES, default="waiting", max_length=8)),
            ("attempts", models.PositiveSmallIntegerField(default=0)),
            ("next_try_at", models.DateTimeField()),
            ("last_error", models.CharField(blank=True, max_length=500)),
            ("created_at", models.DateTimeField()),
            ("sent_at", models.DateTimeField(blank=True, null=True)),
            ("remediation", key("reviews.remediation", "tickets")),
            ("tenant", tenant()),
        ],
        options={
            "indexes": [
                models.Index(
                    condition=Q(("state__in", ["waiting", "failed"])),
                    fields=["tenant", "next_try_at"],
                    name="ticket_due",
                )
            ],
            "constraints": [
                models.UniqueConstraint(
                    fields=("tenant", "remediation", "step", "way", "address"), name="ticket_is_written_once"
                ),
                models.CheckConstraint(
                    condition=Q(
                        Q(("sent_at__isnull", False), ("state", "sent")),
                        Q(Q(("state", "sent"), _negated=True), ("sent_at__isnull", True)),
                        _connector="OR",
                    ),
                    name="ticket_sent_has_its_time",
                ),
                models.CheckConstraint(
                    condition=Q(
                        Q(("state__in", ["failed", "given_up"]), _negated=True),
                        Q(("last_error", ""), _negated=True),
                        _connector="OR",
                    ),
                    name="ticket_failure_says_why",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="TicketTry",
        fields=[
            ("id", number()),
            ("n", models.PositiveSmallIntegerField()),
            ("at", models.DateTimeField()),
            ("to", models.CharField(max_length=500)),
            ("ip", models.CharField(blank=True, max_length=45)),
            ("status", models.PositiveSmallIntegerField(null=True)),
            ("milliseconds", models.PositiveIntegerField()),
            ("error", models.CharField(blank=True, max_length=500)),
            ("ticket", key("reviews.ticket", "tries")),
            ("tenant", tenant()),
        ],
        options={"ordering": ["id"]},
    ),
    ProtectTable("reviews_ticketroute", app=APPEND),
    ProtectTable(
        "reviews_ticket",
        app="SELECT, INSERT, UPDATE (state, attempts, next_try_at, last_error, sent_at)",
        references=(("remediation_id", "reviews_remediation"),),
    ),
    ProtectTable("reviews_tickettry", app=APPEND, references=(("ticket_id", "reviews_ticket"),)),
]


ASKED = """
CREATE FUNCTION reviews_question_is_asked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE state text;
BEGIN
    SELECT c.state INTO state FROM reviews_campaign c WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.campaign_id
        FOR SHARE;
    IF state IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'Questions are asked only while the campaign is open.' USING ERRCODE = 'UA002';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM reviews_assignment a WHERE a.tenant_id = NEW.tenant_id AND a.item_id = NEW.item_id
            AND a.campaign_id = NEW.campaign_id AND a.reviewer_id = NEW.asker_id AND a.until IS NULL
    ) THEN
        RAISE EXCEPTION 'This item is put to another reviewer.' USING ERRCODE = 'UA009';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER question_is_asked BEFORE INSERT ON reviews_itemquestion
    FOR EACH ROW EXECUTE FUNCTION reviews_question_is_asked();
ALTER TABLE reviews_itemanswer ADD CONSTRAINT answer_is_of_whom_it_asked
    FOREIGN KEY (tenant_id, question_id, answerer_id) REFERENCES reviews_itemquestion (tenant_id, id, asked_id);
"""
NOT_ASKED = """
ALTER TABLE reviews_itemanswer DROP CONSTRAINT answer_is_of_whom_it_asked;
DROP FUNCTION reviews_question_is_asked() CASCADE;
"""
QUESTIONS = [
    migrations.CreateModel(
        name="ItemQuestion",
        fields=[
            ("id", number()),
            ("text", models.CharField(max_length=1000)),
            ("at", models.DateTimeField()),
            ("by", models.CharField(max_length=320)),
            ("asked", key("identities.identity")),
            ("asker", key("identities.identity")),
            ("campaign", key("reviews.campaign", "questions")),
            ("item", key("reviews.reviewitem", "questions")),
            ("tenant", tenant()),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(
                    fields=("tenant", "id", "asked"), name="question_is_answered_by_whom_it_asked"
                ),
                models.CheckConstraint(
                    condition=Q(("text__length__gte", 3), Q(("by", ""), _negated=True)),
                    name="question_has_words_and_a_person",
                ),
                models.CheckConstraint(
                    condition=Q(("asker", F("asked")), _negated=True), name="nobody_asks_themselves"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="ItemAnswer",
        fields=[
            ("id", number()),
            ("text", models.CharField(max_length=2000)),
            ("at", models.DateTimeField()),
            ("by", models.CharField(max_length=320)),
            ("answerer", key("identities.identity")),
            ("question", key("reviews.itemquestion", "answers")),
            ("tenant", tenant()),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=Q(("text__length__gte", 2), Q(("by", ""), _negated=True)),
                    name="reply_has_words_and_a_person",
                )
            ],
        },
    ),
    ProtectTable(
        "reviews_itemquestion",
        app=APPEND,
        references=(
            ("campaign_id", "reviews_campaign"),
            ("item_id", "reviews_reviewitem"),
            ("asker_id", "identities_identity"),
            ("asked_id", "identities_identity"),
        ),
    ),
    ProtectTable(
        "reviews_itemanswer",
        app=APPEND,
        references=(("question_id", "reviews_itemquestion"), ("answerer_id", "identities_identity")),
    ),
    migrations.RunSQL(ASKED, NOT_ASKED),
    migrations.AlterField(
        model_name="reviewnotice",
        name="kind",
        field=models.CharField(
            choices=[
                ("put", "Items were put to a reviewer"),
                ("reminder", "Reminder to a reviewer"),
                ("manager", "Escalation to the reviewer's manager"),
                ("owner", "Escalation to the owner of a system"),
                ("sign", "Reminder to sign"),
                ("answer", "Question to the owner about what nobody decided"),
                ("revoke", "Reminder of a late revocation"),
                ("question", "Question of a reviewer"),
                ("answered", "Answer to a reviewer's question"),
            ],
            max_length=8,
        ),
    ),
    migrations.AlterField(
        model_name="campaignplan",
        name="trigger",
        field=models.CharField(
            blank=True,
            choices=[
                ("", "Nothing: it is opened by hand or by the calendar"),
                ("new_privileged", "A new privileged grant"),
                ("leaver", "A leaver with active access"),
                ("used_after", "Use after a revocation"),
                ("dormant", "Privileged access that is not used"),
                ("moved", "A person who moved, by the list of people"),
            ],
            default="",
            max_length=14,
        ),
    ),
]
# The stages of one round share plan and occurrence. Only rows of later stages are looked at.
STAGES = """
CREATE FUNCTION reviews_nobody_decides_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh f
            JOIN reviews_campaign c ON c.tenant_id = f.tenant_id AND c.id = f.campaign_id AND c.stage > 1
            JOIN reviews_campaign e ON e.tenant_id = c.tenant_id AND e.plan_id = c.plan_id
                AND e.occurrence_at = c.occurrence_at AND e.stage < c.stage AND e.state <> 'cancelled'
            JOIN reviews_reviewitem i ON i.tenant_id = f.tenant_id AND i.id = f.item_id
            JOIN reviews_reviewitem p ON p.tenant_id = e.tenant_id AND p.campaign_id = e.id AND p.row_id = i.row_id
            JOIN reviews_head h ON h.tenant_id = p.tenant_id AND h.item_id = p.id AND h.reviewer_id = f.reviewer_id
    ) THEN
        RAISE EXCEPTION 'Nobody decides the same grant at two stages. Name another reviewer.' USING ERRCODE = 'UA020';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER nobody_decides_twice AFTER INSERT ON reviews_assignment
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_nobody_decides_twice();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0007_lists_and_person_changes"),
        ("reviews", "0013_log_reviews"),
        ("tenants", "0003_name_each_tenant_with_its_parent"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        *RISKS,
        *TICKETS,
        *QUESTIONS,
        migrations.RunSQL(STAGES, "DROP FUNCTION reviews_nobody_decides_twice() CASCADE"),
        migrations.RunSQL(STAYS, NOT_STAYS),
    ]
