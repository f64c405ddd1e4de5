"""Invent people, telephone numbers, estates and firms. Nobody and nothing here exists."""

import random
import uuid
from collections.abc import Iterator
from itertools import product

from hedong.demo.tables import words

# The block of numbers that is kept free for demonstrations.
PHONE_BLOCK = "1990000"


def phone(number: int) -> str:
    """Return the `number`-th telephone of the reserved block; it repeats after ten thousand."""
    return f"{PHONE_BLOCK}{number % 10000:04d}"


def person(rng: random.Random) -> str:
    """Return an invented person's name."""
    return rng.choice(words()["surnames"]) + rng.choice(words()["given"])


def caller(rng: random.Random) -> str:
    """Return how somebody on the phone is noted down: a surname and a form of address."""
    return rng.choice(words()["surnames"]) + rng.choice(words()["callers"])


def _pairs(fronts: str, backs: str) -> Iterator[str]:
    for back, front in product(words()[backs], words()[fronts]):
        yield front + back


def estates() -> Iterator[str]:
    """Yield different names of housing estates."""
    return _pairs("estate_fronts", "estate_backs")


def firms() -> Iterator[str]:
    """Yield different names of property firms."""
    return _pairs("firm_fronts", "firm_backs")


def row_id(rng: random.Random) -> uuid.UUID:
    """Return a UUID that is the same at every run of the same stage."""
    return uuid.UUID(int=rng.getrandbits(128), version=4)


# Without letters and digits that look alike.
CODE_SIGNS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def code(rng: random.Random, length: int) -> str:
    """Return a random code that is easy to read out."""
    return "".join(rng.choices(CODE_SIGNS, k=length))
