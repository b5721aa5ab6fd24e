"""The operator's policy: a YAML file that says what may be planned and what needs no question.

```yaml
default_model: openai/gpt-4o-mini
models_allowed: [openai/*, offline]   # names or patterns; without it any model
max_usd: 20                           # the largest cap a plan may have
max_rows: 10000                       # the most rows a plan may bind
roots: [/srv/data]                    # further directories plans may read
approve_up_to_usd: 0.10               # plans with a cap up to this need no person ...
approve_models: [offline]             # ... if they use only these models
approve_flows: [main@0f3ac1d2]        # ... and run one of these flows (NAME, or NAME@start of its hash)
require_remote_above_usd: 50          # above this no answer given on this account is enough
limits: { day_usd: 5, project_usd: 50 }  # over all runs; each reserves its whole cap from both
possibly_paid: retry                  # or ask, or fail: calls cut off after they were sent
plan_ttl_hours: 24
approval_ttl_minutes: 60
compute:                              # Python files that documents may run by these names
  verify_part: { file: verify_part.py, timeout_s: 10, memory_mb: 512, env: [PARTS_DIR] }
```
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, cast

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stratum_core.budget import PossiblyPaid
from stratum_core.errors import ConfigurationError
from stratum_core.journal import SpendLimits
from stratum_core.money import Nusd, to_nusd
from stratum_core.specs import RegisteredFunction

__all__ = ["Policy", "load_policy"]

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator allows; the default allows everything and approves nothing."""

    source: Path | None = None
    """The file it was read from."""
    default_model: str | None = None
    models_allowed: tuple[str, ...] | None = None
    """Names or patterns (`openai/*`); None: any model."""
    max_nusd: Nusd | None = None
    """The largest cap a plan may have."""
    max_rows: int | None = None
    """The most rows a plan may bind."""
    roots: tuple[Path, ...] = ()
    """Further directories plans may read."""
    approve_up_to_nusd: Nusd | None = None
    """Plans with a cap up to this are approved without a question; None: every plan is asked about."""
    approve_models: tuple[str, ...] | None = None
    """... if they use only these models; None: any allowed one."""
    approve_flows: tuple[str, ...] | None = None
    """... and run one of these flows (NAME or NAME@start of the document's hash); None: any."""
    require_remote_above_nusd: Nusd | None = None
    """Plans with a larger cap, or none, need an answer from outside this account."""
    limits: SpendLimits = field(default_factory=SpendLimits)
    """What may be spent on one day and by one project; a run reserves its whole cap from both."""
    possibly_paid: PossiblyPaid = "retry"
    """What happens to a call whose request may have been paid for without an answer."""
    runner_memory_mb: int | None = None
    """What a runner may hold, in MiB; a run whose runner comes to it is interrupted. None: no limit."""
    warm_start_minutes: float = 5
    """How long a runner that was started while a person reads a plan waits for their yes; 0: none is."""
    plan_ttl_hours: float = 24
    """How long a plan may be approved and started."""
    approval_ttl_minutes: float = 60
    """How long a yes may start its run."""
    compute: Mapping[str, RegisteredFunction] = field(default_factory=dict[str, RegisteredFunction])
    """Python files that documents may run, by name."""


def _exact(value: object) -> object:
    """Read a YAML number through its shortest text, so that 0.1 is ten cents."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


_Usd = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, allow_inf_nan=False)]
_Names = Annotated[tuple[str, ...], Field(strict=False)]


_RegisteredName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
_Variables = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...], Field(strict=False)
]


class _ComputeEntry(BaseModel):
    """One registered Python file as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    file: Annotated[str, Field(pattern=r"\.py$")]
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    memory_mb: Annotated[int, Field(ge=64, le=1 << 20)] = 512
    env: _Variables = ()


class _LimitsEntry(BaseModel):
    """The limits over all runs as they are written."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    day_usd: _Usd | None = None
    project_usd: _Usd | None = None


class _PolicyFile(BaseModel):
    """The file as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    default_model: str | None = None
    models_allowed: _Names | None = None
    max_usd: _Usd | None = None
    max_rows: Annotated[int, Field(ge=0)] | None = None
    roots: _Names = ()
    approve_up_to_usd: _Usd | None = None
    approve_models: _Names | None = None
    approve_flows: _Names | None = None
    require_remote_above_usd: _Usd | None = None
    limits: _LimitsEntry = _LimitsEntry()
    possibly_paid: PossiblyPaid = "retry"
    runner_memory_mb: Annotated[int, Field(ge=256, le=1 << 20)] | None = None
    warm_start_minutes: Annotated[float, Field(ge=0, le=60)] = 5
    plan_ttl_hours: Annotated[float, Field(gt=0, le=24 * 365)] = 24
    approval_ttl_minutes: Annotated[float, Field(gt=0, le=60 * 24 * 365)] = 60
    compute: Mapping[_RegisteredName, _ComputeEntry] = Field(default_factory=dict[str, _ComputeEntry])


