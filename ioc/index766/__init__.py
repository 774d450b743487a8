"""The index of Decision 766/QĐ-TTg: how well people are served, in 100 points a month.

``formulas.toml`` holds components, points and formulas by period of validity; :mod:`ioc.kpi` computes the indicators
``index766.*`` from them. :mod:`~ioc.index766.facts` keeps what the portal published, :mod:`~ioc.index766.scores` gives
a month component by component, and what its points were lost on.
"""
