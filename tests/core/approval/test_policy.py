"""The operator's policy file: strict, private, exact about money."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratum_core.approval import Policy, load_policy
from stratum_core.errors import ConfigurationError
from stratum_core.journal import SpendLimits
from stratum_core.money import Nusd
from stratum_core.specs import RegisteredFunction

FULL = """
default_model: openai/gpt-4o-mini
models_allowed: [openai/*, offline]
max_usd: 20
max_rows: 10000
roots: [data, /srv/reviews]
approve_up_to_usd: 0.1
approve_models: [offline]
approve_flows: [main@0f3ac1d2]
require_remote_above_usd: 50
limits: { day_usd: 5, project_usd: 0.1 }
possibly_paid: ask
plan_ttl_hours: 12
approval_ttl_minutes: 15
compute:
  verify_part: { file: code/verify_part.py, timeout_s: 2.5, memory_mb: 128, env: [PARTS_DIR] }
  plain: { file: /srv/plain.py }
"""


def _write(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_policy_file_is_read_whole_and_money_exactly(tmp_path: Path) -> None:
    path = _write(tmp_path, FULL)
    assert load_policy(path) == Policy(
        source=path,
        default_model="openai/gpt-4o-mini",
        models_allowed=("openai/*", "offline"),
        max_nusd=Nusd(20_000_000_000),
        max_rows=10_000,
        roots=((tmp_path / "data").resolve(), Path("/srv/reviews")),
        approve_up_to_nusd=Nusd(100_000_000),
        approve_models=("offline",),
        approve_flows=("main@0f3ac1d2",),
        require_remote_above_nusd=Nusd(50_000_000_000),
        limits=SpendLimits(day_nusd=5_000_000_000, project_nusd=100_000_000),
        possibly_paid="ask",
        plan_ttl_hours=12,
        approval_ttl_minutes=15,
        compute={
            "verify_part": RegisteredFunction(
                file=str((tmp_path / "code" / "verify_part.py").resolve()),
                timeout_s=2.5,
                memory_mb=128,
                environ=("PARTS_DIR",),
            ),
            "plain": RegisteredFunction(file="/srv/plain.py"),
        },
    )


def test_an_empty_policy_file_is_the_default(tmp_path: Path) -> None:
    path = _write(tmp_path, "# nothing yet\n")
    assert load_policy(path) == Policy(source=path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_uds: 20", "max_uds"),
        ("max_usd: -1", "max_usd"),
        ("max_usd: .nan", "max_usd"),
        ("max_usd: yes", "max_usd"),
        ("max_usd: '20'", "max_usd"),
        ("max_rows: 1.5", "max_rows"),
        ("models_allowed: offline", "models_allowed"),
        ("models_allowed: [no]", "models_allowed"),
        ("approval_ttl_minutes: 0", "approval_ttl_minutes"),
        ("compute: {Part: {file: a.py}}", "compute"),
        ("compute: {part: {file: a.sh}}", "compute.part.file"),
        ("compute: {part: {module: 'os:system'}}", "compute.part.module"),
        ("compute: {part: {file: a.py, timeout_s: 0}}", "compute.part.timeout_s"),
        ("compute: {part: {file: a.py, memory_mb: 1}}", "compute.part.memory_mb"),
        ("compute: {part: {file: a.py, env: ['A=B']}}", "compute.part.env"),
        ("max_usd: 1\nmax_usd: 100", "twice"),
        ("max_usd: [1", "YAML"),
        ("- max_usd", "the file"),
        ("default_model: !!python/object/apply:os.getcwd []", "YAML"),
    ],
)
def test_a_wrong_policy_file_is_refused_naming_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_policy(_write(tmp_path, text))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_policy_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = _write(tmp_path, FULL, mode)
    with pytest.raises(ConfigurationError, match=f"chmod go-w {path}"):
        load_policy(path)


def test_a_policy_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_policy(tmp_path / "missing.yaml")
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"default_model: \xe9")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_policy(path)
