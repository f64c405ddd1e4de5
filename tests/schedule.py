"""Which parallel process runs which test."""

from xdist.scheduler import LoadScopeScheduling

# These use the running stack, or the browser. Each line of them is one process's, one after another, with a stack and a
# browser of its own: as many as the machine bears, and about as long as each other.
LINES = (
    ("tests/journeys/test_admin_pages.py", "tests/journeys/test_staff_pages.py"),
    ("tests/journeys/", "tests/public/test_browser.py"),
)
ONE_AFTER_ANOTHER = tuple(start for line in LINES for start in line)


class ByFile(LoadScopeScheduling):
    """Give a whole file to one process, so that what it prepares for all its tests is prepared once."""

    def _split_scope(self, nodeid: str) -> str:
        line = next((line for line in LINES if nodeid.startswith(line)), None)
        return line[0] if line else nodeid.partition("::")[0]
