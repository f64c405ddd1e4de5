"""Read a calendar as RFC 5545 says and refuse everything else, so that no calendar program has to be lenient."""

import re
from datetime import datetime

LINE = re.compile(r"(?P<name>[A-Z-]+)(?P<words>(?:;[A-Z-]+=[^;:,\"]+)*):(?P<value>.*)", re.DOTALL)
# Component → properties that it must have once, and those that it may have once.
ONCE = {
    "VCALENDAR": ({"VERSION", "PRODID"}, {"CALSCALE", "METHOD", "X-WR-CALNAME", "X-WR-TIMEZONE", "REFRESH-INTERVAL",
                                          "X-PUBLISHED-TTL", "NAME"}),
    "VEVENT": ({"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"},
               {"STATUS", "TRANSP", "SEQUENCE", "LOCATION", "DESCRIPTION", "LAST-MODIFIED", "URL", "CLASS", "CREATED"}),
    "VTIMEZONE": ({"TZID"}, set()),
    "STANDARD": ({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"}, {"TZNAME"}),
}  # fmt: skip
INSIDE = {"": {"VCALENDAR"}, "VCALENDAR": {"VEVENT", "VTIMEZONE"}, "VTIMEZONE": {"STANDARD"}}
TEXTS = {"SUMMARY", "LOCATION", "DESCRIPTION", "X-WR-CALNAME"}
VALUES = {
    "STATUS": "TENTATIVE|CONFIRMED|CANCELLED", "TRANSP": "OPAQUE|TRANSPARENT", "SEQUENCE": r"\d+", "VERSION": r"2\.0",
    "TZOFFSETFROM": r"[+-]\d{4}", "TZOFFSETTO": r"[+-]\d{4}",
}  # fmt: skip


class Fault(ValueError):
    """Say what is not as the format has it."""


def events(content: bytes) -> list[dict[str, tuple[list[str], str]]]:
    """Return each event as name → (parameters, value as it stands); raise Fault at the first one."""
    found, zones, open_parts = [], set(), [("", {})]
    for line in _lines(content):
        match = LINE.fullmatch(line)
        need(match, line)
        name, value = match["name"], match["value"]
        if name == "BEGIN":
            need(value in INSIDE.get(open_parts[-1][0], ()), line)
            open_parts.append((value, {}))
        elif name == "END":
            kind, properties = open_parts.pop()
            need(kind == value, line)
            need(ONCE[kind][0] <= set(properties), f"{kind} lacks {ONCE[kind][0] - set(properties)}")
            if kind == "VTIMEZONE":
                zones.add(properties["TZID"][1])
            if kind == "VEVENT":
                found.append(properties)
        else:
            kind, properties = open_parts[-1]
            need(kind and name in ONCE[kind][0] | ONCE[kind][1] and name not in properties, line)
            properties[name] = ([word for word in match["words"].split(";") if word], value)
            _check(name, properties[name], zones)
    need([kind for kind, _ in open_parts] == [""], "something is left open")
    need(len({event["UID"][1] for event in found}) == len(found), "two events with one name")
    return found


def need(holds: object, where: str) -> None:
    """Raise Fault unless something holds."""
    if not holds:
        raise Fault(where)


def _lines(content: bytes) -> list[str]:
    need(content.endswith(b"\r\n") and b"\n" not in content.replace(b"\r\n", b""), "line ends")
    raw = content.split(b"\r\n")
    need(max(map(len, raw)) <= 75, "a line is longer than 75 octets")
    for line in raw:
        line.decode()  # folded between characters
    return content.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def _check(name: str, told: tuple[list[str], str], zones: set[str]) -> None:
    words, value = told
    need(not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value), f"{name} holds a control sign")
    if name in TEXTS:
        need(re.fullmatch(r"(?:[^\\;,]|\\[\\;,nN])*", value), f"{name}:{value}")
    if name in VALUES:
        need(re.fullmatch(VALUES[name], value), f"{name}:{value}")
    if name in {"DTSTAMP", "DTSTART", "DTEND", "LAST-MODIFIED", "CREATED"}:
        need(re.fullmatch(r"\d{8}T\d{6}Z?", value), f"{name}:{value}")
        datetime.strptime(value.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - the zone stands beside it
        for word in words:
            need(word.partition("=")[2] in zones and not value.endswith("Z"), f"{name};{word}")
        need(name in {"DTSTART", "DTEND"} or value.endswith("Z"), f"{name} is no moment")
