"""The real processes answer, and a page of theirs keeps the policy in a real browser."""

import json
import urllib.error
import urllib.request

from tests.stack import LiveStack, wait_until


def test_every_process_runs_and_the_web_answers(live_stack: LiveStack) -> None:
    """Web, worker, beat and sweeper run side by side, and none of them has fallen."""
    live_stack.wait_for_page("/")
    assert sorted(live_stack.running) == ["beat", "sweeper", "web", "worker"]
    assert [name for name, popen in live_stack.running.items() if popen.poll() is not None] == []


def _body(live_stack: LiveStack) -> str:
    try:
        with urllib.request.urlopen(f"{live_stack.base_url}/healthz/jobs", timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def test_the_heartbeat_goes_through_beat_queue_and_worker(live_stack: LiveStack) -> None:
    """Health turns green only after a periodic run has gone all the way, by the database's clock."""

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(f"{live_stack.base_url}/healthz/jobs", timeout=10) as answer:
                return answer.status == 200 and bool(json.load(answer))
        except OSError:
            return False

    wait_until(healthy, 90, lambda: _body(live_stack) + live_stack.log("beat").read_text()[-2000:])


def test_a_page_keeps_the_policy_in_the_browser(live_stack: LiveStack, page) -> None:
    """The sign-in page opens without a violation, an error or a request to another host."""
    page.goto(f"{live_stack.base_url}/login/")
    assert page.locator("form").count() >= 1


def test_the_watch_hears_what_it_must_not_hear(live_stack: LiveStack, new_page, watch) -> None:
    """The control: an inline style and a foreign host are noticed, so the silence above means something."""
    page = new_page()
    page.goto(f"{live_stack.base_url}/login/")
    page.evaluate("document.body.setAttribute('style', 'color:red')")
    page.evaluate("fetch('http://192.0.2.1/').catch(() => 0)")
    wait_until(lambda: page.evaluate("1") == 1 and len(watch.violations) >= 2, 10)
    watch.violations.clear()
    watch.console.clear()
    watch.outside.clear()
