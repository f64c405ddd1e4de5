"""Run the cases named on the command line, or all of them.

End with 1 when a bar is missed, and with 2 when something is wrong, so that its speed means nothing.
"""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import claims, dispatch, lists, tables, trees
from bench.arena import Arena
from bench.measure import ROUNDS, Figure

CASES = {
    "claims": claims.figures,
    "dispatch": dispatch.figures,
    "lists": lists.figures,
    "tables": tables.figures,
    "trees": trees.figures,
}
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> int:
    """Measure, print, write the file, judge."""
    unknown = set(names) - set(CASES)
    if unknown:
        print(f"没有这个测项：{'、'.join(sorted(unknown))}。可以用的有：{'、'.join(CASES)}")
        return 2
    began, found = time.monotonic(), []
    with Arena() as arena:
        for name in names or CASES:
            try:
                for figure in CASES[name](arena):
                    found.append(figure)
                    print(figure, flush=True)
            except AssertionError as wrong:
                print(f"WRONG {name}: {wrong}")
                return 2
        version = arena.binaries.version
    print(f"结果写在 {_write(found, version, time.monotonic() - began)}。")
    return verdict(found)


def verdict(found: list[Figure]) -> int:
    """Say which bars were missed; nothing measured is nothing reached."""
    missed = [figure.name for figure in found if not figure.holds]
    print(f"没有达到：{'；'.join(missed)}" if missed else "都达到了。")
    return 1 if missed or not found else 0


def _write(found: list[Figure], postgres: int, seconds: float) -> Path:
    machine = {
        "cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(),
        "postgres": postgres, "load": os.getloadavg(),
    }  # fmt: skip
    content: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(), "rounds": ROUNDS, "seconds": round(seconds, 1), "machine": machine,
        "figures": [figure.as_dict() for figure in found],
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{content['commit'] or content['at'][:10]}.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf8")
    return path


def _commit() -> str:
    """Return the commit that was measured, marked when files have changed since; nothing outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        said = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return said.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
