"""Writes the reference pages and the events' JSON Schemas from the code, so that they can't say something else.

``python -m ioc.docs`` writes them, ``python -m ioc.docs --check`` says which are out of date.
"""

from __future__ import annotations

from ioc.docs import alert_rules, cli, devices, events, http, inventory, kpis, metrics, settings


def pages() -> dict[str, str]:
    """Return every generated file below ``docs/reference`` with its text."""
    return {
        "kpis.md": kpis.page(),
        "settings.md": settings.page(),
        "http.md": http.page(),
        "events.md": events.page(),
        "metrics.md": metrics.page(),
        "cli.md": cli.page(),
        "devices.md": devices.page(),
        "data-inventory.md": inventory.page(),
        "alert-rules.md": alert_rules.page(),
        **{f"schemas/{name}": text for name, text in events.schemas().items()},
    }


__all__ = ["pages"]
