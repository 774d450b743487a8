"""Values by which a reader's figures can be filtered, as far as they are met in what he may see."""

from __future__ import annotations

from ioc.kpi.query import Steps

#: Most values of one dimension.
MOST = 300
_SERIES = """
SELECT dimension, value FROM ioc.dossier_values(%(reader)s) WHERE dimension IN ('channel', 'field') LIMIT %(most)s
"""
_PROCEDURES = """
SELECT v.value, p.name_vi, p.name_en FROM ioc.dossier_values(%(reader)s) v
LEFT JOIN ioc.procedure p ON p.code = v.value
WHERE v.dimension = 'procedure' ORDER BY 1 LIMIT %(most)s
"""


def suggested(reader: str) -> Steps[list[tuple[str, str]]]:
    """Steps to channels and fields of dossiers: dimension and value."""
    rows = yield _SERIES, {"reader": reader, "most": MOST}
    return [(dimension, value) for dimension, value in rows]


def procedures(reader: str) -> Steps[list[tuple[str, str, str]]]:
    """Steps to procedures of dossiers: code and names in both languages; the code where there is none."""
    rows = yield _PROCEDURES, {"reader": reader, "most": MOST}
    return [(code, vi or code, en or code) for code, vi, en in rows]
