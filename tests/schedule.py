"""Which parallel process runs which test."""

from xdist.scheduler import LoadScopeScheduling

# These use the running stack, or the browser: one process has both, so that there is one of each.
ONE_AFTER_ANOTHER = ("tests/journeys/", "tests/public/test_browser.py")


class ByFile(LoadScopeScheduling):
    """Give a whole file to one process, so that what it prepares for all its tests is prepared once."""

    def _split_scope(self, nodeid: str) -> str:
        return "one after another" if nodeid.startswith(ONE_AFTER_ANOTHER) else nodeid.partition("::")[0]
