"""Places, party organisations and posts as tables."""

from common.tables.sheet import register
from grids.tables.areas import Areas, Buildings
from grids.tables.party import Party
from grids.tables.posts import LocalPosts, Posts

for registry in (Areas(), Buildings(), Party(), Posts(), LocalPosts()):
    register(registry)
