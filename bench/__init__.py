"""Measure the product against the limit of the machine it runs on; docs/bench.md says what the figures mean."""
