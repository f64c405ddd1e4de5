"""Say how many lines of the rules and of what writes the suite has run, and fail where it is less than nine in ten.

Only what runs inside the suite's own process counts: what the real web, worker and beat do in the journeys is extra.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import CoverageException

ROOT = Path(__file__).resolve().parent.parent
LEAST = 90.0
GROUPS: dict[str, tuple[str, ...]] = {
    "actions": ("*/actions.py", "*/actions/*.py"),
    "workflow": ("*/workflow.py", "*/roles.py"),
    "permissions": ("*/permissions.py", "common/access.py"),
    "matching": ("*/matching/*.py",),
    "jobs": ("audit/jobs/*.py",),
}
Share = tuple[int, int]  # run, of how many


def files(patterns: Iterable[str]) -> list[Path]:
    """Return the files of a group; one that nothing has imported belongs to it all the same."""
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def measured(coverage: Coverage, path: Path) -> Share:
    """Return how many of a file's lines were run."""
    _, lines, _, missing, _ = coverage.analysis2(str(path))
    return len(lines) - len(missing), len(lines)


def percent(shares: Iterable[Share]) -> float:
    """Return the share of lines run over several files; nothing to run is no proof of anything."""
    run, lines = map(sum, zip(*shares, strict=True))
    return 100 * run / lines if lines else 0.0


def too_low(found: dict[str, dict[str, Share]]) -> list[str]:
    """Return the groups that are below the bar, or empty."""
    return [name for name, shares in found.items() if not shares or percent(shares.values()) < LEAST]


def main() -> int:
    """Print each file and each group."""
    coverage = Coverage(config_file=str(ROOT / "pyproject.toml"))
    try:
        coverage.load()
    except CoverageException as error:
        print(f"没有覆盖率数据，请先运行 make test：{error}")
        return 1
    found = {
        name: {str(path.relative_to(ROOT)): measured(coverage, path) for path in files(patterns)}
        for name, patterns in GROUPS.items()
    }
    for name, shares in found.items():
        print(f"{name:12} {percent(shares.values()):6.1f} %")
        for path, (run, lines) in shares.items():
            if run < lines:
                print(f"    {run:4}/{lines:<4} {path}")
    low = too_low(found)
    print(f"覆盖率不到 {LEAST:.0f}%：{'、'.join(low)}" if low else f"覆盖率都在 {LEAST:.0f}% 以上。")
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
