"""Values by which a reader's figures can be filtered, as far as they are met in what he may see."""

from __future__ import annotations

from ioc.kpi.query import Steps

#: Most values of one dimension.
MOST = 300
_SERIES = """
SELECT 'channel', s.channel FROM ioc.dossier_series s
WHERE s.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r) AND s.channel IS NOT NULL
UNION SELECT 'field', s.field FROM ioc.dossier_series s
WHERE s.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r) AND s.field IS NOT NULL
ORDER BY 1, 2 LIMIT %(most)s
"""
_PROCEDURES = """
SELECT DISTINCT s.procedure, p.name_vi, p.name_en FROM ioc.dossier_series s
LEFT JOIN ioc.procedure p ON p.code = s.procedure
WHERE s.unit_id IN (SELECT r.unit_id FROM ioc.reader_units(%(reader)s) r) AND s.procedure IS NOT NULL
ORDER BY 1 LIMIT %(most)s
"""


def suggested(reader: str) -> Steps[list[tuple[str, str]]]:
    """Steps to channels and fields of dossiers: dimension and value."""
    rows = yield _SERIES, {"reader": reader, "most": MOST}
    return [(dimension, value) for dimension, value in rows]


def procedures(reader: str) -> Steps[list[tuple[str, str, str]]]:
    """Steps to procedures of dossiers: code and names in both languages; the code where there is none."""
    rows = yield _PROCEDURES, {"reader": reader, "most": MOST}
    return [(code, vi or code, en or code) for code, vi, en in rows]
