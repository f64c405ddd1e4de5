"""Tell people: inbox and mail."""
