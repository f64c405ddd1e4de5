"""What the preview says: counts, the first rows of each kind, what is wrong and how it is likely meant."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from common.tables.sheet import Column, Fault, Planned
from common.tables.text import Given

FIRST_ROWS, FIRST_GROUPS, FIRST_LINES = 5, 50, 6
VERBS = ("new", "changed", "same", "wrong")


def summarised(found: list[Planned], columns: Mapping[str, Column], notes: list[str]) -> dict[str, Any]:
    """Return what the page shows of a plan, as plain values."""
    counts = Counter(each.verb for each in found)
    first = {verb: [_shown(each, columns) for each in _first(found, verb)] for verb in ("new", "changed")}
    groups = _groups(found, columns)
    return {
        "counts": {verb: counts[verb] for verb in VERBS},
        "titles": [column.title for column in columns.values()],
        "first": first,
        "groups": groups[:FIRST_GROUPS],
        "more_groups": max(0, len(groups) - FIRST_GROUPS),
        "suggested": sum(1 for group in groups[:FIRST_GROUPS] if group["suggestion"] and group["mendable"]),
        "notes": notes,
    }


def digest(planned: Planned) -> str:
    """Return a short sign by which it is seen that a row would do something else than before."""
    said = [planned.verb, planned.key, planned.before, planned.values]
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=8).hexdigest()


def sentence(line: int, fault: Fault) -> str:
    """Return the whole sentence about a fault, with the row and the likely right value."""
    said = fault.sentence.rstrip("。")
    if fault.suggestion and fault.suggestion not in said:
        said = f"{said}，是不是“{fault.suggestion}”？"
    start = "" if said.startswith("第") else f"第 {line} 行："
    return f"{start}{said}" + ("" if said.endswith(("？", "！")) else "。")


def with_faults(planned: Planned, line: int, cells: Given) -> Planned:
    """Return what a row would do, wrong when its cells were: of each cell the first fault is said."""
    if not cells.faults:
        return planned
    known = {fault.column for fault in cells.faults}
    more = tuple(fault for fault in planned.faults if fault.column not in known)
    return Planned(line, "wrong", planned.key, planned.before, {**cells}, faults=(*cells.faults, *more))


def lines_of(lines: Iterable[int], most: int = FIRST_LINES) -> str:
    """Name the first lines: 第 5、9、12 行等 40 行."""
    every = list(lines)
    named = "、".join(str(line) for line in every[:most])
    return f"第 {named} 行" + (f"等 {len(every)} 行" if len(every) > most else "")


def _first(found: list[Planned], verb: str) -> list[Planned]:
    return [each for each in found if each.verb == verb][:FIRST_ROWS]


def _shown(planned: Planned, columns: Mapping[str, Column]) -> dict[str, Any]:
    """Return a row as its cells, and as what changes in each of them."""
    before, after = planned.before, planned.values
    changes = [
        {"title": column.title, "old": before.get(key, ""), "new": after.get(key, "")}
        for key, column in columns.items()
        if planned.verb == "changed" and before.get(key, "") != after.get(key, "")
    ]
    return {"line": planned.line, "cells": [after.get(key, "") for key in columns], "changes": changes}


def _groups(found: list[Planned], columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """Return the faults that are alike together, those with a likely right value first, then the frequent ones."""
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for planned in found:
        for fault in planned.faults if planned.verb == "wrong" else ():
            value = planned.values.get(fault.column, "")
            group = groups.setdefault((fault.column, value, fault.sentence), _group(fault, value, columns))
            group["count"] += 1
            if len(group["lines"]) < FIRST_LINES:
                group["lines"].append(planned.line)
    for group in groups.values():
        fault = Fault(group["column"], group["fault"], group["suggestion"])
        group["sentence"] = sentence(group["lines"][0], fault)
        group["where"] = f"第 {'、'.join(map(str, group['lines']))} 行"
        group["where"] += f"等 {group['count']} 行" if group["count"] > FIRST_LINES else ""
    return sorted(groups.values(), key=lambda group: (not group["suggestion"], -group["count"], group["lines"][0]))


def _group(fault: Fault, value: str, columns: Mapping[str, Column]) -> dict[str, Any]:
    column = columns.get(fault.column)
    return {
        "column": fault.column,
        "title": column.title if column else "",
        "choices": list(column.choices[:60]) if column else [],
        "mendable": column is not None,
        "value": value,
        "fault": fault.sentence,
        "suggestion": fault.suggestion,
        "lines": [],
        "count": 0,
    }
