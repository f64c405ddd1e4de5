from django.db import migrations, models

import dashboards.facts


class Migration(migrations.Migration):
    dependencies = [
        ("dashboards", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FactForm",
            fields=[
                ("code", models.SlugField(max_length=24, primary_key=True, serialize=False, verbose_name="编号")),
                ("title", models.CharField(max_length=40, unique=True, verbose_name="表名")),
                (
                    "each",
                    models.CharField(
                        choices=[
                            ("item", "每个数据项一行"),
                            ("street", "每个街道（镇）一行"),
                            ("community", "每个社区（村）一行"),
                            ("estate", "每个小区一行"),
                            ("grid", "每个网格一行"),
                            ("building", "每栋楼一行"),
                        ],
                        default="item",
                        max_length=12,
                        verbose_name="排法",
                    ),
                ),
                (
                    "items",
                    models.TextField(
                        help_text="每行一个，按表上的顺序。表头和数据项的名称不一样，就写成“户数｜居民户数”。",
                        max_length=3000,
                        validators=[dashboards.facts.check_items],
                        verbose_name="数据项",
                    ),
                ),
                ("active", models.BooleanField(default=True, verbose_name="启用")),
                ("sort_order", models.PositiveSmallIntegerField(default=0, verbose_name="顺序")),
            ],
            options={
                "verbose_name": "数据取用表",
                "verbose_name_plural": "数据取用表",
                "ordering": ("sort_order", "code"),
            },
        ),
    ]
