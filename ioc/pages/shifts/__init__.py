"""The shift log: what happened, what is open, and what those who come next should know."""
