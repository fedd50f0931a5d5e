from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("logs", "0002_protect")]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.RemoveConstraint("readposition", "read_position_is_one_a_file"),
        migrations.RemoveField("readposition", "inode"),
        migrations.AddField("readposition", "head", models.BinaryField(max_length=32), preserve_default=False),
        migrations.AddField(
            "readposition",
            "filtered",
            models.BigIntegerField(default=0, help_text="Lines about the shipping itself, which are left out."),
        ),
        migrations.AlterField(
            "readposition",
            "path",
            models.CharField(help_text="File name inside the source's directory, when it was last read.", max_length=255),
        ),
        migrations.AddConstraint(
            "readposition",
            models.UniqueConstraint(fields=("tenant", "source", "head"), name="read_position_is_one_a_file"),
        ),
    ]
