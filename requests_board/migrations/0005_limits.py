from django.db import migrations


def move(apps, schema_editor):
    """Let the limits of the public doors stand with the others, as the district has set them."""
    limit = apps.get_model("accounts", "RateLimit")
    for row in apps.get_model("requests_board", "PublicLimit").objects.all():
        limit.objects.get_or_create(
            code=row.code, defaults={"name": row.name, "amount": row.amount, "seconds": row.seconds}
        )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_words'),
        ('requests_board', '0004_batch'),
    ]

    operations = [
        migrations.RunPython(move, migrations.RunPython.noop),
        migrations.DeleteModel(name='PublicHit'),
        migrations.DeleteModel(name='PublicLimit'),
    ]
