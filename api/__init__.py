"""Answer machines: REST v1."""
