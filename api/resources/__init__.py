"""What the interface offers, one module for each kind of rows."""
