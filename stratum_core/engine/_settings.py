"""Where an engine finds things: its state, the operator's policy and prices, and the folders it may read.

Everything comes from the environment once, at the rim; nothing below reads it again. Settings are never taken from a
document or a tool argument.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from stratum_core.approval import Policy, SigningKeys, load_policy
from stratum_core.commands import command_line
from stratum_core.llm import (
    PriceTable,
    SystemKeys,
    default_model,
    missing_for,
    system_keys,
    ways_to_a_model,
    with_system_keys,
)

__all__ = ["Settings"]

_APP = "stratum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one engine works with."""

    state_dir: Path
    """Holds the control file, the runs and their results; created with mode 0700."""
    roots: tuple[Path, ...]
    """Folders whose files a plan may read, and where `out` may be written."""
    policy: Policy = field(default_factory=Policy)
    prices: PriceTable = field(default_factory=PriceTable.load)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """Holds provider keys, those of the system's keyring too; handed to the runner, else only looked at for whether
    a key is there."""
    default_model: str | None = None
    """The operator's model for functions that name none; None: chosen by the keys that are there."""
    principal: str | None = None
    """Who the engine works for: at a team's server the person whose token it checked; None: the account it runs as."""
    approvers: tuple[str, ...] = ()
    """Who may answer for them at a team's server; empty where there is none."""
    keys_dir: Path = field(default_factory=lambda: Path(platformdirs.user_config_dir(_APP)) / "keys")
    """Holds the keys that sign answers of other people, outside every project."""

    @property
    def signing_keys(self) -> SigningKeys:
        """The keys that sign and check the answers of other people."""
        return SigningKeys(self.keys_dir)

    def command(self, *words: str) -> str:
        """Return a `stratum` command as the person can type it in a terminal of their own.

        At a team's server they sit at another machine, whose program and folders nobody knows here.
        """
        if self.principal is not None:
            return " ".join(("stratum", *words))
        return command_line(*words, state_dir=self.state_dir, path=self.environ.get("PATH", ""))

    @property
    def model_fault(self) -> tuple[str, str] | None:
        """Why functions that name no model would have none, and the remedy; None where they have one."""
        if self.default_model is None:
            return "no model can be used", ways_to_a_model()
        missing = missing_for(self.default_model, self.environ)
        if missing is None:
            return None
        return f"the default model {self.default_model} needs {missing.told}", missing.remedy

    @staticmethod
    def stored_keys(environ: Mapping[str, str], *, cwd: Path) -> SystemKeys:
        """Return where this account keeps provider keys; needs no policy, so that a wrong one is not in the way."""
        return system_keys(_absolute(environ, cwd))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, cwd: Path) -> Settings:
        """Read the settings.

        `STRATUM_STATE_DIR`, `STRATUM_KEYS_DIR`, `STRATUM_POLICY`, `STRATUM_PRICES`, `STRATUM_MODEL` and
        `STRATUM_ROOTS` (folders separated as in PATH) override the platform's places and the working directory.

        Relative paths start at `cwd`, here and in the environment handed to runners, which work elsewhere.

        Raises:
            ConfigurationError: The policy or price file is missing, unsafe or wrong.
        """
        environ = with_system_keys(_absolute(environ, cwd))
        state, keys = environ.get("STRATUM_STATE_DIR"), environ.get("STRATUM_KEYS_DIR")
        roots = [Path(part) for part in environ.get("STRATUM_ROOTS", "").split(os.pathsep) if part]
        policy = _policy(environ)
        prices = environ.get("STRATUM_PRICES")
        return cls(
            state_dir=Path(state) if state else Path(platformdirs.user_state_dir(_APP)),
            roots=(*(roots or [cwd]), *policy.roots),
            policy=policy,
            prices=PriceTable.load(Path(prices)) if prices else PriceTable.load(),
            environ=environ,
            default_model=environ.get("STRATUM_MODEL") or policy.default_model or default_model(environ),
            keys_dir=Path(keys) if keys else Path(platformdirs.user_config_dir(_APP)) / "keys",
        )


def _absolute(environ: Mapping[str, str], cwd: Path) -> dict[str, str]:
    """Return the environment with every path of ours made absolute."""
    found = dict(environ)
    for name in ("STRATUM_STATE_DIR", "STRATUM_KEYS_DIR", "STRATUM_POLICY", "STRATUM_PRICES"):
        if found.get(name):
            found[name] = str(cwd / found[name])
    if found.get("STRATUM_ROOTS"):
        parts = found["STRATUM_ROOTS"].split(os.pathsep)
        found["STRATUM_ROOTS"] = os.pathsep.join(str(cwd / part) for part in parts if part)
    return found


def _policy(environ: Mapping[str, str]) -> Policy:
    """Load the operator's policy: the named file must exist, the platform's place may be empty."""
    named = environ.get("STRATUM_POLICY")
    if named:
        return load_policy(Path(named))
    usual = Path(platformdirs.user_config_dir(_APP)) / "policy.yaml"
    return load_policy(usual) if usual.exists() else Policy()
