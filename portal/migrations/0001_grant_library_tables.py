from django.db import migrations

from ledger.rowsecurity import GrantTable


class Migration(migrations.Migration):
    """The tables of the libraries belong to no tenant; the app role works with them as the libraries expect."""

    initial = True
    dependencies = [
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
        ("sessions", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("usersessions", "0001_initial"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("tenants", "0002_protect"),
    ]

    operations = [
        GrantTable("django_q_ormq"),
        GrantTable("django_q_schedule"),
        GrantTable("django_q_task"),
        GrantTable("django_session"),
        GrantTable("account_emailaddress"),
        GrantTable("account_emailconfirmation"),
        GrantTable("mfa_authenticator"),
        GrantTable("usersessions_usersession"),
        GrantTable("guardian_userobjectpermission", app="SELECT"),
        GrantTable("guardian_groupobjectpermission", app="SELECT"),
        GrantTable("auth_group", app="SELECT"),
        GrantTable("auth_permission", app="SELECT"),
        GrantTable("auth_group_permissions", app="SELECT"),
        GrantTable("django_content_type", app="SELECT", intake="SELECT"),
        GrantTable("django_migrations", app="SELECT", intake="SELECT"),
    ]
