"""Adds thresholds for the pace between decisions, for what is kept together, and for the agreement with the advice.

Rules from before get the usual values, and count for campaigns that are made from now on; a campaign keeps what its
frozen definition says, which judges by none of them (`reviews.quality.UNTOLD`).
"""

from django.db import migrations, models

USUAL = {
    **{"gap_seconds": 5, "follows_percent": 95, "seldom_follows_percent": 25},
    **{"bulk_kept_percent": 90, "bulk_items": 50},
}
WITHIN = {
    **{"least_decisions": (5, 1000), "median_seconds": (1, 120), "gap_seconds": (0, 120), "kept_percent": (50, 100)},
    **{"follows_percent": (50, 100), "seldom_follows_percent": (0, 90), "bulk_kept_percent": (10, 100)},
    **{"bulk_items": (2, 1000), "privileged_seconds": (1, 300), "last_day_percent": (10, 100)},
    **{"second_percent": (0, 100), "control_items": (0, 20)},
}
RULE = "care_rule_is_within_its_limits"


def _within(names):
    """Returns the condition that these figures lie within their limits."""
    found = models.Q()
    for name in names:
        least, most = WITHIN[name]
        found &= models.Q(**{f"{name}__gte": least, f"{name}__lte": most})
    return found


class Migration(migrations.Migration):
    dependencies = [("reviews", "0007_log_reviews")]

    operations = [
        *(
            migrations.AddField("carerule", name, models.PositiveSmallIntegerField(default=value), preserve_default=False)
            for name, value in USUAL.items()
        ),
        migrations.RemoveConstraint("carerule", RULE),
        migrations.AddConstraint("carerule", models.CheckConstraint(condition=_within(WITHIN), name=RULE)),
    ]
