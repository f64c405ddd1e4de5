"""Count the hands: volunteer teams and what they can do."""
