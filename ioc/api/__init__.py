"""The HTTP API and its first page. ``create_app(settings)`` makes the application; ``ioc serve`` runs it."""

from ioc.api.app import create_app

__all__ = ["create_app"]
