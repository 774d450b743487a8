"""Who may read: readers, their passwords, and the first of them."""

from ioc.access.first import ensure_first_password, first_password_file
from ioc.access.readers import ADMIN, GUEST, Reader

__all__ = ["ADMIN", "GUEST", "Reader", "ensure_first_password", "first_password_file"]
