"""Places, party organisations, posts and grants in the admin; every write goes through the trees or an action."""

from grids.admin import grants, party, places, posts

__all__ = ["grants", "party", "places", "posts"]
