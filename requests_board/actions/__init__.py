"""The business verbs of the request board. Views, API, admin and tasks call these, and nothing else writes."""
