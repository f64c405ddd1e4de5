"""The containers are given what the code asks for, run what everybody runs, and hold no secret."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from django.core.exceptions import ImproperlyConfigured

from common import pictures
from hedong.settings import strength
from hedong.settings import test as test_settings
from hedong.up import broker, database, keys, processes
from tests import packaging

ROOT = packaging.ROOT
OURS = ("prepare", "web", "worker", "beat", "sweeper")
SETTINGS = [ROOT / "hedong" / "settings" / f"{name}.py" for name in ("base", "production")]
READ = re.compile(r'env\.(text|secret|words|integer|boolean|address)\(\s*"(\w+)"(,?)')
SECRET_NAMES = re.compile(r"(KEY|KEYS|PASSWORD)$")


def readers() -> list[tuple[str, str, bool]]:
    """Return how the settings read each variable, its name, and whether there is a default."""
    found = [READ.findall(path.read_text(encoding="utf8")) for path in SETTINGS]
    return [(how, name, bool(comma) or how == "words") for reads in found for how, name, comma in reads]


def example() -> dict[str, bool]:
    """Return the variables of .env.example, and whether each must be filled in."""
    lines = re.findall(r"^(#?)([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf8"), re.MULTILINE)
    return {name: not sign for sign, name in lines}


class TestCommands:
    def test_are_those_of_the_table(self):
        table = {process.name: process.command for process in processes.PROCESSES} | {"prepare": processes.PREPARE}
        services = packaging.compose()["services"]
        assert {name: tuple(services[name]["command"]) for name in table} == table
        assert set(table) == set(OURS) == {name for name, one in services.items() if "build" in one}

    def test_nobody_starts_before_the_tables_stand(self):
        services = packaging.compose()["services"]
        for name in set(OURS) - {"prepare"}:
            assert services[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}, name

    def test_image_is_of_this_version(self):
        version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]["version"]
        assert {packaging.compose()["services"][name]["image"] for name in OURS} == {f"hedong:{version}"}
        assert f" hedong:{version} python hedong/up secrets " in (ROOT / "README.md").read_text(encoding="utf8")


class TestVariables:
    @pytest.mark.parametrize("service", OURS)
    def test_what_has_no_default_is_given(self, service):
        given = packaging.environment(service, {"DOMAIN": "hedong.invalid"})
        needed = {(how, name) for how, name, default in readers() if not default}
        assert ("secret", "SECRET_KEY") in needed
        for how, name in needed:
            assert name in given or (how == "secret" and f"{name}_FILE" in given), name

    def test_domain_is_asked_for(self):
        with pytest.raises(LookupError, match="DOMAIN"):
            packaging.environment("web", {})

    def test_example_and_description_name_the_same(self):
        assert set(example()) == set(packaging.variables())
        assert [name for name, needed in example().items() if needed] == ["DOMAIN"]

    def test_what_is_handed_on_is_read(self):
        code = "".join(path.read_text(encoding="utf8") for path in (*SETTINGS, ROOT / "hedong" / "gunicorn.py"))
        code += (ROOT / "hedong" / "management" / "commands" / "prepare.py").read_text(encoding="utf8")
        completed = {"DATABASE_PASSWORD", "REDIS_PASSWORD"}  # by env.address
        for service in OURS:
            for name in packaging.compose()["services"][service]["environment"]:
                assert f'"{name.removesuffix("_FILE")}"' in code or name.removesuffix("_FILE") in completed, name

    def test_roles_are_those_of_the_code(self):
        given = {name: packaging.environment(name, {"DOMAIN": "hedong.invalid"}) for name in OURS}
        served, owned = (f"postgres://{role}@postgres:5432/{database.NAME}" for role in (database.APP, database.OWNER))
        assert {one["DATABASE_URL"] for name, one in given.items() if name != "prepare"} == {served}
        assert given["prepare"]["DATABASE_URL"] == owned
        assert given["prepare"]["APP_DATABASE_URL"] == served
        made = (ROOT / "hedong" / "postgres.sql").read_text(encoding="utf8")
        assert re.findall(r"CREATE ROLE (\w+) LOGIN NOSUPERUSER", made) == [database.OWNER, database.APP]
        assert f"CREATE DATABASE {database.NAME} OWNER {database.OWNER};" in made


class TestSecrets:
    def test_every_file_is_mounted(self):
        described = packaging.compose()
        for name, service in described["services"].items():
            stated = yaml.safe_dump([service.get(part) for part in ("environment", "command", "healthcheck")])
            used = set(re.findall(r"/run/secrets/(\w+)", stated))
            if name == "postgres":
                used |= set(re.findall(r"/run/secrets/(\w+)", (ROOT / "hedong" / "postgres.sql").read_text()))
            assert used == set(service.get("secrets", [])), name
            assert used <= set(described["secrets"]), name

    def test_only_prepare_and_the_server_know_the_owner(self):
        services = packaging.compose()["services"]
        assert {name for name, one in services.items() if "postgres_owner" in one.get("secrets", [])} == {
            "postgres",
            "prepare",
        }

    def test_no_secret_is_written_down(self):
        for name, service in packaging.compose()["services"].items():
            for variable, value in service.get("environment", {}).items():
                assert not SECRET_NAMES.search(variable), (name, variable)
                assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), (name, variable)

    def test_the_command_makes_every_file(self, tmp_path):
        folder = tmp_path / "secrets"
        make = [sys.executable, "hedong/up", "secrets", str(folder)]
        subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
        files = {path.name: path.read_text(encoding="utf8") for path in folder.iterdir() if path.is_file()}
        mounted = {one["file"] for one in packaging.compose()["secrets"].values()}
        assert mounted == {f"./secrets/{name}" for name in files}
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir() if path.is_file()} == {0o444}
        subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
        assert files == {path.name: path.read_text(encoding="utf8") for path in folder.iterdir() if path.is_file()}

    def test_what_is_made_is_strong(self):
        for _ in range(50):
            refuse({name: make() for name, make in keys.KEYS.items()})
            strength.password("DATABASE_URL", keys._password(), database.APP)


def refuse(given: dict[str, str]) -> None:
    """Judge secrets as the production settings do."""
    strength.text("SECRET_KEY", given["SECRET_KEY"])
    strength.ring("FIELD_KEYS", given["FIELD_KEYS"])
    strength.key("BLIND_INDEX_KEY", given["BLIND_INDEX_KEY"])
    strength.key("LINK_KEY", given["LINK_KEY"])


class TestImage:
    def test_holds_every_package(self):
        roots = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["tool"]["importlinter"]
        brought = {path.relative_to(ROOT).as_posix() for path in packaging.context()}
        assert set(roots["root_packages"]) | {"manage.py", "templates", "static"} <= brought
        assert "COPY . .\n" in (ROOT / "Dockerfile").read_text(encoding="utf8")

    def test_holds_nothing_private(self):
        brought = {path.relative_to(ROOT).as_posix() for path in packaging.context()}
        assert not brought & {"var", "secrets", ".env", ".git", "tests"}
        assert all(path.exists() for path in packaging.context())

    def test_runs_production_settings_as_nobody(self):
        lines = (ROOT / "Dockerfile").read_text(encoding="utf8").splitlines()
        assert packaging.image_environment()["DJANGO_SETTINGS_MODULE"] == "hedong.settings.production"
        assert lines[-1] == "USER hedong"
        assert "--require-hashes" in "".join(lines)


class TestBroker:
    def test_keeps_the_promises_of_our_own(self, tmp_path):
        broker.Broker(tmp_path, "x", port=1)
        ours = set((tmp_path / "valkey.conf").read_text(encoding="utf8").splitlines())
        script = packaging.compose()["services"]["broker"]["command"][-1]
        for line in ("appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction", 'save ""'):
            assert line in script.splitlines(), line
            assert line in ours, line


class TestProxy:
    CONF = (ROOT / "hedong" / "nginx.conf").read_text(encoding="utf8")

    def test_says_from_where_and_how(self):
        for line in (
            "proxy_set_header Host $http_host;",
            "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
            "proxy_set_header X-Forwarded-Proto $scheme;",
        ):
            assert line in self.CONF, line
        assert packaging.environment("web", {"DOMAIN": "hedong.invalid"})["PROXY_COUNT"] == "1"

    def test_lets_the_form_refuse_large_photos(self):
        limit = int(re.search(r"client_max_body_size (\d+)m;", self.CONF)[1])
        assert limit * 1024 * 1024 >= 2 * pictures.MAX_BYTES

    def test_serves_behind_the_published_ports(self):
        listened = set(re.findall(r"listen (\d+)", self.CONF))
        assert {port.split(":")[1] for port in packaging.compose()["services"]["proxy"]["ports"]} == listened - {"127"}

    def test_keeps_no_addresses(self):
        assert re.findall(r"access_log (.*);", self.CONF) == ["off"]
        assert re.findall(r"error_log (.*);", self.CONF) == ["stderr crit"]


class TestStart:
    """Production settings refuse to load with secrets that guard nothing."""

    def start(self, **changed: str) -> subprocess.CompletedProcess:
        given = {name: make() for name, make in keys.KEYS.items()} | {
            "DATABASE_URL": "postgres://hedong_app@127.0.0.1:1/hedong",
            "DATABASE_PASSWORD": keys._password(),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "ALLOWED_HOSTS": "hedong.invalid",
            "PUBLIC_BASE_URL": "https://hedong.invalid",
            **changed,
        }
        command = [sys.executable, "-c", "import hedong.settings.production"]
        return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)

    def test_starts_with_good_ones(self):
        done = self.start()
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("name", keys.KEYS)
    def test_refuses_the_keys_of_the_tests_and_empty_ones(self, name):
        for weak in (getattr(test_settings, name), ""):
            done = self.start(**{name: weak})
            assert done.returncode
            assert f"ImproperlyConfigured: {name}" in done.stderr

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DATABASE_PASSWORD", ""),
            ("DATABASE_PASSWORD", "hedong_app"),
            ("REDIS_PASSWORD", "throw-away"),
            ("PUBLIC_BASE_URL", "http://hedong.invalid"),
            ("ALLOWED_HOSTS", ""),
            ("SECRET_KEY_FILE", "/nowhere/SECRET_KEY"),
        ],
    )
    def test_refuses_what_is_weak_or_missing(self, name, value):
        done = self.start(**{name: value})
        assert done.returncode
        assert re.search(rf"ImproperlyConfigured: .*{name.removesuffix('_PASSWORD')}", done.stderr), done.stderr

    @pytest.mark.parametrize(
        "key",
        ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "A" * 44, "不是", "c2hvcnQ="],
    )
    def test_keys_have_to_be_random(self, key):
        with pytest.raises(ImproperlyConfigured):
            strength.key("LINK_KEY", key)

    def test_one_weak_key_spoils_the_ring(self):
        good = keys.KEYS["FIELD_KEYS"]()
        strength.ring("FIELD_KEYS", f"{good},old:{keys._plain_key()}")
        with pytest.raises(ImproperlyConfigured):
            strength.ring("FIELD_KEYS", f"{good},old:{'A' * 44}")
