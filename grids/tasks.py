"""What the worker does for places."""

from clockwork.periodic import every
from grids import trees
from grids.actions import grants


@every("grids.check_tree", seconds=24 * 3600)
def check_tree() -> None:
    """Compare both trees with their parent keys every night and report damage."""
    trees.report()


@every("grids.expire_grants", seconds=300)
def expire_grants() -> None:
    """Remove the grants and exceptions that have run out; they have given nothing since."""
    grants.expire_grants()
