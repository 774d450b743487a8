"""Dossiers (hồ sơ TTHC): what their facts mean, as pure functions."""
