"""Read JSON and nothing else: what cannot be read is refused before anything looks at it."""

import json
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

DEEPEST = 20


class Json(BaseParser):
    """One JSON value in UTF-8, not too deep; how long it may be is asked before it is read."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the value, or say why it cannot be read."""
        try:
            found = json.loads(stream.read().decode("utf8"), parse_constant=_refuse, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise ParseError("发来的内容不是能读懂的 JSON（UTF-8 编码，每一项只写一次）。") from error
        if not _shallow(found, DEEPEST):
            raise ParseError("发来的内容套得太深了。")
        return found


def _refuse(name: str) -> None:
    raise ValueError(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Of two values one would be dropped in silence.
        raise ValueError("twice")
    return found


def _shallow(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(one, levels - 1) for one in inner)
