"""Signed-in people at the real web, who press the same button all at once."""

import http.client
import itertools
import json
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

CSRF = "c" * 32


@dataclass(frozen=True, slots=True)
class Answer:
    """What the web said, and how long it took."""

    status: int
    seconds: float


class Person:
    """One browser of a community worker."""

    def __init__(self, port: int, known: dict[str, Any]) -> None:
        """Sign in by the login page."""
        self.port, self.form, self.cookies = port, known["form"], f"csrftoken={CSRF}"
        answer = self._post("/login/", {"username": known["username"], "password": known["password"]})
        session = next(part for part in answer.headers.get_all("Set-Cookie", []) if part.startswith("sessionid="))
        self.cookies += "; " + session.partition(";")[0]

    def ask(self) -> Answer:
        """Ask the pool for something; no answer at all counts as an error of the server."""
        start = time.monotonic()
        try:
            status = self._post("/desk/need/", self.form).status
        except (OSError, http.client.HTTPException):
            status = 599
        return Answer(status, time.monotonic() - start)

    def _post(self, path: str, fields: dict[str, Any]) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookies}
        # A line of its own for each: one that the web has closed meanwhile would look like a refusal.
        door = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            door.request("POST", path, urlencode({**fields, "csrfmiddlewaretoken": CSRF}), headers)
            answer = door.getresponse()
            answer.read()
            return answer
        finally:
            door.close()


def ask_together(people: list[Person], count: int, seconds: float = 0.0) -> list[Answer]:
    """Let `people` ask `count` times in all, evenly over so many seconds, or as fast as they can."""
    start, turns, answers = time.monotonic(), itertools.count(), []

    def press(person: Person) -> None:
        while (turn := next(turns)) < count:
            time.sleep(max(0.0, start + seconds * turn / count - time.monotonic()))
            answers.append(person.ask())

    threads = [threading.Thread(target=press, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def p95(answers: list[Answer]) -> float:
    """Return the time within which 95 of 100 were answered."""
    return sorted(answer.seconds for answer in answers)[int(len(answers) * 0.95) - 1]


def get(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Ask a door for machines."""
    door = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        door.request("GET", path)
        answer = door.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return 599, {}
    finally:
        door.close()
