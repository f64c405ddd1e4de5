"""What every test gets: servers of the suite's own, the application's rights, the real stack, a browser."""

import os
from typing import Any

import pytest
from django.conf import settings

from tests import servers
from tests.machine import NO_BROWSER, RUNNING, find_browser
from tests.schedule import ONE_AFTER_ANOTHER, ByFile

pytest_plugins = ["tests.people", "tests.pool", "tests.stack"]

_SERVERS = pytest.StashKey[servers.Servers]()
_LEFT_OUT = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers that the environment does not name, before anything asks for them."""
    if not hasattr(config, "workerinput"):
        config.stash[_SERVERS] = servers.Servers()
        config.stash[_SERVERS].start()
    servers.point_django_at(os.environ["DATABASE_URL"], _broker_of(config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Keep each file in one process, and all tests on real processes in the same."""
    return ByFile(config, log)


def _broker_of(config: pytest.Config) -> str:
    """Give each parallel process a queue of its own on the broker."""
    url = os.environ["REDIS_URL"]
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    if not worker:
        return url
    head, _, number = url.rpartition("/")
    return f"{head}/{int(number or 0) + 10 + int(worker.removeprefix('gw'))}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, and say last of all what could not be tested on this machine."""
    if _SERVERS in config.stash:
        config.stash[_SERVERS].stop()
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        left_out = (
            len([r for r in reporter.stats.get("skipped", []) if NO_BROWSER in str(r.longrepr)]) if reporter else 0
        )
        if left_out:
            reporter.write_line(f"{NO_BROWSER}：{left_out} 个浏览器测试没有运行（安装 chromium 后再运行一次即可）。")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave browser tests out where there is no browser; keep those on real processes in one place, and first."""
    without = find_browser() is None
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)
            if without:
                item.add_marker(pytest.mark.skip(reason=NO_BROWSER))
        if _on_real_processes(item):
            item.add_marker(pytest.mark.stack)
            if not item.nodeid.startswith(ONE_AFTER_ANOTHER):
                raise pytest.UsageError(f"{item.nodeid} uses the running stack and must be named in tests/schedule.py.")
    items.sort(key=lambda item: not _on_real_processes(item))


def _on_real_processes(item: pytest.Item) -> bool:
    return "live_processes" in getattr(item, "fixturenames", ())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let no beat or worker meddle with the rows of a test that has not asked for them."""
    if RUNNING in item.config.stash and not _on_real_processes(item):
        item.config.stash[RUNNING].stop()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything must run, a skipped test is a failed run; leave a sign when failures were all that was wrong."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not (os.environ.get("HEDONG_NO_SKIPS") and reporter) or hasattr(session.config, "workerinput"):
        return
    # What a file with an error holds was never run.
    unread = any(isinstance(report, pytest.CollectReport) for report in reporter.stats.get("error", []))
    if reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    elif exitstatus == pytest.ExitCode.TESTS_FAILED and not unread:
        sign = session.config.rootpath / "var" / "only_failures"
        sign.parent.mkdir(exist_ok=True)
        sign.touch()


@pytest.fixture(scope="session", autouse=True)
def own_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what tests upload out of the installation's folder."""
    settings.MEDIA_ROOT = str(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """After the migrations, work with the rights that the product has in its own installation."""
    with django_db_blocker.unblock():
        servers.work_as_application()
