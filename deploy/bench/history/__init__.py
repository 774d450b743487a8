"""Questions to a province's history of some years, measured on the reference machine."""
