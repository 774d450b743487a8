"""The wall: the district now, for the room and for whoever comes first."""

from ioc.pages.wall import page

__all__ = ["page"]
