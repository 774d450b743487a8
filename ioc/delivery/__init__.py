"""Delivery: from an alert's next step to a message that reached somebody."""
