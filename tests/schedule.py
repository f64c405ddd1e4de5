"""Which parallel process runs which test."""

from xdist.scheduler import LoadScopeScheduling

# These start processes of their own, or keep both cores busy by themselves: never two of them at a time.
ONE_AFTER_ANOTHER = ("tests/journeys/", "tests/public/test_browser.py", "tests/chaos/", "tests/up/")


class ByFile(LoadScopeScheduling):
    """Give a whole file to one process, so that what it prepares for all its tests is prepared once."""

    def _split_scope(self, nodeid: str) -> str:
        return "one after another" if nodeid.startswith(ONE_AFTER_ANOTHER) else nodeid.partition("::")[0]
