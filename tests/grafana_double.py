"""An HTTP server that keeps what it is sent and answers as Grafana's HTTP API is documented to, for what a push asks.

It is no Grafana: it draws nothing and runs no query. It is there for what a live one can't be made to do in a test:
being old, losing an answer, dying between two changes. The same tests run against a live Grafana where there is one.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "glsa_only-for-tests"
_ADMIN = (
    "folders:read",
    "folders:create",
    "folders:write",
    "dashboards:read",
    "dashboards:create",
    "dashboards:write",
    "dashboards:delete",
    "datasources:read",
    "datasources:create",
    "datasources:write",
)


class No(Exception):  # noqa: N818 - an answer
    """An answer that is no."""

    def __init__(self, status: int, message: str, /, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, **more}


@dataclass
class Kept:
    """A board with all its versions."""

    folder_uid: str
    versions: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    provisioned: bool = False

    @property
    def newest(self) -> dict[str, Any]:
        return self.versions[-1][0]


@dataclass
class Double:
    """State and moods of the server."""

    version: str = "11.2.0"
    rights: list[str] = field(default_factory=lambda: list(_ADMIN))
    alerting: bool = True
    reaches: Callable[[Mapping[str, Any], str], bool] | None = None
    """Whether the database answers with that data source and password; without it, always."""
    before_change: Callable[[int], None] | None = None
    """Called with the number of each change before it is made; may raise :class:`Dropped` or :class:`No`."""
    after_change: Callable[[int], None] | None = None
    """The same after it was made and before it is answered."""
    away: bool = False
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    boards: dict[str, Kept] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: int = 0
    prefix: str = ""
    """Path below which it answers, as behind a proxy."""
    url: str = ""

    def state(self) -> dict[str, Any]:
        """All that it holds, without numbers that only ever grow."""
        return copy.deepcopy(
            {
                "folders": {uid: one["title"] for uid, one in self.folders.items()},
                "boards": {
                    uid: (one.folder_uid, {k: v for k, v in one.newest.items() if k not in {"id", "version"}})
                    for uid, one in self.boards.items()
                },
                "sources": {
                    uid: {key: value for key, value in one.items() if key != "version"}
                    for uid, one in self.sources.items()
                },
                "rules": self.rules,
                "contacts": self.contacts,
            }
        )

    def put_board(
        self,
        document: Mapping[str, Any],
        folder_uid: str = "",
        message: str = "",
        *,
        provisioned: bool = False,
    ) -> None:
        """Save a version as somebody would by hand."""
        kept = self.boards.setdefault(document["uid"], Kept(folder_uid, provisioned=provisioned))
        kept.folder_uid = folder_uid
        kept.versions.append(
            ({**copy.deepcopy(dict(document)), "id": 1, "version": len(kept.versions) + 1}, message)
        )

    # -- what it answers ---------------------------------------------------------------------------------

    def answer(self, method: str, path: str, asked: Mapping[str, list[str]], body: Any) -> Any:
        parts = [unquote(part) for part in path.split("/")[2:]]
        match method, parts:
            case "GET", ["org"]:
                return {"id": 1, "name": "Main Org."}
            case "GET", ["access-control", "user", "permissions"]:
                return {right: ["*"] for right in self.rights}
            case "GET", ["search"]:
                found = [
                    {
                        "uid": uid,
                        "title": one.newest["title"],
                        "folderUid": one.folder_uid,
                        "tags": one.newest.get("tags", []),
                        "type": "dash-db",
                    }
                    for uid, one in self.boards.items()
                ]
                return _page(found, asked)
            case _, ["folders", *rest]:
                return self._folders(method, rest, asked, body)
            case "POST", ["ds", "query"]:
                return self._query(body["queries"][0]["datasource"]["uid"])
            case _, ["datasources", *rest]:
                return self._sources(method, rest, body)
            case _, ["dashboards", *rest]:
                return self._boards(method, rest, asked, body)
            case _, ["v1", "provisioning", ("alert-rules" | "contact-points") as kind, *rest] if (
                self.alerting
            ):
                return self._alerting(method, kind, rest, body)
        raise No(404, "Not found")

    def _folders(self, method: str, rest: list[str], asked: Mapping[str, list[str]], body: Any) -> Any:
        match method, rest:
            case "GET", []:
                return _page([{"uid": u, "title": f["title"]} for u, f in self.folders.items()], asked)
            case "POST", []:
                if body["uid"] in self.folders or body["title"] in {
                    f["title"] for f in self.folders.values()
                }:
                    raise No(409, "a folder with the same name already exists in the current location")
                self.folders[body["uid"]] = {"uid": body["uid"], "title": body["title"], "version": 1}
            case "PUT", [uid]:
                if body.get("version") != self._have(self.folders, uid)["version"]:
                    raise No(412, "the folder has been changed by someone else", status="version-mismatch")
                self.folders[uid] |= {"title": body["title"], "version": body["version"] + 1}
            case "DELETE", [uid]:
                self._have(self.folders, uid)
                del self.folders[uid]
                self.boards = {u: b for u, b in self.boards.items() if b.folder_uid != uid}
                self.rules = {u: r for u, r in self.rules.items() if r["folderUID"] != uid}
                return {"message": "Folder deleted"}
            case "GET", [_]:
                pass
            case _:
                raise No(404, "Not found")
        return self._have(self.folders, rest[0] if rest else body["uid"])

    def _sources(self, method: str, rest: list[str], body: Any) -> Any:
        match method, rest:
            case "GET", []:
                return list(self.sources.values())
            case "POST", []:
                if body["name"] in {one["name"] for one in self.sources.values()}:
                    raise No(409, "data source with the same name already exists")
                self._keep_source(body, 1)
                return {"datasource": self.sources[body["uid"]], "message": "Datasource added"}
            case "PUT", ["uid", uid]:
                if self._have(self.sources, uid).get("readOnly"):
                    raise No(403, "Cannot update read-only data source")
                self._keep_source(body, self.sources[uid]["version"] + 1)
                return {"datasource": self.sources[uid], "message": "Datasource updated"}
            case "DELETE", ["uid", uid]:
                self._have(self.sources, uid)
                del self.sources[uid]
                return {"message": "Data source deleted"}
            case "GET", ["uid", uid]:
                return self._have(self.sources, uid)
        raise No(404, "Not found")

    def _query(self, uid: str) -> Any:
        source = self._have(self.sources, uid)
        if self.reaches is None or self.reaches(source, self.passwords.get(uid, "")):
            return {"results": {"A": {"status": 200, "frames": []}}}
        no = No(400, "")
        no.body = {
            "results": {"A": {"status": 400, "error": "pq: password authentication failed", "frames": []}}
        }
        raise no

    def _keep_source(self, body: Mapping[str, Any], version: int) -> None:
        plain = {key: value for key, value in body.items() if key != "secureJsonData"}
        if "secureJsonData" in body:
            self.passwords[body["uid"]] = body["secureJsonData"]["password"]
        self.sources[body["uid"]] = {
            **plain,
            "id": 1,
            "orgId": 1,
            "typeLogoUrl": "",
            "readOnly": False,
            "version": version,
            "secureJsonFields": {"password": body["uid"] in self.passwords},
        }

    def _boards(self, method: str, rest: list[str], asked: Mapping[str, list[str]], body: Any) -> Any:
        match method, rest:
            case "POST", ["db"]:
                return self._save_board(body)
            case "GET", ["uid", uid]:
                kept = self._have(self.boards, uid)
                meta = {"folderUid": kept.folder_uid, "provisioned": kept.provisioned}
                return {"dashboard": kept.newest, "meta": meta}
            case "DELETE", ["uid", uid]:
                if self._have(self.boards, uid).provisioned:
                    raise No(400, "provisioned dashboard cannot be deleted")
                del self.boards[uid]
                return {"title": uid, "message": "Dashboard deleted"}
            case "GET", ["uid", uid, "versions"]:
                listed = [
                    {"version": number + 1, "message": message, "created": "2026-11-24T08:00:00Z"}
                    for number, (_, message) in enumerate(self._have(self.boards, uid).versions)
                ][::-1][: int(asked.get("limit", ["1000"])[0])]
                # newer releases wrap the list
                wrapped = tuple(map(int, self.version.split("."))) >= (11, 6)
                return {"continueToken": "", "versions": listed} if wrapped else listed
            case "GET", ["uid", uid, "versions", number]:
                document, message = self._have(self.boards, uid).versions[int(number) - 1]
                return {"version": int(number), "message": message, "data": document}
        raise No(404, "Not found")

    def _save_board(self, body: Mapping[str, Any]) -> Any:
        document = dict(body["dashboard"])
        uid, folder = document["uid"], body["folderUid"]
        if folder and folder not in self.folders:
            raise No(400, "folder not found")
        kept = self.boards.get(uid)
        if kept is not None and kept.provisioned:
            raise No(400, "Cannot save provisioned dashboard")
        if kept is not None and document.get("version") != len(kept.versions):
            raise No(412, "The dashboard has been changed by someone else", status="version-mismatch")
        if any(
            one.folder_uid == folder and one.newest["title"] == document["title"] and other != uid
            for other, one in self.boards.items()
        ):
            raise No(412, "A dashboard with the same name in the folder already exists", status="name-exists")
        self.put_board(document, folder, body["message"])
        return {"uid": uid, "status": "success", "version": len(self.boards[uid].versions)}

    def _alerting(self, method: str, kind: str, rest: list[str], body: Any) -> Any:
        held = self.rules if kind == "alert-rules" else self.contacts
        match method, rest:
            case "GET", []:
                return list(held.values())
            case "POST", []:
                if body["uid"] in held:
                    raise No(409, "conflict: uid is taken")
                if kind == "alert-rules" and body["folderUID"] not in self.folders:
                    raise No(400, "folder does not exist")
                held[body["uid"]] = {**body, "provenance": "api"}
            case "PUT", [uid]:
                self._have(held, uid)
                held[uid] = {**body, "provenance": "api"}
            case "DELETE", [uid]:
                named = {r.get("notification_settings", {}).get("receiver") for r in self.rules.values()}
                last = (
                    [one["name"] for one in held.values()].count(self._have(held, uid)["name"]) == 1
                    if (kind == "contact-points")
                    else False
                )
                if last and held[uid]["name"] in named:
                    raise No(409, "contact point is in use by alert rules")
                del held[uid]
                return None
            case _:
                raise No(404, "Not found")
        receiver = body.get("notification_settings", {}).get("receiver")
        if receiver is not None and receiver not in {one["name"] for one in self.contacts.values()}:
            raise No(400, f"receiver {receiver} does not exist")
        return body

    @staticmethod
    def _have(held: Mapping[str, Any], uid: str) -> Any:
        if uid not in held:
            raise No(404, "Not found")
        return held[uid]


class Dropped(Exception):  # noqa: N818 - what happens
    """The connection ends without an answer."""


def _page(found: list[dict[str, Any]], asked: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    size, page = int(asked.get("limit", ["1000"])[0]), int(asked.get("page", ["1"])[0])
    return found[(page - 1) * size : page * size]


@contextmanager
def running(double: Double) -> Iterator[Double]:
    """Serve it on a free port of the loopback for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: the kernel would hold the second one back

        def _serve(self) -> None:
            parts = urlsplit(self.path.removeprefix(double.prefix))
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
            try:
                if double.away:
                    raise Dropped
                status, answer = 200, self._answer(parts.path, parse_qs(parts.query), body)
            except Dropped:
                self.close_connection = True
                return
            except No as no:
                status, answer = no.status, no.body
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(204 if answer is None else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _answer(self, path: str, asked: dict[str, list[str]], body: Any) -> Any:
            if path == "/api/health":
                return {"commit": "0", "database": "ok", "version": double.version}
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise No(401, "Invalid API key")
            if self.command == "GET" or path == "/api/ds/query":
                return double.answer(self.command, path, asked, body)
            double.changes += 1
            number = double.changes
            if double.before_change is not None:
                double.before_change(number)
            answer = double.answer(self.command, path, asked, body)
            if double.after_change is not None:
                double.after_change(number)
            return answer

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_address[1]}{double.prefix}"
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
