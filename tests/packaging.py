"""What the containers are given, worked out from Dockerfile, .dockerignore and docker-compose.yml as their tools do."""

import re
import shutil
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "docker-compose.yml"
# ${NAME}, ${NAME:-default}, ${NAME:?complaint}, and the escaped $$.
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")


def compose() -> dict[str, Any]:
    """Return the description of the containers with its anchors filled in."""
    return yaml.safe_load(COMPOSE.read_text(encoding="utf8"))


def variables() -> dict[str, str]:
    """Return the variables that the description takes from .env, each with its default; "" where there is none."""
    found = {name: default for name, sign, default in _VARIABLE.findall(COMPOSE.read_text(encoding="utf8")) if name}
    for service in compose()["services"].values():
        for given in (service.get("environment", {}), service.get("build", {}).get("args", {})):
            found |= {name: "" for name, value in given.items() if value is None}
    return found


def fill_in(text: str, given: dict[str, str]) -> str:
    """Put the variables into a text; one that is asked for and missing is an error."""

    def value(match: re.Match) -> str:
        name, sign, rest = match.groups()
        if name is None:
            return "$"
        if not given.get(name) and sign == "?":
            raise LookupError(rest)
        return given.get(name) or (rest if sign == "-" else "")

    return _VARIABLE.sub(value, text)


def environment(service: str, given: dict[str, str]) -> dict[str, str]:
    """Return the environment of a container: the image's, then what its description says."""
    stated = compose()["services"][service]["environment"]
    known = {name: given.get(name) if value is None else fill_in(str(value), given) for name, value in stated.items()}
    return image_environment() | {name: value for name, value in known.items() if value is not None}


def image_environment() -> dict[str, str]:
    """Return what the image's ENV lines say."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf8").replace("\\\n", " ")
    lines = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(word.split("=", 1) for line in lines for word in line.split())


def context() -> list[Path]:
    """Return what the image is built from: .dockerignore shuts everything out and names what comes in."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    if rules[0] != "*":
        raise ValueError(".dockerignore must begin by shutting everything out")
    return [ROOT / rule[1:] for rule in rules if rule.startswith("!")]


def lay_out(folder: Path) -> None:
    """Copy into a folder what `COPY . .` would bring into the image."""
    for source in context():
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
