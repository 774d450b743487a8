"""Queue tickets' way into the database."""
