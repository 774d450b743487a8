"""``/ops/devices``: cameras, access points and kiosks as they are now, and how each one was."""

from ioc.pages.devices import listing, one

__all__ = ["listing", "one"]
