"""Alerts: rules as data, conditions that hold for long enough, and what people do about them.

Decisions are pure (:mod:`ioc.alerts.machine`); what touches the database are steps that run in whoever's transaction.
"""
