"""Grafana boards as code will live here: typed builders, boards, and building, linting, pushing them.

No board has SQL of its own: it asks for indicators by id, through the functions of :mod:`ioc.kpi`.
"""
