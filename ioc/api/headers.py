"""Headers that every answer has, whoever gave it: a browser takes it for what it says it is, and runs nothing of it."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Of a plain page with a form: no script, nothing from elsewhere.
FORM_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_ALWAYS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
#: For what is no page; a page has a policy of its own.
_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
#: A browser's viewer of these is a page itself, and would be held to the policy.
_VIEWED: Final = "application/pdf"


def install(app: FastAPI) -> None:
    """Give them to what the application and everything that is mounted in it answers."""
    app.add_middleware(_Guarded)


class _Guarded:
    """Adds what an answer does not have itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if not headers.get("Content-Type", "").startswith(_VIEWED):
                    headers.setdefault("Content-Security-Policy", _POLICY)
            await send(message)

        await self._app(scope, receive, adding)
