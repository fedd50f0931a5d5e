"""Approved places for remote access: added and ended by people, never changed; times are the database's own."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import APP, APPEND, NarrowTable, ProtectTable

RULES = f"""
-- A time of recording that somebody could choose would hide that an approval came afterwards.
CREATE POLICY places_are_set_now ON logs_approvedplace AS RESTRICTIVE FOR INSERT
    WITH CHECK (set_at = statement_timestamp() AND ended_at IS NULL);
CREATE POLICY places_are_ended_once ON logs_approvedplace AS RESTRICTIVE FOR UPDATE
    USING (ended_at IS NULL) WITH CHECK (ended_at = statement_timestamp());
GRANT UPDATE (ended_at, ended_by, end_reason) ON logs_approvedplace TO {APP};
"""
UNRULES = f"""
REVOKE UPDATE (ended_at, ended_by, end_reason) ON logs_approvedplace FROM {APP};
DROP POLICY places_are_ended_once ON logs_approvedplace;
DROP POLICY places_are_set_now ON logs_approvedplace;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0002_rules"),
        ("logs", "0005_session_index"),
        ("tenants", "0003_link_people_to_the_identity_provider"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApprovedPlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("network", models.CharField(blank=True, default="", max_length=43)),
                ("country", models.CharField(blank=True, default="", max_length=2)),
                ("approved_by", models.CharField(max_length=200)),
                ("approved_at", models.DateTimeField()),
                ("reason", models.TextField()),
                ("set_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("set_by", models.CharField(max_length=320)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(default="", max_length=320)),
                ("end_reason", models.TextField(default="")),
                (
                    "system",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="identities.system",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenants.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ("-set_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("tenant", "network", "country", "system"),
                        name="approved_place_is_approved_once_at_a_time",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("network", ""), models.Q(("country", ""), _negated=True)),
                            models.Q(models.Q(("network", ""), _negated=True), ("country", "")),
                            _connector="OR",
                        ),
                        name="approved_place_is_a_network_or_a_country",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("approved_by", ""), _negated=True), models.Q(("reason", ""), _negated=True)
                        ),
                        name="approved_place_says_who_approved_it_and_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("approved_at__lte", models.F("set_at"))),
                        name="approved_place_is_approved_before_it_is_recorded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("end_reason", ""), ("ended_at", None), ("ended_by", "")),
                            models.Q(
                                ("ended_at__gte", models.F("set_at")),
                                models.Q(("ended_by", ""), _negated=True),
                                models.Q(("end_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="approved_place_is_ended_by_somebody_who_says_why",
                    ),
                ],
            },
        ),
        ProtectTable("logs_approvedplace", app=APPEND, references=(("system_id", "identities_system"),)),
        NarrowTable("logs_approvedplace", "FALSE"),
        migrations.RunSQL(RULES, UNRULES),
    ]
