"""Boot worker and beat from the production lock alone, so that a package only the tests bring cannot be missed."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hedong.up import keys  # noqa: E402
from tests import servers  # noqa: E402

SECONDS = 60


def build(folder: Path) -> Path:
    """Make an environment of nothing but the production lock; return its programs' folder."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    lock = ROOT / "requirements" / "production.lock"
    install = [folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", lock]
    subprocess.run(install, check=True)
    return folder / "bin"


def environment(programs: Path, var: Path) -> dict[str, str]:
    """Return an environment on the throw-away servers, with keys made for this one run."""
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "hedong.settings.demo",
        # The database that every server has; nothing else lives on a throw-away one.
        "DATABASE_URL": os.environ["DATABASE_URL"].rpartition("/")[0] + "/postgres",
        "REDIS_URL": os.environ["REDIS_URL"],
        "HEDONG_VAR": str(var),
        "PYTHONUTF8": "1",
        **{name: make() for name, make in keys.KEYS.items()},
    }


def alive_and_ready(processes: dict[str, subprocess.Popen], logs: dict[str, Path]) -> bool:
    """Wait until the worker is ready and beat has started; False when one of them has fallen."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if any(process.poll() is not None for process in processes.values()):
            return False
        if "ready." in logs["worker"].read_text() and "beat" in logs["beat"].read_text():
            time.sleep(5)
            return all(process.poll() is None for process in processes.values())
        time.sleep(0.5)
    return False


def boot(folder: Path) -> bool:
    """Migrate, start both, look, and stop both."""
    env = environment(build(folder / "venv"), folder)
    subprocess.run(["python", "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    logs = {name: folder / f"{name}.log" for name in ("worker", "beat")}
    processes = {}
    for name, log in logs.items():
        command = ["celery", "-A", "hedong", name, "--loglevel", "INFO"]
        with log.open("w") as output:
            processes[name] = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        good = alive_and_ready(processes, logs)
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(timeout=60)
    if not good:
        print(*(log.read_text()[-3000:] for log in logs.values()), sep="\n")
    return good


def main() -> int:
    """Say whether the production lock is enough."""
    mine = servers.Servers()
    mine.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            good = boot(Path(folder))
    finally:
        mine.stop()
    print("只用生产依赖，后台任务和定时器都能启动。" if good else "只用生产依赖启动不了。")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
