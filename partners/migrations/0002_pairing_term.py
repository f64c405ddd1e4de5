"""A department and a community are paired once at a time; of two that overlap, the earlier ends before the later."""

import django.contrib.postgres.constraints
from django.db import migrations, models

IN_ORDER = "UPDATE partners_pairing SET valid_to = valid_from WHERE valid_to < valid_from"
ONE_AFTER_ANOTHER = """
UPDATE partners_pairing AS pairing SET valid_to = following.starts - 1
FROM (
    SELECT id, lead(valid_from) OVER (PARTITION BY department_id, community_id ORDER BY valid_from) AS starts
    FROM partners_pairing
) AS following
WHERE following.id = pairing.id AND (pairing.valid_to IS NULL OR pairing.valid_to >= following.starts)
    AND following.starts IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("grids", "0002_rights"),
        ("partners", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL([IN_ORDER, ONE_AFTER_ANOTHER], migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="pairing", name="pairing_once"),
        migrations.AddConstraint(
            model_name="pairing",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                name="pairing_once_at_a_time",
                expressions=[
                    ("department", "="),
                    ("community", "="),
                    (
                        models.Func(
                            models.F("valid_from"), models.F("valid_to"), models.Value("[]"), function="daterange"
                        ),
                        "&&",
                    ),
                ],
                violation_error_message="这个部门和这个社区在这段时间已经结了对。要改日期，请打开原来那一条。",
            ),
        ),
    ]
