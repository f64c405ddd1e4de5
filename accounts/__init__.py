"""Tell who: users, sign-in, sessions."""
