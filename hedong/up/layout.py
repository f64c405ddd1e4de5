"""Where things lie: the code, the data, the virtual environment."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one running stack."""

    root: Path
    var: Path
    venv: Path

    @classmethod
    def from_environment(cls) -> "Layout":
        """Read `HEDONG_VAR` and `HEDONG_VENV`; without them everything lies beside the code."""
        var = Path(os.environ.get("HEDONG_VAR") or ROOT / "var").resolve()
        venv = Path(os.environ.get("HEDONG_VENV") or ROOT / ".venv").absolute()
        return cls(ROOT, var, venv)

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment."""
        return self.venv / "bin" / "python"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.var / "log"

    @property
    def secrets(self) -> Path:
        """Keys and passwords made at the first start; readable by the owner only."""
        return self.var / "secrets"

    @property
    def stack_file(self) -> Path:
        """The door for scripts."""
        return self.var / "stack.json"

    def make(self) -> None:
        """Create the folders; the secrets' one closed to everybody else."""
        self.var.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)

    def log(self, name: str) -> Path:
        """Return the log file of a process, moving one that has grown past 10 MiB aside."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > 10 * 2**20:
            path.replace(path.with_suffix(".log.1"))
        return path
