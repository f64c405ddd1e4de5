"""Tell when: work calendar, deadlines, periodic runs."""
