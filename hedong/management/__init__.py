"""Management commands that cross the apps."""
