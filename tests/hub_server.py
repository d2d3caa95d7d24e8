"""A small Hub on the loopback address: what the client of `huggingface_hub` 2.4 asks, in memory.

Answered, as huggingface.co answers them to huggingface_hub 2.4.0 (and to datasets 5.2 above it):
  GET   /api/whoami-v2
  POST  /api/repos/create, /api/validate-yaml
  GET   /api/{models,datasets}/{id}, also /revision/{revision}; both with ?blobs=true
  GET   /api/.../{id}/refs, /tree/{revision}/{folder}, /commits/{revision}
  POST  /api/.../{id}/paths-info/{revision}, /branch/{name}, /tag/{revision}
  POST  /api/.../{id}/preupload/{revision}, /commit/{branch}
  POST  /{id}.git/info/lfs/objects/batch, and PUT of an object, whole or in parts
  HEAD, GET /{id}/resolve/{revision}/{file}, with ranges; large files are elsewhere (302)
Not answered: Xet, discussions, spaces, anything else (404).

Faults are planned with `fail`, `drop`, `alter` and `tamper`; `requests` lists what came in.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hub_endpoints import ROUTES, Reply, Request, answer
from hub_repos import Blob, Refused, Repo, upload_mode

BAD_TOKEN = answer(
    {"error": "Invalid username or password."},
    401,
    X_Error_Message="Invalid credentials in Authorization header",
)


@dataclass
class Fault:
    """What to do with the next so many requests whose "METHOD path" a pattern matches."""

    pattern: str
    times: int
    change: Callable[[Reply], Reply | None]
    first: bool  # in place of the true answer, instead of after it
    received: int | None = None  # bytes of the request read before closing


class HubServer(ThreadingHTTPServer):
    """The Hub; `with HubServer() as hub:` serves at `hub.endpoint` from a thread of its own."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tokens = {"hf_alice": ("alice", True), "hf_bob": ("bob", True)}
        self.tokens["hf_reader"] = ("alice", False)
        self.repos: dict[tuple[str, str], Repo] = {}
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.waits: list[float] = []  # seconds that the client would have waited, see hub_kit
        self.part_bytes: int | None = None  # large files above this size are uploaded in parts
        self.lock = threading.RLock()
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        self.storage = f"http://localhost:{self.server_port}"  # another host: gets no token

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()

    def repo(self, repo_id: str, kind: str = "model") -> Repo:
        return self.repos[f"{kind}s", repo_id]

    def add(self, repo_id: str, files: dict[str, bytes], kind: str = "model", **access: Any) -> str:
        """Makes a repository, or adds a commit to one, and returns the commit."""
        repo = self.repos.setdefault((f"{kind}s", repo_id), Repo(f"{kind}s", repo_id, **access))
        blobs = {
            path: Blob(data, upload_mode(path, len(data)) == "lfs") for path, data in files.items()
        }
        return repo.append("main", "added", {**repo.at("main").files, **blobs})

    def fail(self, pattern: str, times: int = 1, status: int = 500, **headers: str) -> None:
        """Answers the next requests with an error, undone."""
        page = {"Content-Type": "text/html", **{n.replace("_", "-"): v for n, v in headers.items()}}
        refusal = Reply(b"<html>planned</html>", status, page)
        self.faults.append(Fault(pattern, times, lambda _: refusal, first=True))

    def drop(
        self, pattern: str, times: int = 1, *, received: int | None = None, sent: int | None = None
    ) -> None:
        """Closes the connection: once so many bytes are received, or sent, or with no answer.

        With neither, the request is carried out and the answer is lost.
        """
        cut = (lambda reply: None) if sent is None else (lambda reply: replace(reply, sent=sent))
        self.faults.append(Fault(pattern, times, cut, received is not None, received))

    def alter(self, pattern: str, change: Callable[[Reply], Reply], times: int = 10**6) -> None:
        """Changes the answers to matching requests."""
        self.faults.append(Fault(pattern, times, change, first=False))

    def tamper(self, path: str, data: bytes) -> None:
        """Serves other bytes for a file than its size and hash say."""
        commits = [commit for repo in self.repos.values() for commit in repo.commits.values()]
        stored = "|".join(c.files[path].sha256 for c in commits if path in c.files)
        served = rf"GET .*(resolve/\w+/{re.escape(path)}|storage/.*({stored}))$"
        self.alter(served, lambda reply: replace(reply, body=data))

    def reply(self, request: Request) -> Reply:
        for method, pattern, handle in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and request.method in method.split("|"):
                parts = {k: unquote(v) for k, v in found.groupdict(default="").items()}
                try:
                    with self.lock:
                        return handle(self, replace(request, parts=parts))
                except Refused as refused:
                    headers = {"X-Error-Code": refused.code, "X-Error-Message": refused.message}
                    reply = answer({"error": refused.message}, refused.status)
                    return replace(reply, headers={**reply.headers, **headers})
        return answer({"error": "Sorry, we can't find the page you are looking for."}, 404)


class Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for head and body: two would wait 40 ms for the client's word
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        split = urlsplit(self.path)
        line = f"{self.command} {unquote(split.path)}"
        self.server.requests.append(line)
        fault = self.planned(line)
        length = int(self.headers.get("Content-Length") or 0)
        if fault and fault.received is not None:
            self.rfile.read(min(fault.received, length))
            fault.change(Reply())
            self.close_connection = True
            return
        body = self.rfile.read(length)
        reply: Reply | None = Reply()
        if not (fault and fault.first):
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            user, writes = self.server.tokens.get(token, (None, False))
            request = Request(
                self.command, split.path, parse_qs(split.query), self.headers, body, user, writes
            )
            known = not token or user
            reply = self.server.reply(request) if known else BAD_TOKEN
        self.send(fault.change(reply) if fault and reply else reply)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815

    def planned(self, line: str) -> Fault | None:
        with self.server.lock:
            for fault in self.server.faults:
                if fault.times > 0 and re.search(fault.pattern, line):
                    fault.times -= 1
                    return fault
        return None

    def send(self, reply: Reply | None) -> None:
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: reply.sent])
        self.close_connection = self.close_connection or reply.sent is not None

    def log_message(self, *_: Any) -> None:
        pass
