"""Channels say who could have answered, and a terminal knows when it is none."""

from __future__ import annotations

from typing import get_args

import psutil
import pytest

from stratum_core.approval import (
    Channel,
    channel_class,
    channel_meaning,
    inside_agent,
    terminal_refusal,
    this_principal,
)


@pytest.mark.parametrize("channel", get_args(Channel))
def test_every_channel_but_another_persons_is_local_and_none_is_called_strong(channel: Channel) -> None:
    assert channel_class(channel) == ("remote" if channel == "remote" else "local")
    assert channel_meaning(channel)
    assert "strong" not in channel_meaning(channel)


@pytest.mark.parametrize(("value", "inside"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_an_agents_shell_is_known_by_its_mark(value: str, inside: bool) -> None:
    assert inside_agent({"CLAUDECODE": value}) is inside
    assert inside_agent({}) is False


def test_a_terminal_is_refused_inside_an_agent_and_without_a_terminal() -> None:
    assert "agent" in (terminal_refusal({"CLAUDECODE": "1"}, has_terminal=True) or "")
    assert "no terminal" in (terminal_refusal({}, has_terminal=False) or "")
    assert terminal_refusal({}, has_terminal=True) is None


def test_the_principal_is_the_account_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "someone-else")
    monkeypatch.setenv("LOGNAME", "someone-else")
    assert this_principal().startswith(f"{psutil.Process().username()}@")
