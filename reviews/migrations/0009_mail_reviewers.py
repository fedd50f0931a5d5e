"""Keeps the mails of campaigns, each written once."""

import django.db.models.deletion
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import ProtectTable


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0005_rosters'),
        ('reviews', '0008_hand_items_on'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='ReviewNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('put', 'Items were put to a reviewer'), ('reminder', 'Reminder to a reviewer'), ('manager', "Escalation to the reviewer's manager"), ('owner', 'Escalation to the owner of a system'), ('sign', 'Reminder to sign'), ('answer', 'Question to the owner about what nobody decided'), ('revoke', 'Reminder of a late revocation')], max_length=8)),
                ('step', models.CharField(max_length=40)),
                ('due_at', models.DateTimeField()),
                ('address', models.CharField(blank=True, max_length=254)),
                ('covers', models.JSONField(default=list)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('failed', 'Failed, tried again'), ('sent', 'Sent'), ('given_up', 'Given up'), ('dropped', 'Not needed any more')], default='waiting', max_length=8)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_try_at', models.DateTimeField()),
                ('last_error', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('about', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='reviews.campaign')),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['waiting', 'failed'])), fields=['tenant', 'next_try_at'], name='review_notice_due')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'campaign', 'kind', 'step', 'due_at', 'about', 'recipient'), name='notice_is_written_once'), models.CheckConstraint(condition=models.Q(models.Q(('sent_at__isnull', False), ('state', 'sent')), models.Q(models.Q(('state', 'sent'), _negated=True), ('sent_at__isnull', True)), _connector='OR'), name='review_notice_sent_has_its_time'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['failed', 'given_up']), _negated=True), models.Q(('last_error', ''), _negated=True), _connector='OR'), name='review_notice_failure_says_why')],
            },
        ),
        ProtectTable(
            "reviews_reviewnotice",
            app="SELECT, INSERT, UPDATE (state, attempts, next_try_at, last_error, sent_at)",
            references=(
                ("campaign_id", "reviews_campaign"),
                ("about_id", "identities_identity"),
                ("recipient_id", "identities_identity"),
            ),
        ),
    ]
