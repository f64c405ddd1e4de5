"""How much of everything is loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """The numbers of one size of demo district; None takes all there is."""

    streets: int | None
    communities: int | None
    villages: int | None
    estates: int
    grids: int
    special_grids: int
    buildings: int
    groups: int
    firms: int
    departments: tuple[str, ...] | None
    welfare: int
    residents: int
    business: int
    teams: int
    leaders: int
    alike: int
    weeks: int
    open_requests: int
    demo_open: int
    closed_requests: int
    refused_requests: int
    withdrawn_requests: int
    live_needs: int
    past_needs: int
    chapters: int


# The case study's figures: 78 communities, 89 departments, 970 building leaders, 191 teams, 2,000 closed requests.
FULL = Scale(
    streets=None, communities=None, villages=None, estates=240, grids=810, special_grids=40, buildings=3200,
    groups=1450, firms=60, departments=None, welfare=40, residents=240, business=22, teams=191, leaders=970,
    alike=99, weeks=8, open_requests=250, demo_open=42, closed_requests=2000, refused_requests=40,
    withdrawn_requests=25, live_needs=90, past_needs=900, chapters=18,
)  # fmt: skip

# For journeys in a browser: a street that is loaded in a moment.
SMALL = Scale(
    streets=1, communities=3, villages=1, estates=4, grids=7, special_grids=1, buildings=30, groups=14, firms=2,
    departments=("D029", "D054", "D055", "D057", "D072", "D077"), welfare=2, residents=3, business=2, teams=3,
    leaders=8, alike=2, weeks=3, open_requests=20, demo_open=12, closed_requests=40, refused_requests=2,
    withdrawn_requests=2, live_needs=22, past_needs=12, chapters=2,
)  # fmt: skip

SCALES = {"full": FULL, "small": SMALL}
