"""The worker's ear: how a worker waits for a broker that is away."""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

# Celery waits 2 s longer after each vain attempt, up to 30 s: after an outage of one minute the worker would stay
# deaf for another quarter of one. A connection refused costs nothing, so it knocks every few seconds instead.
LONGEST_PAUSE = 3.0


class PatientConsumer(Consumer):
    """Knocks at a missing broker's door every few seconds, for as long as it takes."""

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, with a short pause after each vain attempt."""
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=LONGEST_PAUSE)
        return super().ensure_connected(conn)
