"""Match needs with the pool. Pure: no database, no clock.

`rank` judges one need against every resource and says why; `batch` allots a whole backlog at once, as a min-cost flow
with a certificate of how far from the best it can be.
"""

from requests_board.matching.rank import FACTORS, Candidate, Need, Offer, Refusal, Slot, compare, evaluate, tell

__all__ = ["FACTORS", "Candidate", "Need", "Offer", "Refusal", "Slot", "compare", "evaluate", "tell"]
