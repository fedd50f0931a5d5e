"""Lets a plan name a group whose members review, each for their share."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0007_lists_and_person_changes'),
        ('reviews', '0015_quality'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaignplan',
            name='group',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name='campaignplan',
            name='group_name',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='basis',
            field=models.CharField(choices=[('manager', 'Manager of the person'), ('owner', 'Owner of the system'), ('named', 'Named for the campaign'), ('group', 'Member of the group'), ('client', 'Reviewer of the client'), ('fallback', 'Fallback of the campaign'), ('reassigned', 'Reassigned'), ('delegated', 'Handed on by the reviewer'), ('deputy', 'Deputy of an absent reviewer'), ('left', 'In place of a reviewer who left')], max_length=10),
        ),
        migrations.AlterField(
            model_name='campaignplan',
            name='strategy',
            field=models.CharField(choices=[('manager', "Each person's manager"), ('owner', 'Owner of the system'), ('named', 'One named reviewer'), ('group', 'Members of a group, each for their share'), ('client', "The client's own reviewer, for the people of its programme")], default='manager', max_length=8),
        ),
        migrations.AlterField(
            model_name='planstage',
            name='strategy',
            field=models.CharField(choices=[('manager', "Each person's manager"), ('owner', 'Owner of the system'), ('named', 'One named reviewer'), ('group', 'Members of a group, each for their share'), ('client', "The client's own reviewer, for the people of its programme")], max_length=8),
        ),
        migrations.AddConstraint(
            model_name='campaignplan',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('strategy', 'group'), _negated=True), models.Q(models.Q(('group', ''), _negated=True), models.Q(('group_name', ''), _negated=True)), _connector='OR'), name='plan_names_its_group'),
        ),
    ]
