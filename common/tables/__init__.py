"""Tables in and out: one description of a sheet serves the template, the import and the export.

The rooms describe their sheets in their own `tables.py` and register them in `ready()`; this package knows none of
them.
"""
