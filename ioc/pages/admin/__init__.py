"""``/ops/admin``: accounts, keys, the pack, how facts come in, what could not be read. For administrators alone."""

from ioc.pages.admin import facts, keys, log, names, pack, processes, unreadable, users

__all__ = ["facts", "keys", "log", "names", "pack", "processes", "unreadable", "users"]
