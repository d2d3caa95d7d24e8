"""What the test Hub answers: one function per endpoint, named in `hub_server`."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from hub_cards import faults_of
from hub_repos import Blob, Refused, Repo, upload_mode

if TYPE_CHECKING:
    from hub_server import HubServer


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Any
    body: bytes
    user: str | None
    writes: bool
    parts: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Reply:
    """An answer; with `sent`, the connection is closed after so many bytes of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None


def answer(content: Any, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(
        json.dumps(content).encode(), status, {"Content-Type": "application/json", **named}
    )


ROUTES: list[tuple[str, str, Callable[["HubServer", Request], Reply]]] = []
API = r"/api/(?P<kind>models|datasets)/(?P<id>[^/]+/[^/]+)"
GIT = r"/(?:(?P<kind>datasets)/)?(?P<id>[^/]+/[^/]+)"
REV = r"(?P<revision>[^/]+)"


def route(method: str, pattern: str) -> Any:
    def register(handle: Any) -> Any:
        ROUTES.append((method, pattern, handle))
        return handle

    return register


def seen(hub: "HubServer", request: Request, write: bool = False) -> Repo:
    """Returns the repository asked for, if the user may read it, or write to it."""
    repo = hub.repos.get((request.parts["kind"] or "models", request.parts["id"]))
    owner = request.user is not None and request.parts["id"].startswith(f"{request.user}/")
    if repo is None or (repo.private and not owner):
        if request.user is None:
            raise Refused(401, "RepoNotFound", "Invalid username or password.")
        raise Refused(404, "RepoNotFound", "Repository not found")
    if write and not (owner and request.writes):
        status = 403 if request.user else 401
        raise Refused(status, "", f"You need write access to {repo.id}")
    return repo


@route("GET", "/api/whoami-v2")
def whoami(hub: "HubServer", request: Request) -> Reply:
    if request.user is None:
        raise Refused(401, "", "Invalid username or password.")
    role = "write" if request.writes else "read"
    return answer({"name": request.user, "type": "user", "auth": {"accessToken": {"role": role}}})


@route("POST", "/api/repos/create")
def create(hub: "HubServer", request: Request) -> Reply:
    asked = request.json()
    name, kind = asked.get("organization") or request.user, f"{asked.get('type', 'model')}s"
    if request.user is None:
        raise Refused(401, "", "Invalid username or password.")
    if name != request.user or not request.writes:
        message = f"You don't have the rights to create a repo under the namespace {name!r}"
        raise Refused(403, "", message)
    repo_id = f"{name}/{asked['name']}"
    url = f"{hub.endpoint}/{'datasets/' * (kind == 'datasets')}{repo_id}"
    if (kind, repo_id) in hub.repos:
        return answer({"error": "You already created this repo", "url": url}, 409)
    hub.repos[kind, repo_id] = Repo(kind, repo_id, private=asked.get("visibility") == "private")
    return answer({"url": url, "name": repo_id, "id": repo_id})


@route("POST", "/api/validate-yaml")
def validate(hub: "HubServer", request: Request) -> Reply:
    errors, warnings = faults_of(request.json()["content"], request.json()["repoType"])
    found = {"errors": [{"message": m} for m in errors]}
    return answer({**found, "warnings": [{"message": m} for m in warnings]}, 400 if errors else 200)


@route("GET", rf"{API}(?:/revision/{REV})?")
def info(hub: "HubServer", request: Request) -> Reply:
    repo = seen(hub, request)
    commit = repo.at(request.parts["revision"] or "main")
    siblings = [
        {"rfilename": path, **(described(path, blob) if "blobs" in request.query else {})}
        for path, blob in sorted(commit.files.items())
    ]
    return answer(
        {"id": repo.id, "sha": commit.sha, "private": repo.private, "siblings": siblings}
        | {"gated": "manual" if repo.gated else False, "tags": [], "downloads": 0}
    )


def described(path: str, blob: Blob) -> dict[str, Any]:
    """What `siblings` (blobId, lfs.sha256) and the tree (oid, lfs.oid) say of a file."""
    size = len(blob.data)
    lfs = {"oid": blob.sha256, "sha256": blob.sha256, "size": size}
    lfs["pointerSize"] = len(blob.pointer)
    entry = {"type": "file", "path": path, "size": size, "oid": blob.oid, "blobId": blob.oid}
    return {**entry, **({"lfs": lfs} if blob.lfs else {})}


def entries(files: Any, folder: str) -> dict[str, dict[str, Any]]:
    """Describes the files and the folders under a folder, by path."""
    start = f"{folder}/" if folder else ""
    found = {path: described(path, blob) for path, blob in files.items() if path.startswith(start)}
    for path in list(found):
        for end in re.finditer("/", path[len(start) :]):
            name = path[: len(start) + end.start()]
            found[name] = {"type": "directory", "path": name, "size": 0, "oid": "0" * 40}
    return dict(sorted(found.items()))


@route("GET", rf"{API}/tree/{REV}(?:/(?P<path>.*))?")
def tree(hub: "HubServer", request: Request) -> Reply:
    folder, recursive = request.parts["path"], request.query.get("recursive", [""])[0]
    found = entries(seen(hub, request).at(request.parts["revision"]).files, folder)
    if folder and not found:
        raise Refused(404, "EntryNotFound", f"{folder} does not exist")
    depth = folder.count("/") + bool(folder)
    deep = recursive.lower() == "true"
    return answer([e for path, e in found.items() if deep or path.count("/") == depth])


@route("POST", rf"{API}/paths-info/{REV}")
def paths_info(hub: "HubServer", request: Request) -> Reply:
    found = entries(seen(hub, request).at(request.parts["revision"]).files, "")
    asked = parse_qs(request.body.decode()).get("paths", [])
    return answer([found[path] for path in asked if path in found])


@route("GET", rf"{API}/refs")
def refs(hub: "HubServer", request: Request) -> Reply:
    repo = seen(hub, request)
    listed = {
        "branches": [(name, f"refs/heads/{name}", sha) for name, sha in repo.branches.items()],
        "tags": [(name, f"refs/tags/{name}", sha) for name, sha in repo.tags.items()],
    }
    named = {
        kind: [{"name": n, "ref": ref, "targetCommit": sha} for n, ref, sha in found]
        for kind, found in listed.items()
    }
    return answer({**named, "converts": []})


@route("GET", rf"{API}/commits/{REV}")
def commits(hub: "HubServer", request: Request) -> Reply:
    repo = seen(hub, request)
    line = [repo.at(request.parts["revision"])]
    while line[-1].parent:
        line.append(repo.commits[line[-1].parent])
    day = "2026-01-01T00:00:00.000Z"
    return answer(
        [{"id": c.sha, "title": c.title, "message": "", "date": day, "authors": []} for c in line]
    )


@route("POST", rf"{API}/(?P<what>branch|tag)/{REV}")
def name_commit(hub: "HubServer", request: Request) -> Reply:
    repo, asked = seen(hub, request, write=True), request.json()
    names, name, start = repo.branches, request.parts["revision"], asked.get("startingPoint")
    if request.parts["what"] == "tag":
        names, name, start = repo.tags, asked["tag"], request.parts["revision"]
    if name in names:
        raise Refused(409, "", f"Reference already exists: {name}")
    names[name] = repo.at(start or "main").sha
    return answer({"name": name})


@route("POST", rf"{API}/preupload/{REV}")
def preupload(hub: "HubServer", request: Request) -> Reply:
    files = seen(hub, request, write=True).at(request.parts["revision"]).files
    asked = [(f["path"], f["size"], files.get(f["path"])) for f in request.json()["files"]]
    return answer(
        {
            "files": [
                {"path": path, "uploadMode": upload_mode(path, size), "shouldIgnore": False}
                | ({"oid": there.sha256 if there.lfs else there.oid} if there else {})
                for path, size, there in asked
            ]
        }
    )


@route("POST", rf"{API}/commit/{REV}")
def commit(hub: "HubServer", request: Request) -> Reply:
    repo = seen(hub, request, write=True)
    sha = repo.apply(request.parts["revision"], map(json.loads, request.body.splitlines()))
    prefix = "datasets/" * (repo.kind == "datasets")
    return answer({"commitUrl": f"{hub.endpoint}/{prefix}{repo.id}/commit/{sha}", "commitOid": sha})


@route("POST", rf"{GIT}\.git/info/lfs/objects/batch")
def batch(hub: "HubServer", request: Request) -> Reply:
    repo = seen(hub, request, write=True)
    objects = []
    for wanted in request.json()["objects"]:
        if wanted["oid"] not in repo.stored:
            href = f"{hub.storage}/storage/{repo.kind}/{repo.id}/{wanted['oid']}"
            upload: dict[str, Any] = {"href": href}
            if hub.part_bytes and wanted["size"] > hub.part_bytes:
                count = -(-wanted["size"] // hub.part_bytes)
                urls = {str(n + 1): f"{href}/{n + 1}" for n in range(count)}
                upload["header"] = {"chunk_size": str(hub.part_bytes), **urls}
            wanted = {**wanted, "actions": {"upload": upload}}
        objects.append(wanted)
    return answer({"transfer": "basic", "objects": objects})


@route("PUT|POST", rf"/storage/(?P<kind>[^/]+)/(?P<id>[^/]+/[^/]+)/{REV}(?:/(?P<part>\d+))?")
def upload(hub: "HubServer", request: Request) -> Reply:
    """Takes an object, a part of one, or (POST) the word that all parts were sent."""
    repo = hub.repos[request.parts["kind"], request.parts["id"]]
    oid, part = request.parts["revision"], request.parts["part"]
    body = request.body
    if request.method == "POST":
        body = b"".join(
            repo.stored.pop(f"{oid}/{p['partNumber']}") for p in request.json()["parts"]
        )
    repo.stored[f"{oid}/{part}" if part else oid] = body
    return Reply(headers={"ETag": f'"{part}"'})


@route("HEAD|GET", rf"{GIT}/resolve/{REV}/(?P<path>.*)")
def resolve(hub: "HubServer", request: Request) -> Reply:
    repo = seen(hub, request)
    owner = request.user is not None and repo.id.startswith(f"{request.user}/")
    if repo.gated and not owner and request.user not in repo.readers:
        status = 403 if request.user else 401
        raise Refused(status, "GatedRepo", f"Access to {repo.id} is restricted")
    commit = repo.at(request.parts["revision"])
    blob = repo.blob(commit.sha, request.parts["path"])
    headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{blob.oid}"', "Accept-Ranges": "bytes"}
    if not blob.lfs:
        return ranged(blob.data, request, headers)
    repo.stored[blob.sha256] = blob.data
    linked = {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(len(blob.data))}
    location = f"{hub.storage}/storage/{repo.kind}/{repo.id}/{blob.sha256}"
    return Reply(b"", 302, {**headers, **linked, "Location": location})


@route("GET", r"/storage/(?P<kind>[^/]+)/(?P<id>[^/]+/[^/]+)/(?P<oid>\w+)")
def storage(hub: "HubServer", request: Request) -> Reply:
    if request.headers.get("Authorization"):
        raise Refused(400, "", "a token was sent to the storage host")
    repo = hub.repos[request.parts["kind"], request.parts["id"]]
    return ranged(repo.stored[request.parts["oid"]], request, {"Accept-Ranges": "bytes"})


def ranged(data: bytes, request: Request, headers: dict[str, str]) -> Reply:
    """Returns the bytes asked for by a `Range` header, or all."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range") or "")
    if not found:
        return Reply(data, 200, headers)
    start, end = int(found[1]), int(found[2] or len(data) - 1)
    shown = f"bytes {start}-{min(end, len(data) - 1)}/{len(data)}"
    return Reply(data[start : end + 1], 206, {**headers, "Content-Range": shown})
