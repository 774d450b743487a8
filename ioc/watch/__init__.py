"""Watching the watchman: heartbeats, readings of the platform's own machines, the auditor and the synthetic alert.

What each finds is rows of the database, so that whoever still lives can tell: docs/concepts/watchman.md.
"""
