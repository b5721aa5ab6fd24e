"""The work of a flow, told step by step: instructions as their author wrote them, conditions and counts in words."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from stratum_core.contracts import BoolType, Field, ListType, RecordType, Type
from stratum_core.plan._rules import tree_of
from stratum_core.plan._sizes import bare
from stratum_core.plan._tell_verbs import (
    debate_words,
    human_words,
    modifier_words,
    together_words,
    undecided_words,
)
from stratum_core.plan._walked import LoopCount
from stratum_core.plan._words import (
    and_list,
    condition_words,
    name_words,
    plural,
    quoted,
    threshold_words,
    type_of,
    verb_of,
)
from stratum_core.specs import (
    Branch,
    CallVerb,
    ComputeSpec,
    ComputeVerb,
    DebateVerb,
    FlowSpec,
    ForEach,
    HumanVerb,
    InferSpec,
    ParallelVerb,
    Parameter,
    Program,
    RaceVerb,
    StepSpec,
)

__all__ = ["Teller", "Told"]


_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the work."""

    depth: int
    lead: str = ""
    """The condition or loop in front."""
    text: str = ""
    """What is done; empty when the lines below, one deeper, say it."""
    opens: bool = False
    """Whether the lines below, one deeper, belong to the text."""
    steps: int = 1
    """How many steps of the work begin with this line; 0 for a head, and for what belongs to the step above."""
    asks: bool = False
    """Whether a person is asked something here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What the steps of one flow are told with."""

    flow: FlowSpec
    types: Mapping[str, Type]
    calls: Mapping[str, int]
    """How many steps call each function or flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Tells flows of one program."""

    program: Program
    loops: Mapping[str, LoopCount]
    most_lines: int
    """Lines of one flow that get words; those after them are only counted, and stand without."""

    def tell(self, flow: FlowSpec, depth: int = 0, *, many: bool = False) -> list[Told]:
        """Return the lines of a flow; `many` inside a loop, where findings single out some of the items."""
        types = _flow_types(flow)
        called = Counter(step.verb.target for step in flow.steps if isinstance(step.verb, CallVerb))
        scene = _Scene(flow=flow, types=types, calls=called)
        judged = _judged_fields(flow)
        worth_telling = self._worth_telling(flow, judged)
        lines: list[Told] = []
        wordless = Told(depth=depth)
        worked_out: list[str] = []
        for step in flow.steps:
            if self._is_computed(step):
                if step.id in worth_telling:
                    worked_out.append(name_words(step.id))
                continue
            lines.extend(_work_out(worked_out, depth))
            worked_out = []
            if len(lines) >= self.most_lines and self._asks_once(step):
                lines.append(wordless)
            else:
                lines.extend(self._step(scene, step, depth, many=many))
        lines.extend(_work_out(worked_out, depth))
        lines.extend(self._judgement(flow, name, node, types, depth, many=many) for name, node in judged)
        return lines

    def _worth_telling(self, flow: FlowSpec, judged: Sequence[tuple[str, ast.expr]]) -> frozenset[str]:
        """Return the computing steps a person would ask about: figures of the result, not what leads to them."""
        if not any(isinstance(function, InferSpec) for function in self.program.functions.values()):
            return frozenset(step.id for step in flow.steps)
        told = {node.id for _, node in judged if isinstance(node, ast.Name)}
        fields = _returned_fields(flow).values()
        return frozenset(node.id for node in fields if isinstance(node, ast.Name)) - told

    def _is_computed(self, step: StepSpec) -> bool:
        """Return whether a step calls nothing that is worth telling."""
        if isinstance(step.verb, ComputeVerb):
            return True
        function = self.program.functions.get(step.verb.target) if isinstance(step.verb, CallVerb) else None
        return isinstance(function, ComputeSpec)

    def _asks_once(self, step: StepSpec) -> bool:
        """Return whether a step calls a function that asks a model, which takes one line in any case."""
        verb = step.verb
        return isinstance(verb, CallVerb) and isinstance(self.program.functions.get(verb.target), InferSpec)

    def _items_of(self, flow: FlowSpec, loop: ForEach) -> ast.expr:
        """Return what a loop goes over, looking through steps that only choose from another list."""
        node = tree_of(loop.items)
        for _ in flow.steps:
            step = next((s for s in flow.steps if isinstance(node, ast.Name) and s.id == node.id), None)
            if step is None or not isinstance(step.verb, ComputeVerb) or step.for_each is not None:
                break
            chosen = tree_of(step.verb.expression)
            if not isinstance(chosen, (ast.ListComp, ast.Subscript, ast.Attribute, ast.Call)):
                break
            node = chosen
        return node

    def _step(self, scene: _Scene, step: StepSpec, depth: int, *, many: bool) -> list[Told]:
        """Tell one step with its condition and its loop."""
        types = scene.types
        when = "" if step.when is None else f"when {condition_words(tree_of(step.when), types)}"
        if step.for_each is None:
            return self._work(scene, step, when, depth, many=many)
        header = _each_words(self._items_of(scene.flow, step.for_each), types, self.loops.get(step.path))
        return self._work(scene, step, f"{when}, {header}" if when else header, depth, many=True)

    def _work(self, scene: _Scene, step: StepSpec, lead: str, depth: int, *, many: bool) -> list[Told]:
        """Tell what a step does, behind its condition or loop."""
        inner = self._verb(scene, step, depth, many=many)
        if not lead or not inner:
            return inner
        first = inner[0]
        if len(inner) == 1 and not first.lead:
            return [replace(first, lead=lead)]
        if first.lead and not first.text and all(part.depth > depth for part in inner[1:]):
            return [replace(first, lead=f"{lead}, {first.lead}"), *inner[1:]]
        return [
            Told(depth=depth, lead=lead, steps=0),
            *(replace(part, depth=part.depth + 1) for part in inner),
        ]

    def _verb(self, scene: _Scene, step: StepSpec, depth: int, *, many: bool) -> list[Told]:
        """Tell what a step does once."""
        match step.verb:
            case ComputeVerb():
                return []
            case CallVerb(target=target):
                return self._call(step.verb, depth, many=many, numbers=scene.calls[target] > 1)
            case ParallelVerb(branches=branches) | RaceVerb(branches=branches):
                lines = [line for branch in branches for line in self._branch(branch, branches, depth + 1)]
                inner = [line if line.asks else replace(line, steps=0) for line in lines]
                return [Told(depth=depth, lead=together_words(step.verb)), *inner] if inner else []
            case DebateVerb():
                return self._debate(step.verb, depth)
            case HumanVerb():
                return [Told(depth=depth, text=human_words(step.verb), asks=True)]
            case _:
                assert_never(step.verb)

    def _call(self, call: CallVerb, depth: int, *, many: bool, numbers: bool) -> list[Told]:
        """Tell a call of a flow or of a function that asks a model."""
        if call.kind == "flow":
            return self.tell(self.program.flows[call.target], depth, many=many)
        function = self.program.functions[call.target]
        if not isinstance(function, InferSpec):
            return []
        given = _literal_words(call, numbers=numbers)
        return [Told(depth=depth, text=self._asked(function, given))]

    def _asked(self, function: InferSpec, given: str = "") -> str:
        """Return a function's instruction as its author wrote it, and how often it is asked."""
        intent = quoted(_lower_first(_first_sentence(function.intent)))
        return f"{intent}{given}{modifier_words(function, self.program)}"

    def _branch(self, branch: Branch, branches: Sequence[Branch], depth: int) -> list[Told]:
        """Tell one of several calls, by its name where the call alone does not tell it from the others."""
        same = sum(other.call.target == branch.call.target for other in branches) > 1
        lines = self._call(branch.call, depth, many=False, numbers=same)
        if not lines:
            return [Told(depth=depth, text=f"work out {name_words(branch.name)}")]
        name = name_words(branch.name)
        if len(lines) > 1:
            return [Told(depth=depth, lead=name), *(replace(part, depth=part.depth + 1) for part in lines)]
        return [replace(lines[0], lead=f"for {name}")] if same and not lines[0].lead else lines

    def _debate(self, verb: DebateVerb, depth: int) -> list[Told]:
        """Tell who argues, what ends it, and who concludes."""
        functions = [self.program.functions[name] for name in (*verb.agents, verb.synthesize)]
        *sides, conclusion = (
            self._asked(function) for function in functions if isinstance(function, InferSpec)
        )
        undecided = undecided_words(verb, functions[-1].output)
        return [
            Told(depth=depth, text=debate_words(verb), opens=True),
            *(Told(depth=depth + 1, text=side, steps=0) for side in sides),
            *(
                [Told(depth=depth, text=undecided, steps=0, asks=verb.unresolved == "human")]
                if undecided
                else []
            ),
            Told(depth=depth, text=f"then {conclusion}", steps=0),
        ]

    def _judgement(
        self, flow: FlowSpec, name: str, node: ast.expr, types: Mapping[str, Type], depth: int, *, many: bool
    ) -> Told:
        """Tell a yes-or-no field of the result by the rule behind it."""
        rule, scope = self._rule_behind(flow, node, types)
        verb = verb_of(name)
        threshold = threshold_words(rule, scope) if many else None
        if threshold is not None:
            which = f"those with {threshold}"
        else:
            which = f"{'those where' if many else 'when'} {condition_words(rule, scope)}"
        it = "" if many else "it "
        does = f"{verb} {it}" if verb else f"mark {it}as {quoted(name_words(name))} "
        return Told(depth=depth, text=does + which)

    def _rule_behind(
        self, flow: FlowSpec, node: ast.expr, types: Mapping[str, Type]
    ) -> tuple[ast.expr, Mapping[str, Type]]:
        """Return the condition itself when a field repeats the value of a computing step."""
        step = next((s for s in flow.steps if isinstance(node, ast.Name) and s.id == node.id), None)
        if step is None:
            return node, types
        if isinstance(step.verb, ComputeVerb):
            return tree_of(step.verb.expression), types
        function = self.program.functions.get(step.verb.target) if isinstance(step.verb, CallVerb) else None
        body = function.expression if isinstance(function, ComputeSpec) else None
        if isinstance(function, ComputeSpec) and body is not None and not isinstance(body, Mapping):
            return tree_of(body), _parameter_types(function.inputs)
        return node, types


