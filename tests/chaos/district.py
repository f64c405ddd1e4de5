"""A district to post to: prints what a client needs to ask the pool for something, as JSON."""

import json
from datetime import timedelta

import django

PASSWORD = "Chengguan-2026-ok"


def main() -> None:
    """Make the tests' town and pool, with room for everybody who asks."""
    from django.utils import timezone

    from partners.models import ResourceSlot
    from tests.people import make_town
    from tests.pool import make_pool

    pool = make_pool(make_town())
    ResourceSlot.objects.update(capacity=10_000)
    worker = pool.town.person("community_worker")
    worker.set_password(PASSWORD)
    worker.save()
    today = timezone.localdate()
    form = {
        "type": pool.type.pk,
        "quantity": 1,
        "first_day": f"{today:%Y-%m-%d}",
        "last_day": f"{today + timedelta(days=9):%Y-%m-%d}",
        "area": pool.town.community.name,
        "place": "党群服务中心",
        # Urgent: nobody waits for the seconds of undoing, the worker is rung at once.
        "urgent": "on",
    }
    print(json.dumps({"username": worker.username, "password": PASSWORD, "form": form}))


if __name__ == "__main__":
    django.setup()
    main()
