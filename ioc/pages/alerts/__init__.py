"""The page of alerts: what is wrong, and what people do about it."""
