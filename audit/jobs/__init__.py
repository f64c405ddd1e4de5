"""Jobs: write one with the change that asks for it, ring the worker, run it exactly once.

docs/jobs.md draws the states. Callers need only `enqueue` and `enqueue_many`; the worker and the sweeper use the rest.
"""

from audit.jobs.outbox import enqueue, enqueue_many

__all__ = ["enqueue", "enqueue_many"]
