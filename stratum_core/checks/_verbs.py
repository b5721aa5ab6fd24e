"""Rules about the seven verbs: what each one needs, and the type of what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stratum_core.checks._calls import check_call
from stratum_core.checks._context import Context
from stratum_core.checks._debate import check_debate
from stratum_core.checks._flow_scope import FlowScope
from stratum_core.checks._names import did_you_mean, nearest
from stratum_core.checks._outcomes import VerbOutcome, record
from stratum_core.checks._signatures import ANY
from stratum_core.contracts import (
    AnyType,
    DateTimeType,
    EnumType,
    ListType,
    NeverType,
    StringType,
    Type,
    describe,
    join,
    optional,
)
from stratum_core.ir import AwaitHuman, Branch, Invalid, Parallel, Path, Race, Step, parse_duration
from stratum_core.ir.expressions import CompiledExpression
from stratum_core.specs import Branch as BranchSpec
from stratum_core.specs import ComputeVerb, HumanVerb, ParallelVerb, RaceVerb

__all__ = ["check_verb"]


def check_verb(context: Context, path: Path, step: Step, scope: FlowScope) -> VerbOutcome:
    """Report what is wrong with a step's verb."""
    match step.verb:
        case "function" | "flow":
            return _call(context, path, step, scope)
        case "compute":
            return _compute(path, step, scope)
        case "parallel" if step.parallel is not None:
            return _parallel(context, (*path, "parallel"), step.parallel, scope)
        case "race" if step.race is not None:
            return _race(context, (*path, "race"), step.race, scope)
        case "debate" if step.debate is not None:
            return check_debate(context, (*path, "debate"), step.debate, scope)
        case "await_human" if step.await_human is not None:
            return _await_human(context, (*path, "await_human"), step.await_human, scope)
        case _:
            return VerbOutcome(verb=None, type=ANY)


def _call(context: Context, path: Path, step: Step, scope: FlowScope) -> VerbOutcome:
    """Check a single call."""
    call = check_call(context, path, step, scope)
    return VerbOutcome(verb=call.verb, type=call.value, tainted=call.tainted)


