"""Channels: each way to tell people, behind one interface (:mod:`ioc.delivery.channels.interface`)."""
