"""Jobs: write one with the change that asks for it, ring the worker, run it exactly once.

docs/jobs.md draws the states. Callers need only `enqueue`; the worker and the sweeper use the rest.
"""

from audit.jobs.outbox import enqueue

__all__ = ["enqueue"]
