"""Keep what happened and what must follow: events, jobs, reads of personal data."""
