"""Bring the whole stack up with one command; standard library only until the virtual environment stands."""