def _compute(path: Path, step: Step, scope: FlowScope) -> VerbOutcome:
    """Check an expression over the input and earlier steps."""
    expression = scope.compile((*path, "compute"), step.compute)
    if expression is None:
        return VerbOutcome(verb=None, type=ANY)
    return VerbOutcome(
        verb=ComputeVerb(expression=expression),
        type=expression.type,
        tainted=scope.taint.is_tainted(expression),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branches:
    """The checked branches of a parallel or race."""

    types: Mapping[str, Type]
    specs: tuple[BranchSpec, ...]
    """Those without a diagnostic."""
    tainted: bool

    @property
    def right(self) -> bool:
        """Whether none has a diagnostic."""
        return len(self.specs) == len(self.types)


def _branches(
    context: Context,
    path: Path,
    branches: Mapping[str, Branch | Invalid],
    scope: FlowScope,
) -> _Branches:
    """Check every branch."""
    types: dict[str, Type] = {}
    specs: list[BranchSpec] = []
    tainted = False
    for name, branch in branches.items():
        if isinstance(branch, Invalid):
            types[name] = ANY
            continue
        call = check_call(context, (*path, "branches", name), branch, scope)
        types[name] = call.value
        tainted |= call.tainted
        if call.verb is not None:
            specs.append(BranchSpec(name=name, call=call.verb))
    return _Branches(types=types, specs=tuple(specs), tainted=tainted)


def _race(context: Context, path: Path, race: Race, scope: FlowScope) -> VerbOutcome:
    """Check branches of which the first acceptable value wins."""
    branches = _branches(context, path, race.branches, scope)
    kind = _common(context, path, "a race", branches)
    verb = RaceVerb(branches=branches.specs) if branches.right else None
    return VerbOutcome(verb=verb, type=kind, tainted=branches.tainted)


def _parallel(context: Context, path: Path, parallel: Parallel, scope: FlowScope) -> VerbOutcome:
    """Check branches that run together."""
    branches = _branches(context, path, parallel.branches, scope)
    required = parallel.require
    if isinstance(required, int) and required > len(parallel.branches):
        context.findings.add(
            "E328",
            (*path, "require"),
            f"{required} branches are required, but there are only {len(parallel.branches)}",
            suggestion=f"write {len(parallel.branches)} or less, or all",
            fix=context.findings.replacement((*path, "require"), "all"),
        )
    match required:
        case "all":
            kind: Type = record(branches.types)
        case 0:
            kind = record({name: optional(branch) for name, branch in branches.types.items()})
        case "any":
            kind = _common(context, path, "a parallel step with `require: any`", branches)
        case _:
            kind = ListType(
                item=_common(context, path, f"a parallel step with `require: {required}`", branches)
            )
    validate = None
    if parallel.validate_ is not None:
        validate = scope.over_results((*path, "validate"), parallel.validate_, kind)
    verb = None
    if branches.right:
        verb = ParallelVerb(
            branches=branches.specs,
            require=required,
            validate=validate,
            concurrency=parallel.concurrency,
        )
    return VerbOutcome(verb=verb, type=kind, tainted=branches.tainted)


def _common(context: Context, path: Path, what: str, branches: _Branches) -> Type:
    """Return the type that holds the value of any branch; `any` after reporting that there is none."""
    common: Type = NeverType()
    for kind in branches.types.values():
        joined = join(common, kind)
        if joined is None:
            given = ", ".join(f"{name}: {describe(other)}" for name, other in branches.types.items())
            context.findings.add(
                "E327",
                (*path, "branches"),
                f"{what} gives the value of any branch, but these have no common type ({given})",
                suggestion="let the branches give the same contract, or use parallel with `require: all`",
                key=True,
            )
            return ANY
        common = joined
    return ANY if isinstance(common, NeverType) else common


def _await_human(context: Context, path: Path, human: AwaitHuman, scope: FlowScope) -> VerbOutcome:
    """Check a question to a person."""
    show: dict[str, CompiledExpression] = {}
    for name, form in human.show.items():
        expression = scope.compile((*path, "show", name), form)
        if expression is not None:
            show[name] = expression
    answer = _answer(context, path, human)
    right = len(show) == len(human.show)
    if human.on_timeout != "fail":
        right &= _check_timeout(context, path, human, answer)
    text = optional(StringType())
    kind = record(
        {"value": answer, "reviewer": text, "rationale": text, "decided_at": DateTimeType()},
        name=context.own_name("HumanDecision"),
    )
    verb = None
    if right:
        verb = HumanVerb(
            question=human.question,
            show=show,
            options=human.options,
            answer=answer,
            timeout_s=None if human.timeout is None else parse_duration(human.timeout),
            on_timeout=None if human.on_timeout == "fail" else human.on_timeout,
        )
    return VerbOutcome(verb=verb, type=kind)


def _answer(context: Context, path: Path, human: AwaitHuman) -> Type:
    """Return the type of the person's answer."""
    if human.type is not None:
        return context.types.read((*path, "type"), human.type)
    return EnumType(human.options) if human.options else StringType()


def _check_timeout(context: Context, path: Path, human: AwaitHuman, answer: Type) -> bool:
    """Report an answer on timeout that cannot be; return whether it is right."""
    at: Path = (*path, "on_timeout")
    if human.timeout is None:
        context.findings.add(
            "E336",
            at,
            f"`on_timeout: {human.on_timeout}` without `timeout`",
            suggestion="add a timeout, for example timeout: 24h",
            key=True,
        )
    options = (
        [value for value in answer.values if isinstance(value, str)] if isinstance(answer, EnumType) else []
    )
    if human.on_timeout in options or isinstance(answer, AnyType):
        return human.timeout is not None
    guess = nearest(human.on_timeout, ["fail", *options])
    context.findings.add(
        "E335",
        at,
        f"`{human.on_timeout}` is neither `fail` nor one of the options",
        suggestion=did_you_mean(guess, "answers", ["fail", *options]),
        fix=context.findings.replacement(at, guess),
    )
    return False
