"""Backups of the embedded database with what else of the state folder is needed, and restoring them."""
