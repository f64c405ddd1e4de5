"""The virtual environment, built from a lock file in which every package carries its hash."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .children import die_with_parent
from .layout import Layout
from .words import Trouble, step

_OFFLINE = (
    "NewConnectionError", "Temporary failure in name resolution", "ConnectTimeout", "Max retries", "dns error",
    "Connection refused", "error sending request", "Could not fetch URL", "Name or service not known",
)  # fmt: skip


def ensure(layout: Layout, lock: str = "embedded") -> None:
    """Install `requirements/<lock>.lock` unless that very file has been installed already."""
    lock_file = layout.root / "requirements" / f"{lock}.lock"
    if _installed(layout, lock_file):
        return
    step("安装依赖（只在第一次和依赖变化时需要）……")
    log = layout.log("install")
    with log.open("w", encoding="utf8") as output:
        _create(layout, output)
        if not _install(layout, lock_file, output):
            raise Trouble(_why_install_failed(log))
    _marker(layout, lock_file).write_text(_fingerprint(lock_file), encoding="utf8")


def _fingerprint(lock_file: Path) -> str:
    version = ".".join(map(str, sys.version_info[:2]))
    return hashlib.sha256(lock_file.read_bytes() + version.encode()).hexdigest()


def _marker(layout: Layout, lock_file: Path) -> Path:
    return layout.venv / f"installed-{lock_file.stem}"


def _installed(layout: Layout, lock_file: Path) -> bool:
    """The development lock contains the embedded one, so either will do for running the stack."""
    for name in (lock_file.stem, "dev"):
        candidate = lock_file.with_name(f"{name}.lock")
        marker = _marker(layout, candidate)
        if marker.exists() and marker.read_text(encoding="utf8") == _fingerprint(candidate):
            return layout.python.exists()
    return False


def _usable(python: Path) -> bool:
    try:
        return subprocess.run([python, "-c", "pass"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _create(layout: Layout, output) -> None:
    """Make the environment; one that was left half-made is made anew."""
    if _usable(layout.python):
        return
    uv = find_uv()
    if uv and _run([uv, "venv", "--clear", "--python", sys.executable, layout.venv], output):
        return
    if _run([sys.executable, "-m", "venv", "--clear", layout.venv], output):
        return
    raise Trouble(
        "建不了虚拟环境：这个 Python 缺少 venv 或 ensurepip 模块。\n"
        "  Debian、Ubuntu 请先运行：apt install python3-venv\n"
        "  也可以换一个完整的 Python：make up PYTHON=python3.12"
    )


def _install(layout: Layout, lock_file: Path, output) -> bool:
    uv = find_uv()
    if uv and _run([uv, "pip", "install", "--python", layout.python, "--require-hashes", "-r", lock_file], output):
        return True
    if not _has_pip(layout) and not _run([layout.python, "-m", "ensurepip"], output):
        return False
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-compile", "--retries=2"]
    return _run([layout.python, "-m", "pip", "install", *options, "--require-hashes", "-r", lock_file], output)


def _has_pip(layout: Layout) -> bool:
    return _run([layout.python, "-c", "import pip"], subprocess.DEVNULL)


def find_uv() -> str | None:
    """Return a working `uv`, which installs ten times faster, or nothing: it is never required."""
    uv = shutil.which("uv")
    if uv is None or os.environ.get("HEDONG_NO_UV"):
        return None
    return uv if _run([uv, "--version"], subprocess.DEVNULL) else None


def _run(command: list, output) -> bool:
    words = [str(word) for word in command]
    options = {"stdout": output, "stderr": subprocess.STDOUT, "preexec_fn": die_with_parent}
    return subprocess.run(words, check=False, **options).returncode == 0


def _why_install_failed(log: Path) -> str:
    text = log.read_text(encoding="utf8", errors="replace")
    if any(sign in text for sign in _OFFLINE):
        return (
            "连不上软件包仓库，依赖没有装上。\n"
            "  请检查网络；也可以用环境变量 PIP_INDEX_URL 指定一个能访问的镜像，然后再运行一次。\n"
            f"  详细记录：{log}"
        )
    missing = re.search(r"No matching distribution found for (\S+)", text)
    if missing:
        return (
            f"软件包仓库里没有锁定的版本：{missing[1]}。\n"
            "  可能是镜像还没有同步；请用环境变量 PIP_INDEX_URL 换一个镜像，然后再运行一次。\n"
            f"  详细记录：{log}"
        )
    if "hash" in text.lower() and "do not match" in text.lower():
        return f"下载到的软件包与锁文件里的校验值不符，已停止安装。请换一个可信的镜像再试。\n  详细记录：{log}"
    last = text.strip().splitlines()[-1] if text.strip() else ""
    return f"依赖没有装上：{last}\n  详细记录：{log}"
