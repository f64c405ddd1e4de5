"""Places, party organisations, posts and groups in the admin; every write goes through the trees or an action."""

from grids.admin import groups, party, places, posts

__all__ = ["groups", "party", "places", "posts"]
