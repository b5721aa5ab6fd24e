"""The plan in plain words: what comes in, what is done with it, what leaves the machine, and the price last.

Made by general rules from the checked document, the bound data and the estimate. The text is at most 20 lines of 90
columns, holds no name of a contract and nothing an agent wrote outside quotes, and is safe in any dialog: control,
bidi and other invisible characters are gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from urllib.parse import urlsplit

from stratum_core.contracts import BoolType, ListType, MapType, RecordType, Type, is_text
from stratum_core.llm import OFFLINE_MODEL, provider_of
from stratum_core.plan._bind import BoundInput
from stratum_core.plan._module import stands_there
from stratum_core.plan._plan import Plan
from stratum_core.plan._price_words import (
    accuracy_sentence,
    calls_sentences,
    cap_sentence,
    price_sentence,
    short_price,
)
from stratum_core.plan._question import question_text
from stratum_core.plan._sent import sent_names
from stratum_core.plan._sizes import bare
from stratum_core.plan._steps import MAX_COLUMNS, merged, told_words, work_lines, wrapped
from stratum_core.plan._tell import Teller, Told
from stratum_core.plan._words import and_list, clean, name_words, plural, quoted
from stratum_core.specs import FlowSpec, InferSpec

__all__ = ["MAX_LINES", "plan_words"]

MAX_LINES = 20

_LOCAL = "Nothing leaves this machine: the built-in demonstration model answers, and no real money is spent."
_NOTHING_LEAVES = "Nothing leaves this machine."
_GOES_ON = "It keeps running if you close Claude Code or the terminal; stratum cancel RUN stops it."
_ENDS = "It ends when Claude Code or the terminal that started it is closed."
_LISTED = 8
_LISTED_PARTS = 5
_NOTES = 2
_ASKED_PHRASES = 60
"""More of them than two lines of a question hold, and than a summary has lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What both texts of a plan are made of."""

    flow: FlowSpec
    work: Sequence[Told]
    sent: Mapping[str, Sequence[str]]
    """Names of the data that go to each model."""


def plan_words(plan: Plan) -> tuple[str, str]:
    """Return the plan as a person reads it before saying yes or no, and the question a dialog asks."""
    flow = plan.program.flows[plan.flow]
    teller = Teller(program=plan.program, loops=plan.estimate.loops, most_lines=_ASKED_PHRASES)
    told = _Told(
        flow=flow,
        work=merged(teller.tell(flow)),
        sent=sent_names(plan.program, flow, plan.models),
    )
    return _summary(plan, told), _question(plan, told)


def _summary(plan: Plan, told: _Told) -> str:
    """Return the whole plan, the price last."""
    head = wrapped(_intro(plan))
    tail = [
        line
        for sentence in (
            _result(plan, told.flow),
            *_terms(plan, told),
            *_notes(plan),
            accuracy_sentence(plan),
            cap_sentence(plan),
            _consent(plan, told),
            price_sentence(plan),
        )
        for line in wrapped(sentence)
    ]
    work = work_lines(told.work, MAX_LINES - len(head) - len(tail))
    return "\n".join([*head, *work, *tail])


def _question(plan: Plan, told: _Told) -> str:
    """Return four short lines, the price last."""
    files = _written(plan)
    out = f" Writes {and_list(files)}." if files else ""
    leaving = _NOTHING_LEAVES if plan.simulated or not plan.estimate.most_calls else _sent(plan, told)
    return question_text(
        data=_intro(plan).removeprefix("Input: ").removesuffix("."),
        work=[
            told_words(part if part.depth else replace(part, lead="")) for part in told.work[:_ASKED_PHRASES]
        ],
        where=f"{leaving}{out}",
        cost=short_price(plan),
    )


def _intro(plan: Plan) -> str:
    """Say what comes in."""
    parts = [words for words in (_input_words(bound, plan.options.rows) for bound in plan.inputs) if words]
    return f"Input: {and_list(parts)}." if parts else ""


def _input_words(bound: BoundInput, rows: int | None) -> str:
    """Say what one input holds."""
    name = name_words(bound.name)
    origin = "" if bound.file is None else f" from {clean(PurePath(bound.file.shown).name, most=60)}"
    if bound.count is not None:
        first = "the first " if rows is not None and rows == bound.count else ""
        return f"{first}{_counted(bound.count, name)}{origin}"
    if bound.value is None:
        return ""
    if isinstance(bound.value, (str, int, float)) and bound.file is None:
        value = quoted(bound.value, most=50) if isinstance(bound.value, str) else str(bound.value).lower()
        return f"{name} {value}"
    return f"the {name}{origin}"


def _counted(count: int, noun: str) -> str:
    """Say how many there are of something."""
    if plural(noun) and count != 1:
        return f"{count:,} {noun}"
    return f"{count:,} {'item' if count == 1 else 'items'} of {noun}"


def _result(plan: Plan, flow: FlowSpec) -> str:
    """Say what the person gets, and where it goes."""
    where = ""
    if plan.out is not None:
        replaced = ", replacing what is there" if plan.out.exists() else ""
        where = f" It goes to {clean(plan.out.name, most=60)}{replaced}."
    return f"You get {_type_words(flow.output)}.{where}{_kept_words(plan)}"


def _consent(plan: Plan, told: _Told) -> str:
    """Say why a plan that costs nothing is asked about, too."""
    if plan.estimate.most_calls:
        return ""
    files = _written(plan)
    reasons = [f"writes {and_list(files)}"] if files else []
    if plan.registry:
        reasons.append("runs Python code on this machine")
    if any(part.asks for part in told.work):
        reasons.append("asks you something on the way")
    return (
        f"It needs your yes because {f'it {and_list(reasons)}' if reasons else 'no run starts without one'}."
    )


def _written(plan: Plan) -> list[str]:
    """Return the names of the files a run writes."""
    paths = (plan.out, _module_path(plan))
    return [clean(path.name, most=40) for path in paths if path is not None]


def _module_path(plan: Plan) -> Path | None:
    """Return where the job is written as Python; None when it is not, or when a file is there."""
    return None if plan.module is None or plan.module.path.exists() else plan.module.path


def _kept_words(plan: Plan) -> str:
    """Say where the job stays as Python; a file that stands in its way is one of the warnings."""
    module = plan.module
    if module is None:
        return ""
    name = clean(module.path.name, most=60)
    if _module_path(plan) is None:
        is_it = stands_there(module.path, module.text)
        return f" {name} is this job as Python already." if is_it else ""
    place = f"the folder {clean(module.path.parent.name, most=40)}" if plan.out is None else "the same folder"
    return f" When it is done, the job is written as Python to {name} in {place}."


def _type_words(kind: Type) -> str:
    """Describe a result by its parts."""
    kind = bare(kind)
    match kind:
        case RecordType(fields=fields):
            return and_list([_part_words(part.name, part.type) for part in fields])
        case ListType(item=item):
            inner = bare(item)
            if isinstance(inner, RecordType):
                return f"a list, each with {and_list(_names(inner))}"
            return "a list of texts" if is_text(inner) else "a list"
        case MapType():
            return "a table by key"
        case BoolType():
            return "yes or no"
        case _:
            return "one text" if is_text(kind) else "one value"


def _part_words(name: str, kind: Type) -> str:
    """Describe one part of a result."""
    kind = bare(kind)
    inner = bare(kind.item) if isinstance(kind, ListType) else None
    if isinstance(inner, RecordType):
        return f"{name_words(name)} (each with {and_list(_names(inner))})"
    return name_words(name)


def _names(kind: RecordType) -> list[str]:
    """Return the names of a record's fields in words, five of them and a count when there are many."""
    names = [name_words(part.name) for part in kind.fields]
    return (
        names
        if len(names) <= _LISTED_PARTS + 1
        else [*names[:_LISTED_PARTS], f"{len(names) - _LISTED_PARTS} more"]
    )


