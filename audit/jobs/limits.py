"""The numbers by which jobs are repeated, each said once."""

from datetime import timedelta

MAX_ATTEMPTS = 10
# 2 s, 4 s, 8 s … at most 10 minutes; the present number of attempts decides.
BACKOFF = "least(600, power(2, attempts)) * interval '1 second'"
SWEEP_LIMIT = 500
# A bell with more waiting messages than this is loud enough: the workers are behind, not deaf.
LOUD_ENOUGH = 1000
NO_TIME = timedelta(0)
