"""Looking ahead: surges of arrivals, when what is open will be worked off, which dossiers will miss their date.

Pure models over arrays (:mod:`clearing`, :mod:`misses`), the questions that fetch what they need (:mod:`query`), and
both held against what came (:mod:`backtest`). Why they are as they are: docs/concepts/forecasts.md.
"""
