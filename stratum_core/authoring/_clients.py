"""What answers a request: the client that was set, the offline model, a provider, or a Claude Code login."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from stratum_core.authoring._configure import Settings
from stratum_core.llm import (
    CLAUDE_CLI_PREFIX,
    OFFLINE_MODEL,
    ClaudeCliClient,
    LitellmClient,
    ModelClient,
    PriceTable,
    default_model,
    with_system_keys,
)
from stratum_core.llm.offline import OfflineClient

__all__ = ["Clients", "model_of"]


def model_of(chosen: Settings) -> str:
    """Return the model of functions that name none; empty when there is none.

    A client that was set answers for every model, so one is not needed; the offline model's id then stands for it.
    """
    named = (
        chosen.default_model or os.environ.get("STRATUM_MODEL") or default_model(with_system_keys(os.environ))
    )
    return named or (OFFLINE_MODEL if chosen.client is not None else "")


@dataclass(slots=True, kw_only=True)
class Clients:
    """Picks the client of a model id: the one that was set, else the offline model or the provider's."""

    client: ModelClient | None
    _offline: OfflineClient = field(default_factory=OfflineClient)
    _providers: LitellmClient = field(default_factory=lambda: LitellmClient(with_system_keys(os.environ)))
    _login: ClaudeCliClient | None = None

    def __call__(self, model: str) -> ModelClient:
        if self.client is not None:
            return self.client
        if model.startswith(CLAUDE_CLI_PREFIX):
            self._login = self._login or ClaudeCliClient(os.environ, prices=PriceTable.load())
            return self._login
        return self._offline if model == OFFLINE_MODEL else self._providers
