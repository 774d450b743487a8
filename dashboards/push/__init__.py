"""Brings boards, data source and alert rules to a Grafana over its HTTP API: all of it or nothing.

:func:`dashboards.push.plan.make` looks at everything before the first change; what is in the way is told at once.
:func:`dashboards.push.carrying.carry_out` makes the changes, and takes them back when one of them fails.
"""
