"""The pages of units: all of today with a few figures, and one with whom to call."""
