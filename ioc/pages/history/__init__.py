"""The page for planners: pick indicators, units, a period; see, compare, keep and export what happened."""
