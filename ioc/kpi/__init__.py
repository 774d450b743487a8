"""Indicators: defined once in the catalogue, answered by SQL functions that every surface asks.

``install(connection)`` puts the functions into a database (:func:`ioc.storage.migrate.upgrade` does);
:mod:`ioc.kpi.query` asks them.
"""

from ioc.kpi.catalogue import BUCKETS, CATALOGUE, Bucket, find, ids
from ioc.kpi.definition import Kpi
from ioc.kpi.install import install

__all__ = ["BUCKETS", "CATALOGUE", "Bucket", "Kpi", "find", "ids", "install"]