def _terms(plan: Plan, told: _Told) -> list[str]:
    """Say what leaves the machine, how often models are asked, and what becomes of the run when its client goes."""
    if not plan.models:
        return []
    called = [spec for name in plan.models if (spec := plan.program.functions.get(name)) is not None]
    specs = [spec for spec in called if isinstance(spec, InferSpec)]
    sentences = [_leaving(plan, told), *calls_sentences(plan, specs)]
    if any(spec.cache == "global" for spec in specs):
        sentences.append(
            "What an earlier run has on record for an equal request is used again, free of charge."
        )
    elif any(spec.cache == "session" for spec in specs):
        sentences.append("Equal requests are made and paid once.")
    sentences.append(_GOES_ON if plan.options.background else _ENDS)
    return sentences


def _leaving(plan: Plan, told: _Told) -> str:
    """Say which inputs go to whom."""
    if not plan.estimate.most_calls:
        return _NOTHING_LEAVES
    first = {model for name, model in plan.models.items() if name in plan.program.functions}
    phrases: list[str] = []
    local = False
    for model, names in told.sent.items():
        if model == OFFLINE_MODEL:
            local = True
            continue
        provider = provider_of(model)
        who = f"{provider} ({model.removeprefix(provider + '/')})" if provider else model
        who += _elsewhere(plan, provider)
        listed = list(names)[:_LISTED]
        more = [f"{len(names) - _LISTED} more"] if len(names) > _LISTED else []
        instead = "" if model in first else " if another model cannot answer"
        phrases.append(f"{and_list([*listed, *more]) or 'only the instructions'} to {who}{instead}")
    if not phrases:
        return _LOCAL if local else ""
    return f"What leaves this machine: {'; '.join(phrases)}."


def _elsewhere(plan: Plan, provider: str) -> str:
    """Say which host answers in a provider's place."""
    url = plan.endpoints.get(provider)
    return "" if url is None else f" at {clean(urlsplit(url).netloc, most=60)}"


def _sent(plan: Plan, told: _Told) -> str:
    """Say to whom what goes, the receiver first: a short line is cut at its end."""
    phrases: list[str] = []
    for model, names in told.sent.items():
        provider = provider_of(model)
        listed = and_list(list(names)) or "only the instructions"
        phrases.append(f"Sent to {provider or model}{_elsewhere(plan, provider)}: {listed}.")
    return " ".join(phrases)


def _notes(plan: Plan) -> list[str]:
    """Repeat the first warnings."""
    return [f"Note: {clean(text, most=2 * MAX_COLUMNS - 10)}." for text in plan.warnings[:_NOTES]]
