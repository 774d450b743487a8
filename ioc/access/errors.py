"""What readers may not do."""

from __future__ import annotations

from ioc.kpi.errors import KpiError


class RoleError(KpiError):
    """The reader's role does not let him do this."""

    slug = "role"
    status = 403