def _work_out(names: Sequence[str], depth: int) -> list[Told]:
    """Tell values that are computed without a model."""
    return [Told(depth=depth, text=f"work out {and_list(names)}")] if names else []


def _each_words(node: ast.expr, types: Mapping[str, Type], count: LoopCount | None) -> str:
    """Return the head of a loop: how many there are of what."""
    condition = ""
    if isinstance(node, ast.ListComp):
        clause = node.generators[0]
        if clause.ifs and isinstance(clause.target, ast.Name):
            kind = bare(type_of(clause.iter, types))
            inner = {**types, clause.target.id: kind.item if isinstance(kind, ListType) else kind}
            condition = f" where {condition_words(clause.ifs[0], inner)}"
        node = clause.iter
    noun = _list_noun(node)
    several = plural(noun)
    if count is not None and count.exact and count.runs == 1:
        if count.items == 1:
            return (
                f"for the only one of the {noun}{condition}"
                if several
                else f"for the only item of {noun}{condition}"
            )
        number = f"{count.items:,} "
        return f"for each of the {number}{noun if several else f'items of {noun}'}{condition}"
    bound = f" (at most {count.items:,})" if count is not None and not count.exact and count.runs == 1 else ""
    return (
        f"for each of the {noun}{bound}{condition}"
        if several
        else f"for each item of {noun}{bound}{condition}"
    )


