"""Registered functions in a plan: pinned by digest, refused when they changed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from stratum_core.errors import ConfigurationError, PlanError
from stratum_core.registry import pin_registered, read_registered, registry_record, reopen_registered
from stratum_core.specs import RegisteredFunction

CODE = b"print(1)\n"


@pytest.fixture
def entry(tmp_path: Path) -> RegisteredFunction:
    file = tmp_path / "part.py"
    file.write_bytes(CODE)
    file.chmod(0o600)
    return RegisteredFunction(file=str(file), timeout_s=2.5, memory_mb=64, environ=("PARTS",))


def test_only_the_named_functions_are_pinned_with_their_digests(entry: RegisteredFunction) -> None:
    missing = RegisteredFunction(file="/nowhere/gone.py")
    pinned = pin_registered(["part", "part"], {"part": entry, "gone": missing})
    assert pinned == {"part": replace(entry, sha256=hashlib.sha256(CODE).hexdigest())}
    assert reopen_registered(registry_record(pinned)) == pinned


def test_a_function_the_policy_does_not_register_is_refused(entry: RegisteredFunction) -> None:
    with pytest.raises(ConfigurationError, match="registers no Python function 'other'"):
        pin_registered(["other"], {"part": entry})


def test_a_file_that_is_gone_too_large_or_open_to_others_is_refused(entry: RegisteredFunction) -> None:
    file = Path(entry.file)
    file.chmod(0o622)
    with pytest.raises(ConfigurationError, match="written by others"):
        pin_registered(["part"], {"part": entry})
    file.chmod(0o600)
    file.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ConfigurationError, match="more than"):
        pin_registered(["part"], {"part": entry})
    file.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        pin_registered(["part"], {"part": entry})


def test_a_pinned_function_whose_code_changed_is_refused(entry: RegisteredFunction) -> None:
    pinned = pin_registered(["part"], {"part": entry})
    Path(entry.file).write_bytes(b"print(2)\n")
    with pytest.raises(PlanError, match="'part' was changed after the plan was made"):
        reopen_registered(registry_record(pinned))
    assert read_registered("part", entry) == b"print(2)\n"
