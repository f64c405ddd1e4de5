"""Partners, the resource pool and pairings as tables."""

from common.tables.sheet import register
from partners.tables.people import Departments, Partners
from partners.tables.pool import Resources, Slots
from partners.tables.terms import Pairings

for registry in (Partners(), Departments(), Resources(), Slots(), Pairings()):
    register(registry)
