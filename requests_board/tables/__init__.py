"""Requests of other systems as a registry, and the board's lists as files."""

from common.tables.export import register_listing
from common.tables.sheet import register
from requests_board.tables.external import Requests
from requests_board.tables.lists import LISTS

register(Requests())
for listing in LISTS:
    register_listing(listing)