def load_policy(path: Path) -> Policy:
    """Read a policy file.

    Args:
        path: The file; relative `roots` in it are relative to its directory.

    Raises:
        ConfigurationError: It cannot be read, others than its owner may write it, it is not YAML, or it says
            something a policy cannot say.
    """
    text = _read(path)
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        twice = _repeated_key(node)
        content: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f"the policy file {path} is not YAML: {error}", remedy="repair it"
        ) from error
    if twice is not None:
        raise ConfigurationError(f"the policy file {path} says {twice!r} twice", remedy="say it once")
    try:
        read = _PolicyFile.model_validate({} if content is None else content)
    except ValidationError as error:
        raise ConfigurationError(
            f"the policy file {path} is wrong: {_faults(error, node)}",
            remedy="correct these keys; nothing is planned or run until then",
        ) from error
    return Policy(
        source=path,
        default_model=read.default_model,
        models_allowed=read.models_allowed,
        max_nusd=_nusd(read.max_usd),
        max_rows=read.max_rows,
        roots=tuple((path.parent / root).resolve() for root in read.roots),
        approve_up_to_nusd=_nusd(read.approve_up_to_usd),
        approve_models=read.approve_models,
        approve_flows=read.approve_flows,
        require_remote_above_nusd=_nusd(read.require_remote_above_usd),
        limits=SpendLimits(day_nusd=_nusd(read.limits.day_usd), project_nusd=_nusd(read.limits.project_usd)),
        possibly_paid=read.possibly_paid,
        runner_memory_mb=read.runner_memory_mb,
        warm_start_minutes=read.warm_start_minutes,
        plan_ttl_hours=read.plan_ttl_hours,
        approval_ttl_minutes=read.approval_ttl_minutes,
        compute={name: _registered(path.parent, entry) for name, entry in read.compute.items()},
    )


def _registered(folder: Path, entry: _ComputeEntry) -> RegisteredFunction:
    """Return an entry with its file's place; the file itself is read when a plan needs it."""
    return RegisteredFunction(
        file=str((folder / entry.file).resolve()),
        timeout_s=entry.timeout_s,
        memory_mb=entry.memory_mb,
        environ=entry.env,
    )


def _read(path: Path) -> str:
    """Return the file's text, looking at the modes of the very file that is read."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the policy file {path} cannot be read: {error}",
            remedy="see that it is a text file of this account",
        ) from error
    if mode & _OTHERS_WRITE:
        raise ConfigurationError(
            f"the policy file {path} can be written by others (mode {stat.S_IMODE(mode):o})",
            remedy=f"take that right away: chmod go-w {path}",
        )
    return text


def _repeated_key(node: yaml.Node | None) -> str | None:
    """Return the first key that a mapping holds twice: YAML would silently keep the last one."""
    if not isinstance(node, yaml.MappingNode):
        return None
    keys = [str(key.value) for key, _ in node.value]
    return next((key for at, key in enumerate(keys) if key in keys[:at]), None)


def _faults(error: ValidationError, node: yaml.Node | None) -> str:
    """Say what is wrong, each with its line."""
    told: list[str] = []
    for fault in error.errors(include_url=False, include_context=False):
        where = [str(part) for part in fault["loc"]]
        line = _line_of(node, where)
        said = _unknown(where) if fault["type"] == "extra_forbidden" else fault["msg"]
        told.append(f"{f'line {line}, ' if line else ''}{'.'.join(where) or 'the file'}: {said}")
    return "; ".join(told)


def _unknown(where: Sequence[str]) -> str:
    """Say that there is no such setting, and which was probably meant."""
    entries = {"limits": _LimitsEntry, "compute": _ComputeEntry}
    known = entries.get(where[0], _PolicyFile) if len(where) > 1 else _PolicyFile
    close = difflib.get_close_matches(where[-1], known.model_fields, n=1)
    return f"there is no such setting; did you mean {close[0]}?" if close else "there is no such setting"


def _line_of(node: yaml.Node | None, where: Sequence[str]) -> int | None:
    """Return the line of the deepest key on the way to a value; None where there is none."""
    line: int | None = None
    for name in where:
        pairs = cast(
            "list[tuple[yaml.Node, yaml.Node]]", node.value if isinstance(node, yaml.MappingNode) else []
        )
        found = next((pair for pair in pairs if pair[0].value == name), None)
        if found is None:
            break
        line, node = cast("int", found[0].start_mark.line) + 1, found[1]
    return line


def _nusd(usd: Decimal | None) -> Nusd | None:
    return None if usd is None else to_nusd(usd)