def _list_noun(node: ast.expr) -> str:
    """Return what the items of a list are called: the last name on the way to it."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name_words(name)
        case ast.Subscript(value=inner) | ast.Call(func=ast.Attribute(value=inner)):
            return _list_noun(inner)
        case ast.Call(args=[inner, *_]) | ast.BinOp(left=inner):
            return _list_noun(inner)
        case ast.ListComp(generators=[clause]):
            return _list_noun(clause.iter)
        case _:
            return "list"


def _first_sentence(text: str) -> str:
    """Return the first sentence of an instruction; what follows is detail for the model."""
    return _SENTENCE_END.split(text.strip(), maxsplit=1)[0].rstrip(".")


def _literal_words(verb: CallVerb, *, numbers: bool) -> str:
    """Return what a call gives literally: texts, and numbers too where only they tell two calls apart."""
    found: list[str] = []
    for name, part in verb.inputs.items():
        node = tree_of(part)
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str):
            found.append(f"{name_words(name)} {quoted(value, most=40)}")
        elif numbers and isinstance(value, (int, float)):
            found.append(f"{name_words(name)} {str(value).lower()}")
    return f" ({and_list(found)})" if found else ""


def _lower_first(text: str) -> str:
    """Start in small letters, unless the first word is an abbreviation."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _parameter_types(parameters: Sequence[Parameter]) -> dict[str, Type]:
    return {parameter.name: parameter.type for parameter in parameters}


def _flow_types(flow: FlowSpec) -> dict[str, Type]:
    """Return the types of what a flow's expressions can name."""
    given = RecordType(fields=tuple(Field(name=p.name, type=p.type) for p in flow.inputs))
    types: dict[str, Type] = {"input": given}
    for step in flow.steps:
        types[step.id] = step.type
    return types


def _judged_fields(flow: FlowSpec) -> list[tuple[str, ast.expr]]:
    """Return the yes-or-no fields of a flow's value that a rule of the document decides."""
    kind = bare(flow.output)
    if not isinstance(kind, RecordType):
        return []
    booleans = {part.name for part in kind.fields if isinstance(bare(part.type), BoolType)}
    computed = {step.id for step in flow.steps if _is_judgement(step)}
    return [
        (name, node)
        for name, node in _returned_fields(flow).items()
        if name in booleans
        and (
            isinstance(node, (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Call))
            or (isinstance(node, ast.Name) and node.id in computed)
        )
    ]


def _is_judgement(step: StepSpec) -> bool:
    """Return whether a step may compute a yes or no."""
    return step.for_each is None and isinstance(bare(step.type), BoolType)


def _returned_fields(flow: FlowSpec) -> dict[str, ast.expr]:
    """Return the expression of each field of the returned record, also of one made in a step of its own."""
    if isinstance(flow.returns, Mapping):
        return {name: tree_of(expression) for name, expression in flow.returns.items()}
    node = tree_of(flow.returns)
    if isinstance(node, ast.Name):
        step = next((s for s in flow.steps if s.id == node.id), None)
        if step is not None and isinstance(step.verb, ComputeVerb) and step.for_each is None:
            node = tree_of(step.verb.expression)
    if not isinstance(node, ast.Dict):
        return {}
    return {
        str(key.value): value
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
    }
