"""A stand-in for the Hugging Face hub: a real HTTP server on loopback that keeps repositories.

It answers the requests that `huggingface_hub` makes to create, list, download and commit. Weights
and graphs are stored as large files on another host: `resolve` redirects to them, and an upload
goes through `info/lfs`. Files may be cut off while they are sent, and requests may be refused.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_of_ann"
LARGE = (".safetensors", ".onnx", ".bin", ".pkl")


@dataclass
class Repository:
    """`commits`: hash -> files by name. `refs`: branch or tag -> hash."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """Sizes that are reported in place of the real ones."""

    def commit(self, files: dict[str, bytes], ref: str = "main") -> str:
        names = "".join(sorted(files)).encode()
        digest = hashlib.sha1(names + b"".join(files.values()) + str(len(self.commits)).encode())
        self.commits[digest.hexdigest()] = files
        self.refs[ref] = digest.hexdigest()
        return digest.hexdigest()

    def files(self, revision: str = "main") -> dict[str, bytes]:
        return self.commits[self.refs.get(revision, revision)]


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.headers = {"X-Error-Code": code, "X-Error-Message": message}


class HubServer:
    """Repositories by name, and what was asked for them.

    `refuse`: called with the method and the path of each request; it may raise `RefusedError`.
    `cuts`: after how many bytes the next answers with a large file end. `pull_requests`: the files
    of each pull request. `ranges`: the parts of large files that were asked for.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.uploaded: dict[str, bytes] = {}
        self.pull_requests: list[dict[str, bytes]] = []
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.cuts: list[int] = []
        self.refuse: Callable[[str, str], None] = lambda method, path: None
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": self})
        )
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a client may end a connection
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.storage_url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> "HubServer":
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def asked(self, pattern: str) -> list[str]:
        """The requests, as METHOD PATH, that match."""
        return [request for request in self.requests if re.search(pattern, request)]


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self.path, self.query = unquote(url.path), parse_qs(url.query)
        self.body = self._read_body()
        self.hub.requests.append(f"{self.command} {self.path}")
        try:
            self.hub.refuse(self.command, self.path)
            for pattern, method in ROUTES:
                if match := re.fullmatch(pattern, f"{self.command} {self.path}"):
                    return method(self, *match.groups())
            raise RefusedError(404, "", f"no route {self.path}")
        except RefusedError as refusal:
            self._send(refusal.status, b"{}", refusal.headers)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _user(self) -> str | None:
        """The owner of the token; None without a token."""
        given = self.headers.get("Authorization")
        if given is None:
            return None
        if given != f"Bearer {TOKEN}":
            raise RefusedError(401, "", "Invalid credentials in Authorization header")
        return "ann"

    def _repository(self, name: str) -> Repository:
        """As the hub does: 401 without a token, 404 with one, if it may not be read."""
        user, repository = self._user(), self.hub.repositories.get(name)
        if repository is None or (repository.private and user != name.partition("/")[0]):
            raise RefusedError(404 if user else 401, "RepoNotFound", "Repository not found")
        return repository

    def _commit_hash(self, repository: Repository, revision: str) -> str:
        commit = repository.refs.get(revision, revision)
        if commit not in repository.commits:
            raise RefusedError(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def _own(self, name: str) -> Repository:
        if self._user() is None:
            raise RefusedError(401, "", "Invalid username or password.")
        if name.partition("/")[0] != "ann":
            raise RefusedError(
                403, "", "You don't have the rights to create a model in this namespace"
            )
        return self._repository(name)

    def who_am_i(self) -> None:
        self._send_json({"name": self._user(), "type": "user"})

    def validate(self) -> None:
        self._send_json({"errors": [], "warnings": []})

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked['organization'] or 'ann'}/{asked['name']}"
        if self._user() is None:
            raise RefusedError(401, "", "Invalid username or password.")
        if name.partition("/")[0] != "ann":
            raise RefusedError(
                403, "", "You don't have the rights to create a model in this namespace"
            )
        url = {"url": f"{self.hub.url}/{name}"}
        if name in self.hub.repositories:
            return self._send(409, json.dumps(url).encode())
        repository = Repository(private=asked.get("visibility") == "private")
        repository.commit({".gitattributes": b""})
        self.hub.repositories[name] = repository
        return self._send_json(url)

    def info(self, name: str, revision: str | None = None) -> None:
        repository = self._repository(name)
        commit = self._commit_hash(repository, revision or "main")
        files = [{"rfilename": path} for path in repository.commits[commit]]
        self._send_json(
            {"id": name, "sha": commit, "private": repository.private, "siblings": files}
        )

    def tree(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        self._send_json(self._entries(repository, self._commit_hash(repository, revision)))

    def paths(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        asked = parse_qs(self.body.decode())["paths"]
        entries = self._entries(repository, self._commit_hash(repository, revision))
        self._send_json([entry for entry in entries if entry["path"] in asked])

    def _entries(self, repository: Repository, commit: str) -> list[dict[str, Any]]:
        entries = []
        for path, content in repository.commits[commit].items():
            size = repository.sizes.get(path, len(content))
            entry = {"type": "file", "path": path, "size": size, "oid": git_hash(content)}
            if path.endswith(LARGE):
                entry["lfs"] = {"oid": sha256(content), "size": size, "pointerSize": 134}
            entries.append(entry)
        return entries

    def resolve(self, name: str, revision: str, path: str) -> None:
        repository = self._repository(name)
        commit = self._commit_hash(repository, revision)
        headers = {"X-Repo-Commit": commit}
        content = repository.commits[commit].get(path)
        if content is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", **headers})
        if not path.endswith(LARGE):
            return self._send(200, content, headers | {"ETag": f'"{git_hash(content)}"'})
        oid = sha256(content)
        self.hub.uploaded[oid] = content
        linked = {"X-Linked-ETag": f'"{oid}"', "X-Linked-Size": str(len(content))}
        return self._send(
            302, b"", headers | linked | {"Location": f"{self.hub.storage_url}/lfs/{oid}"}
        )

    def large_file(self, oid: str) -> None:
        content, total = self.hub.uploaded[oid], len(self.hub.uploaded[oid])
        headers, status, start = {"ETag": f'"{oid}"'}, 200, 0
        if asked := self.headers.get("Range"):
            self.hub.ranges.append(asked)
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            status, headers["Content-Range"] = 206, f"bytes {start}-{total - 1}/{total}"
        headers["Content-Length"] = str(total - start)
        if self.command == "HEAD" or not self.hub.cuts:
            return self._send(status, content[start:], headers)
        end = start + self.hub.cuts.pop(0)
        self.close_connection = True
        return self._send(status, content[start:end], headers)

    def preupload(self, name: str, revision: str) -> None:
        repository = self._own(name)
        files = repository.commits[self._commit_hash(repository, revision)]
        answers = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                "shouldIgnore": False,
                "oid": git_hash(files[file["path"]]) if file["path"] in files else None,
            }
            for file in json.loads(self.body)["files"]
        ]
        self._send_json({"files": answers})

    def lfs_batch(self, name: str) -> None:
        self._own(name)
        answers = []
        for file in json.loads(self.body)["objects"]:
            href = f"{self.hub.storage_url}/lfs/{file['oid']}"
            answers.append(file | {"actions": {"upload": {"href": href, "header": {}}}})
        self._send_json({"transfer": "basic", "objects": answers})

    def upload(self, oid: str) -> None:
        assert sha256(self.body) == oid
        self.hub.uploaded[oid] = self.body
        self._send(200, b"")

    def branch(self, name: str, branch: str) -> None:
        repository = self._own(name)
        repository.refs[branch] = repository.refs["main"]
        self._send_json({})

    def commit(self, name: str, revision: str) -> None:
        repository = self._own(name)
        parent = self._commit_hash(repository, revision)
        lines = [json.loads(line) for line in self.body.splitlines()]
        if lines[0]["value"].get("parentCommit", parent) != parent:
            raise RefusedError(
                412, "", "A commit has happened since. Please refresh and try again."
            )
        files = dict(repository.commits[parent])
        for value in (line["value"] for line in lines if line["key"] == "file"):
            files[value["path"]] = base64.b64decode(value["content"])
        for value in (line["value"] for line in lines if line["key"] == "lfsFile"):
            files[value["path"]] = self.hub.uploaded[value["oid"]]
        for value in (line["value"] for line in lines if line["key"] == "deletedFile"):
            del files[value["path"]]
        answer = {}
        if "create_pr" in self.query:
            self.hub.pull_requests.append(files)
            number = len(self.hub.pull_requests)
            commit = repository.commit(files, f"refs/pr/{number}")
            answer["pullRequestUrl"] = f"{self.hub.url}/{name}/discussions/{number}"
        else:
            commit = repository.commit(files, revision)
        url = f"{self.hub.url}/{name}/commit/{commit}"
        self._send_json(answer | {"success": True, "commitOid": commit, "commitUrl": url})


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


