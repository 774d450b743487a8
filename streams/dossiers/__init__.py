"""Dossiers' way into the database: facts, projection, ledger."""
