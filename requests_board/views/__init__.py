"""The doors of the request board: residents, desk, liaisons."""