_REPOSITORY = r"([\w.-]+/[\w.-]+)"
ROUTES = [
    (r"GET /api/whoami-v2", _Handler.who_am_i),
    (r"POST /api/validate-yaml", _Handler.validate),
    (r"POST /api/repos/create", _Handler.create),
    (rf"GET /api/models/{_REPOSITORY}", _Handler.info),
    (rf"GET /api/models/{_REPOSITORY}/revision/(.+)", _Handler.info),
    (rf"GET /api/models/{_REPOSITORY}/tree/(.+)", _Handler.tree),
    (rf"POST /api/models/{_REPOSITORY}/paths-info/(.+)", _Handler.paths),
    (rf"POST /api/models/{_REPOSITORY}/preupload/(.+)", _Handler.preupload),
    (rf"POST /api/models/{_REPOSITORY}/branch/(.+)", _Handler.branch),
    (rf"POST /api/models/{_REPOSITORY}/commit/(.+)", _Handler.commit),
    (rf"POST /{_REPOSITORY}\.git/info/lfs/objects/batch", _Handler.lfs_batch),
    (rf"(?:HEAD|GET) /{_REPOSITORY}/resolve/([^/]+|refs/pr/\d+)/(.+)", _Handler.resolve),
    (r"(?:HEAD|GET) /lfs/(\w+)", _Handler.large_file),
    (r"PUT /lfs/(\w+)", _Handler.upload),
]
