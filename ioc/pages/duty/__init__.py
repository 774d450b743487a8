"""The pages of duty: the roster as a calendar, and what changes it."""
