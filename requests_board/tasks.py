"""The worker's door: which job calls which action, and what comes round with the clock."""

from typing import Any

from audit.registry import job
from clockwork.periodic import every
from requests_board.actions import batch, dispatch, timers


@job(dispatch.JOB)
def dispatch_need(payload: dict[str, Any]) -> None:
    """Dispatch one need."""
    dispatch.run(payload["need"])


@job(timers.EXPIRE_JOB)
def expire_allocation(payload: dict[str, Any]) -> None:
    """Let one unanswered allocation go."""
    timers.expire_allocation(payload["pk"])


@job(timers.EVALUATE_JOB)
def auto_evaluate(payload: dict[str, Any]) -> None:
    """Close one delivered allocation that nobody evaluated."""
    timers.auto_evaluate(payload["pk"])


@job(timers.CLOSE_JOB)
def auto_close(payload: dict[str, Any]) -> None:
    """Close one resolved request that nobody answered."""
    timers.auto_close(payload["pk"])


@every("requests_board.due", seconds=20)
def write_due_jobs() -> None:
    """Look for what is due."""
    timers.write_due_jobs()


@job(batch.JOB)
def carry_out_batch(payload: dict[str, Any]) -> None:
    """Allot a district's whole backlog anew."""
    batch.carry_out(payload["run"])


@every("requests_board.batch", seconds=300)
def order_batches() -> None:
    """Order the runs whose time of day has come."""
    batch.order_due()
