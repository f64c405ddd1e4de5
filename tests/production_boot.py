"""Boot the containers' processes without containers: production lock alone, their environment, roles and secrets.

What the image would hold is laid out in a folder that nobody may write to, and the commands of docker-compose.yml run
in it without capabilities, so that a forgotten package, file, variable or right shows before anybody builds an image.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hedong.up import broker, postgres, processes  # noqa: E402
from tests import packaging, servers  # noqa: E402

SECONDS = 90
DOMAIN = "hedong.invalid"
# Without capabilities root, too, obeys the modes of files, as everybody does in the containers.
BARE = ("setpriv", "--bounding-set=-all", "--no-new-privs") if os.geteuid() == 0 else ()


@dataclass
class Machine:
    """One folder that stands for the image, its volumes and its secrets."""

    folder: Path
    servers: servers.Servers
    database_port: int = field(default_factory=postgres.free_port)
    broker_port: int = field(default_factory=postgres.free_port)
    web_port: int = field(default_factory=postgres.free_port)
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def secrets(self) -> Path:
        """Where the containers would find /run/secrets."""
        return self.folder / "secrets"

    def build(self) -> None:
        """Do what the Dockerfile does, and make the secrets by the very command of the README."""
        subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        options = ["-q", "--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"]
        lock = ROOT / "requirements" / "production.lock"
        subprocess.run([self.folder / "venv" / "bin" / "pip", "install", *options, "-r", lock], check=True)
        packaging.lay_out(self.folder / "app")
        make = [self.folder / "venv" / "bin" / "python", "hedong/up", "secrets", self.secrets]
        subprocess.run(make, cwd=self.folder / "app", check=True)
        subprocess.run(["chmod", "-R", "a-w", self.folder / "app"], check=True)
        (self.folder / "var").mkdir()

    def start_servers(self) -> None:
        """Start PostgreSQL with the roles of hedong/postgres.sql, and the broker by its own command."""
        password = (self.secrets / "postgres_super").read_text().strip()
        cluster = postgres.Cluster(
            self.folder / "postgres", password, options=servers.FAST, port=self.database_port, user="hedong_super"
        )
        cluster.ensure_data()
        self.servers.launch("postgres", cluster.command(), signal.SIGINT, cluster.who.user if cluster.who else None)
        cluster.wait_ready()
        roles = self.here((ROOT / "hedong" / "postgres.sql").read_text(encoding="utf8"))
        psql = [cluster.binaries.folder / "psql", "-q", "-v", "ON_ERROR_STOP=1", "--no-psqlrc", cluster.dsn()]
        subprocess.run(psql, input=roles, text=True, check=True)
        self.servers.launch("broker", self.broker_command(), signal.SIGTERM)

    def broker_command(self) -> list[str]:
        """Return the broker's command with this machine's folder, port and program."""
        *shell, script = packaging.compose()["services"]["broker"]["command"]
        (self.folder / "broker").mkdir()
        address = f"dir {self.folder / 'broker'}\nport {self.broker_port}\nbind 127.0.0.1"
        script = packaging.fill_in(script, {}).replace("dir /data", address)
        return [*shell, self.here(script).replace("valkey-server", str(broker.find()))]

    def here(self, text: str) -> str:
        """Turn the containers' paths into those of this folder."""
        places = {"/run/secrets": "secrets", "/var/lib/hedong": "var", "/venv": "venv"}
        for path, name in places.items():
            text = text.replace(path, str(self.folder / name))
        return text.replace("0.0.0.0:8000", f"127.0.0.1:{self.web_port}")

    def environment(self, service: str) -> dict[str, str]:
        """Return what the container would be given, with the addresses that .env may name."""
        given = {
            "DOMAIN": DOMAIN,
            "DATABASE_URL": f"postgres://hedong_app@127.0.0.1:{self.database_port}/hedong",
            "MIGRATE_DATABASE_URL": f"postgres://hedong_owner@127.0.0.1:{self.database_port}/hedong",
            "REDIS_URL": f"redis://127.0.0.1:{self.broker_port}/0",
        }
        found = {name: self.here(value) for name, value in packaging.environment(service, given).items()}
        return found | {"PATH": f"{self.folder / 'venv' / 'bin'}:{os.environ['PATH']}"}

    def start(self, service: str, command: list[str] | None = None) -> subprocess.Popen:
        """Start a container's command, or another one in its place."""
        with (self.folder / f"{service}.log").open("ab") as log:
            return subprocess.Popen(
                [*BARE, *(command or packaging.compose()["services"][service]["command"])],
                cwd=self.folder / "app",
                env=self.environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ask(self, path: str, **headers: str) -> int:
        """Return how the web answers to the proxy."""
        asked = {"Host": DOMAIN, "X-Forwarded-Proto": "https", **headers}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"http://127.0.0.1:{self.web_port}{path}", headers=asked), timeout=10
            ) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 599

    def boot(self) -> bool:
        """Prepare, start the four processes, and wait until pages are served and jobs are done."""
        if self.start("prepare").wait(120):
            return False
        for process in processes.PROCESSES:
            self.running[process.name] = self.start(process.name)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and all(one.poll() is None for one in self.running.values()):
            if self.ask("/healthz/jobs") == 200:
                return self.serves()
            time.sleep(0.5)
        return False

    def serves(self) -> bool:
        """Look at the pages as the proxy and the container's own health check do."""
        program, *rest = packaging.compose()["services"]["web"]["healthcheck"]["test"][1:]
        check = [program, *(word.replace("127.0.0.1:8000", f"127.0.0.1:{self.web_port}") for word in rest)]
        answers = {
            "health check": self.start("web", check).wait(30) == 0,
            "home page": self.ask("/") == 200,
            "static files": self.ask("/static/staticfiles.json") == 200,
            "foreign host refused": self.ask("/", Host="elsewhere.invalid") == 400,
        }
        for name, good in answers.items():
            print(f"{name}: {good}")
        return all(answers.values()) and all(one.poll() is None for one in self.running.values())

    def stop(self) -> None:
        """Stop the processes in the supervisor's order."""
        for name in sorted(self.running, key=processes.STOP_ORDER.index):
            self.running[name].terminate()
            self.running[name].wait(timeout=60)


def main() -> int:
    """Say whether the image would run."""
    mine = servers.Servers()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        machine = Machine(folder, mine)
        try:
            machine.build()
            machine.start_servers()
            good = machine.boot()
        finally:
            machine.stop()
            mine.stop()
        if not good:
            print(*(f"{log.name}\n{log.read_text()[-3000:]}" for log in folder.glob("*.log")), sep="\n")
    print("只用生产依赖，各个容器的命令都能启动。" if good else "只用生产依赖启动不了。")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
