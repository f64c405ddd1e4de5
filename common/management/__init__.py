"""Management commands of the common room."""
