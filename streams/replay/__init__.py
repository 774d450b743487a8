"""Projections and measures once more from the facts that are kept: the proof that they are right, or the repair."""
