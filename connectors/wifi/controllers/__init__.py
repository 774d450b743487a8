"""Controllers that are asked over their HTTP interface: one event for each of their access points."""
