"""The tree page: what hangs where, and the steps that change it."""
