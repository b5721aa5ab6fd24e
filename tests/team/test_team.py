"""The team file and the tokens: what they say, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stratum_core.errors import ConfigurationError
from stratum_mcp.team import Approvals, TokenStore, load_team

URL = "https://stratum.example.org/mcp"
GOOD = f"url: {URL}\npeople:\n  alice: {{folder: a}}\n  carol: {{approves: [alice]}}\n"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a team file with two folders beside it."""
    for name in ("a", "b", "a/inner"):
        (tmp_path / name).mkdir()

    def write(text: str) -> Path:
        path = tmp_path / "team.yaml"
        path.write_text(text, "utf-8")
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def now() -> list[float]:
    """The time; a test moves it."""
    return [1_000_000.0]


@pytest.fixture
def tokens(tmp_path: Path, now: list[float]) -> TokenStore:
    return TokenStore(tmp_path / "team" / "tokens.json", clock=lambda: now[0])


def test_a_team_file_names_people_their_folders_and_who_answers_for_them(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    team = load_team(written(GOOD + "origins: [https://app.example.org]\nmax_body_kb: 64\n"))
    assert (team.url, team.host, team.path) == (URL, "stratum.example.org", "/mcp")
    assert team.people["alice"].folder == tmp_path / "a"
    assert team.approvers_of("alice") == ("carol",)
    assert (team.origins, team.max_body_bytes) == (("https://app.example.org",), 65_536)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("url: [", "cannot be read"),
        ("url: ftp://x/\npeople: {alice: {}}", "is no http"),
        ("url: http://stratum.example.org/mcp\npeople: {alice: {}}", "unencrypted"),
        (f"url: {URL}\npeople: {{}}", "people"),
        (f"url: {URL}\npeople: {{Alice: {{}}}}", "Alice"),
        (f"url: {URL}\npeople: {{../x: {{}}}}", "x"),
        (f"url: {URL}\npeople: {{alice: {{approves: [alice]}}}}", "nobody answers for themselves"),
        (f"url: {URL}\npeople: {{alice: {{approves: [bob]}}}}", "there is no 'bob'"),
        (f"url: {URL}\npeople: {{alice: {{folder: a}}, bob: {{folder: a}}}}", "lie in one another"),
        (f"url: {URL}\npeople: {{alice: {{folder: a}}, bob: {{folder: a/inner}}}}", "lie in one another"),
        (f"url: {URL}\npeople: {{alice: {{folder: nowhere}}}}", "is not there"),
        (f"url: {URL}\npeople: {{alice: {{folder: a}}}}\nkeys: 1", "keys"),
    ],
)
def test_a_wrong_team_file_is_refused_with_the_reason(
    written: Callable[[str], Path], text: str, why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why):
        load_team(written(text))


def test_a_team_file_that_others_may_write_or_that_is_not_there_is_refused(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    path = written(GOOD)
    path.chmod(0o620)
    with pytest.raises(ConfigurationError, match="written by others"):
        load_team(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_team(tmp_path / "none.yaml")


def test_a_token_is_good_for_its_person_its_address_and_its_time(
    tokens: TokenStore, now: list[float]
) -> None:
    kept, text = tokens.issue("alice", audience=URL, days=1)
    assert tokens.holder(text, audience=URL) == kept
    assert tokens.holder(text, audience="https://other.example.org/mcp") is None
    assert tokens.holder(text + "x", audience=URL) is None
    assert tokens.holder("\ud800", audience=URL) is None
    now[0] += 24 * 3600
    assert tokens.holder(text, audience=URL) is None


def test_a_revoked_token_is_refused_at_once_and_others_stay_good(tokens: TokenStore) -> None:
    kept, text = tokens.issue("alice", audience=URL, days=1)
    _, other = tokens.issue("alice", audience=URL, days=1)
    assert tokens.revoke(kept.id).revoked
    assert tokens.holder(text, audience=URL) is None
    assert tokens.holder(other, audience=URL) is not None
    with pytest.raises(ConfigurationError, match="there is no token"):
        tokens.revoke("00000000")


def test_the_token_itself_is_never_kept(tokens: TokenStore) -> None:
    _, text = tokens.issue("alice", audience=URL, days=1)
    content = tokens.path.read_text("utf-8")
    assert text not in content
    assert text.split("_", 2)[2] not in content
    assert tokens.path.stat().st_mode & 0o777 == 0o600


def test_a_token_file_that_others_may_read_or_that_is_damaged_is_refused(tokens: TokenStore) -> None:
    tokens.issue("alice", audience=URL, days=1)
    tokens.path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="others may read it"):
        tokens.all()
    tokens.path.chmod(0o600)
    tokens.path.write_text(json.dumps({"tokens": [{"id": 1}]}), "utf-8")
    with pytest.raises(ConfigurationError, match="faults in it"):
        tokens.holder("x", audience=URL)


@pytest.mark.parametrize(
    "url", ["stratum.example.org", "ftp://stratum.example.org", "http://stratum.example.org"]
)
def test_a_token_is_not_sent_unencrypted_nor_to_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Approvals(url, "token")


def test_a_server_that_is_not_there_is_a_clear_fault() -> None:
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        Approvals("http://127.0.0.1:9", "token").waiting()
