"""What the worker does for places."""

from clockwork.periodic import every
from grids import trees


@every("grids.check_tree", seconds=24 * 3600)
def check_tree() -> None:
    """Compare both trees with their parent keys every night and report damage."""
    trees.report()
