"""Tell with whom: the five categories, resource pool, pairings."""
