"""The platform watching itself: windows that close, measures that are folded, its own indicators."""
