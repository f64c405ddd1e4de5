"""Draw the district's picture: metric definitions and counters."""
