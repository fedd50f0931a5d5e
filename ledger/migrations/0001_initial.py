"""The tables of the ledger; what holds them is in `0002_rules`."""

from django.db import migrations, models

from ledger.creation import CreateModels


class Migration(migrations.Migration):
    initial = True
    replaces = [("ledger", "0001_logs_heads_and_tiles"), ("ledger", "0004_keep_what_holders_answer")]
    dependencies = [
    ]

    operations = [
        CreateModels(
            migrations.CreateModel(
                name='Log',
                fields=[
                    ('pk', models.CompositePrimaryKey('log_id', 'epoch', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('log_id', models.UUIDField()),
                    ('epoch', models.IntegerField(default=1)),
                    ('origin', models.CharField(max_length=250, unique=True)),
                    ('opened_at', models.DateTimeField()),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('epoch__gte', 1)), name='log_epochs_count_from_one')],
                },
            ),
            migrations.CreateModel(
                name='Head',
                fields=[
                    ('pk', models.CompositePrimaryKey('log_id', 'epoch', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('log_id', models.UUIDField()),
                    ('epoch', models.IntegerField(default=1)),
                    ('size', models.BigIntegerField(default=0)),
                    ('root', models.BinaryField()),
                    ('closed', models.BooleanField(default=False)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('size__gte', 0)), name='head_size_is_not_negative')],
                },
            ),
            migrations.CreateModel(
                name='Batch',
                fields=[
                    ('pk', models.CompositePrimaryKey('log_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('log_id', models.UUIDField()),
                    ('id', models.UUIDField()),
                    ('epoch', models.IntegerField()),
                    ('first_index', models.BigIntegerField()),
                    ('n', models.IntegerField()),
                    ('received_at', models.DateTimeField()),
                    ('body_sha256', models.BinaryField(null=True)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('log_id', 'epoch', 'first_index'), name='batch_starts_where_no_other_does'),
                        models.CheckConstraint(condition=models.Q(('first_index__gte', 0), ('n__gte', 1)), name='batch_has_leaves'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Tile',
                fields=[
                    ('pk', models.CompositePrimaryKey('log_id', 'epoch', 'level', 'n', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('log_id', models.UUIDField()),
                    ('epoch', models.IntegerField()),
                    ('level', models.SmallIntegerField()),
                    ('n', models.BigIntegerField()),
                    ('hashes', models.BinaryField()),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('level__gte', 0), ('n__gte', 0)), name='tile_has_a_place')],
                },
            ),
            migrations.CreateModel(
                name='PartialTile',
                fields=[
                    ('pk', models.CompositePrimaryKey('log_id', 'epoch', 'level', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('log_id', models.UUIDField()),
                    ('epoch', models.IntegerField()),
                    ('level', models.SmallIntegerField()),
                    ('n', models.BigIntegerField()),
                    ('hashes', models.BinaryField()),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('level__gte', 0), ('n__gte', 0)), name='partial_tile_has_a_place')],
                },
            ),
            migrations.CreateModel(
                name='Checkpoint',
                fields=[
                    ('pk', models.CompositePrimaryKey('log_id', 'epoch', 'size', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('log_id', models.UUIDField()),
                    ('epoch', models.IntegerField()),
                    ('size', models.BigIntegerField()),
                    ('root', models.BinaryField()),
                    ('note', models.TextField()),
                    ('vkey', models.CharField(max_length=400)),
                    ('signed_at', models.DateTimeField()),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('size__gte', 0)), name='checkpoint_size_is_not_negative')],
                },
            ),
            migrations.CreateModel(
                name='Refusal',
                fields=[
                    ('id', models.BigAutoField(primary_key=True, serialize=False)),
                    ('log_id', models.UUIDField()),
                    ('epoch', models.IntegerField()),
                    ('size', models.BigIntegerField()),
                    ('root', models.BinaryField()),
                    ('reason', models.TextField()),
                    ('refused_at', models.DateTimeField()),
                ],
                options={
                    'indexes': [models.Index(fields=['log_id', '-refused_at'], name='refusal_newest_first')],
                },
            ),
            migrations.CreateModel(
                name='Anchor',
                fields=[
                    ('id', models.BigAutoField(primary_key=True, serialize=False)),
                    ('log_id', models.UUIDField()),
                    ('epoch', models.IntegerField()),
                    ('size', models.BigIntegerField()),
                    ('kind', models.CharField(max_length=10)),
                    ('place', models.TextField()),
                    ('holder', models.TextField(default='')),
                    ('answer', models.BinaryField(default=b'')),
                    ('key', models.TextField(default='')),
                    ('stated_at', models.DateTimeField(null=True)),
                    ('anchored_at', models.DateTimeField()),
                ],
                options={
                    'indexes': [models.Index(fields=['log_id', '-anchored_at'], name='anchor_newest_first')],
                },
            ),
        ),
    ]
