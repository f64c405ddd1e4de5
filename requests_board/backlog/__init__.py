"""A district's backlog and pool as one problem for `matching.batch`: reading it, and saying why of its plan.

`reading` turns rows into columns, `places` says how resources and communities lie to each other, `reasons` writes for
each pair of a plan the sentence that a single dispatch would write.
"""

from requests_board.backlog.reading import Backlog, read
from requests_board.backlog.reasons import reasons

__all__ = ["Backlog", "read", "reasons"]
