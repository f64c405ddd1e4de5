"""Settings: base for all, demo and test for one machine, production for a district."""
