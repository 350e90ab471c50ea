"""The writing part of the Hub's protocol: new repositories, card validation, commits and pull requests."""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

_COMMIT = re.compile(r"/api/(?P<kind>models|datasets)/(?P<id>[^/]+/[^/]+)/(?P<what>preupload|commit)/(?P<revision>.+)")
_OWN = "Bearer hf_own"


@dataclass(frozen=True)
class Commit:
    """A commit; its kind is `models` or `datasets`."""

    kind: str
    id: str
    files: dict[str, bytes]
    summary: str
    description: str
    pull_request: bool


@dataclass(frozen=True)
class Reply:
    """Status and JSON body of a response."""

    status: int
    body: dict[str, Any]


@dataclass
class Writes:
    """All writes.

    Attributes:
        created: The requests that created repositories.
        account: The owner of the token `hf_own`.
        refused: Read-only repositories.
    """

    commits: list[Commit] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    account: dict[str, Any] = field(default_factory=lambda: {"name": "me", "orgs": [{"name": "my-org"}]})
    refused: set[str] = field(default_factory=set)

    def answer(self, target: str, token: str | None, body: bytes, *, url: str) -> Reply:
        """Answer a request that writes, or asks for the account."""
        path = unquote(urlsplit(target).path)
        if path == "/api/validate-yaml":
            return _checked_card(json.loads(body)["content"])
        if token != _OWN:
            return Reply(401, {"error": "Invalid username or password."})
        if path == "/api/whoami-v2":
            return Reply(200, self.account)
        if path == "/api/repos/create":
            repository = json.loads(body)
            self.created.append(repository)
            kind, owner, name = (repository[key] for key in ("type", "organization", "name"))
            return Reply(200, {"url": f"{url}/{kind}s/{owner}/{name}"})
        return self._into_repository(target, path, body, url)

    def _into_repository(self, target: str, path: str, body: bytes, url: str) -> Reply:
        match = _COMMIT.fullmatch(path)
        if match is None or match["id"] in self.refused:
            return Reply(403, {"error": "This repository is not yours."})
        if match["what"] == "preupload":
            files = json.loads(body)["files"]
            modes = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]
            return Reply(200, {"files": modes})
        return self._commit(match, "create_pr" in parse_qs(urlsplit(target).query), body, url)

    def _commit(self, match: re.Match[str], pull_request: bool, body: bytes, url: str) -> Reply:
        lines = [json.loads(line) for line in body.splitlines()]
        head = next(line["value"] for line in lines if line["key"] == "header")
        files = {
            line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
        }
        self.commits.append(
            Commit(match["kind"], match["id"], files, head["summary"], head["description"], pull_request)
        )
        page, sha = f"{url}/{match['id']}", "c" * 40
        discussion = f"{page}/discussions/{len(self.commits)}" if pull_request else None
        urls = {"commitUrl": f"{page}/commit/{sha}", "pullRequestUrl": discussion}
        return Reply(200, {"success": True, "commitOid": sha, **urls})


def _checked_card(content: str) -> Reply:
    head = content.split("---")[1] if content.startswith("---") else ""
    try:
        data = yaml.safe_load(head)
    except yaml.YAMLError as error:
        return Reply(400, {"errors": [{"message": str(error)}], "warnings": []})
    if not isinstance(data, dict):
        return Reply(200, {"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]})
    return Reply(200, {"errors": [], "warnings": []})
