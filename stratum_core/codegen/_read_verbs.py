"""Awaited calls read back: which verb a call of the library is, and what it is given."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from stratum_core.codegen._read_expressions import Reading, UnreadableError
from stratum_core.codegen._read_types import literal_value, read_annotation
from stratum_core.contracts import JsonScalar
from stratum_core.ir import AwaitHuman, Branch, Debate, Expr, LongType, Parallel, Race, Step

__all__ = ["Callee", "ModuleNames", "VerbReader"]

_UNITS = {"seconds": "s", "minutes": "m", "hours": "h", "days": "d"}

Callee: TypeAlias = tuple[Literal["function", "flow"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleNames:
    """What the names of a module mean."""

    callees: Mapping[str, Callee] = field(default_factory=dict[str, Callee])
    """Its functions and flows: their kind, and what a document calls them."""
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The parameters of each of them, in order."""
    library: Mapping[str, str] = field(default_factory=dict[str, str])
    """What it has imported, by the name it uses: the name the thing has where it comes from."""
    reading: Reading = field(default_factory=Reading)
    """Its contracts, dataclasses, and functions of the expression language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbReader:
    """Reads the calls of one flow; every method raises UnreadableError for what no document can say."""

    names: ModuleNames
    reading: Reading
    """With the variables so far."""
    branches: Mapping[str, Branch] = field(default_factory=dict[str, Branch])
    """Calls that were made and not awaited yet."""

    def step(self, step_id: str, node: ast.expr) -> Step:
        """Return the step of an awaitable, without its `when`."""
        called = self.library_name(node)
        if called == "each" and isinstance(node, ast.Call):
            return self._each(step_id, node)
        if called == "or_none" and isinstance(node, ast.Call):
            inner = self.step(step_id, self._only(node))
            if inner.for_each is not None or inner.on_error != "fail":
                raise UnreadableError(node, "`or_none` stands around one call")
            return replace(inner, on_error="none")
        match node:
            case ast.Call(args=[ast.Starred(value=ast.GeneratorExp() | ast.ListComp() as items)]) if (
                called == "parallel" and not {one.arg for one in node.keywords} - {"concurrency", "validate"}
            ):
                # All of them are needed: one call for each item, none of which may fail.
                return self._each(step_id, ast.Call(func=node.func, args=[items], keywords=node.keywords))
            case _:
                return self.verb(step_id, node)

    def library_name(self, node: ast.expr) -> str:
        """Return which function of the library is called; empty for any other."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.names.library.get(node.func.id, "")
        return ""

    def verb(self, step_id: str, node: ast.expr) -> Step:
        """Return the step that is nothing but a verb."""
        if not isinstance(node, ast.Call):
            raise UnreadableError(node, f"`{ast.unparse(node)}` is awaited, but is no call")
        match self.library_name(node):
            case "parallel":
                return Step(id=step_id, verb="parallel", parallel=self.parallel(node, None))
            case "race":
                race = Race(branches=self.named_branches(node.args))
                return Step(id=step_id, verb="race", race=race)
            case "debate" | "debate_outcome":
                return Step(id=step_id, verb="debate", debate=self._debate(node))
            case "await_human":
                return Step(id=step_id, verb="await_human", await_human=self._human(node))
            case _:
                branch = self.call(node)
                verb: Literal["function", "flow"] = "function" if branch.function is not None else "flow"
                return Step(
                    id=step_id, verb=verb, function=branch.function, flow=branch.flow, inputs=branch.inputs
                )

    def call(self, node: ast.expr) -> Branch:
        """Return a call of a function or flow of the module."""
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if not isinstance(node, ast.Call) or called not in self.names.callees:
            raise UnreadableError(
                node, f"`{ast.unparse(node)}` calls no infer, compute or flow of the module"
            )
        kind, target = self.names.callees[called]
        inputs: dict[str, Expr] = {}
        for name, argument in zip(self.names.inputs[called], node.args, strict=False):
            inputs[name] = self.reading.text(argument)
        for keyword in node.keywords:
            if keyword.arg is None:
                raise UnreadableError(keyword.value, "`**` hides which inputs are given")
            inputs[keyword.arg] = self.reading.text(keyword.value)
        if kind == "function":
            return Branch(function=target, inputs=inputs)
        return Branch(flow=target, inputs=inputs)

    def parallel(self, node: ast.Call, fields: Sequence[str] | None) -> Parallel:
        """Return a parallel; `fields` name the branches where a record takes them apart."""
        options = self._options(node, ("require", "validate", "concurrency"))
        require: Literal["all", "any"] | int = "all"
        if "require" in options:
            found = literal_value(options["require"])
            if found not in {"all", "any"} and not isinstance(found, int):
                raise UnreadableError(options["require"], f"`require={found!r}` is no number of branches")
            require = found if isinstance(found, int) else "any" if found == "any" else "all"
        calls = list(node.args)
        if calls and all(self.library_name(call) == "or_none" for call in calls):
            require = 0
            calls = [self._only(call) for call in calls if isinstance(call, ast.Call)]
        branches = (
            self.named_branches(calls)
            if fields is None
            else dict(zip(fields, (self.call(call) for call in calls), strict=True))
        )
        return Parallel(
            branches=branches,
            require=require,
            validate_=self._over_results(options.get("validate")),
            concurrency=_count(options.get("concurrency")),
        )

    def named_branches(self, calls: Sequence[ast.expr]) -> dict[str, Branch]:
        """Return branches by the variables they were put in, or by what they call."""
        branches: dict[str, Branch] = {}
        for call in calls:
            if isinstance(call, ast.Name) and call.id in self.branches:
                name, branch = call.id.removesuffix("_"), self.branches[call.id]
            else:
                branch = self.call(call)
                name = branch.function or branch.flow or ""
            if name in branches:
                raise UnreadableError(call, f"two branches are called `{name}`; put them in variables first")
            branches[name] = branch
        return branches

    def _each(self, step_id: str, node: ast.Call) -> Step:
        """Return a step that runs for each item."""
        options = self._options(node, ("concurrency", "require", "on_error", "validate"))
        made = self._only(node, keywords=True)
        if not isinstance(made, (ast.GeneratorExp, ast.ListComp)) or len(made.generators) != 1:
            raise UnreadableError(node, "`each` takes a generator with one `for`")
        clause = made.generators[0]
        if clause.ifs:
            raise UnreadableError(clause.ifs[0], "filter the items with a comprehension before `each`")
        source, target = clause.iter, clause.target
        values: dict[str, str] = {}
        match source, target:
            case (
                ast.Call(func=ast.Name(id="enumerate"), args=[items], keywords=[]),
                ast.Tuple(elts=[ast.Name(id=index), ast.Name(id=item)]),
            ):
                values, source = {index: "index", item: "item"}, items
            case _, ast.Name(id=item):
                values = {item: "item"}
            case _:
                raise UnreadableError(target, "`for` takes one variable, or two with enumerate(...)")
        reading = replace(self.reading, values={**self.reading.values, **values})
        inner = replace(self, reading=reading).verb(step_id, made.elt)
        require = literal_value(options["require"]) if "require" in options else "all"
        return replace(
            inner,
            for_each=self.reading.text(source),
            concurrency=_count(options.get("concurrency")),
            require=_share(require, node),
            on_error=_on_error(options.get("on_error")),
            validate_=self._over_results(options.get("validate")),
        )

    def _debate(self, node: ast.Call) -> Debate:
        """Return a debate."""
        options = self._options(
            node, ("agents", "topic", "rounds", "agree_on", "synthesize", "unresolved"), positional=2
        )
        agents = options["agents"]
        if not isinstance(agents, (ast.List, ast.Tuple)):
            raise UnreadableError(agents, "list the agents where the debate is called")
        unresolved = literal_value(options["unresolved"]) if "unresolved" in options else "synthesize"
        agree_on = literal_value(options["agree_on"]) if "agree_on" in options else None
        return Debate(
            agents=tuple(self._function(agent) for agent in agents.elts),
            topic=self.reading.text(options["topic"]),
            rounds=_count(options.get("rounds")) or Debate.__dataclass_fields__["rounds"].default,
            agree_on=None if agree_on is None else str(agree_on),
            synthesize=self._function(options["synthesize"]),
            unresolved="human" if unresolved == "human" else "fail" if unresolved == "fail" else "synthesize",
        )

    def _function(self, node: ast.expr) -> str:
        """Return the function that a name means."""
        found = self.names.callees.get(node.id) if isinstance(node, ast.Name) else None
        if found is None or found[0] != "function":
            raise UnreadableError(node, f"`{ast.unparse(node)}` is no infer function of the module")
        return found[1]

    def _human(self, node: ast.Call) -> AwaitHuman:
        """Return a question to a person."""
        options = self._options(
            node, ("context", "decision_type", "options", "timeout", "on_timeout"), positional=5
        )
        question, show = self._context(options["context"])
        choices: tuple[str, ...] = ()
        if "options" in options:
            listed = options["options"]
            if not isinstance(listed, (ast.List, ast.Tuple)):
                raise UnreadableError(listed, "list the options where the question is asked")
            choices = tuple(str(literal_value(one)) for one in listed.elts)
        form = read_annotation(options["decision_type"], self.names.library)
        if isinstance(form, LongType) and form.enum is not None and not choices:
            choices = tuple(str(value) for value in form.enum)
        lapse = literal_value(options["on_timeout"]) if "on_timeout" in options else "fail"
        return AwaitHuman(
            question=question,
            show=show,
            options=choices,
            type=None if choices or form == "string" else form,
            timeout=self._duration(options["timeout"]) if "timeout" in options else None,
            on_timeout=str(lapse),
        )

    def _context(self, node: ast.expr) -> tuple[str, dict[str, Expr]]:
        """Return what a person is asked and shown."""
        if self.library_name(node) != "HumanReviewContext" or not isinstance(node, ast.Call):
            return str(literal_value(node)), {}
        parts = self._options(node, ("question", "artifacts"))
        shown = parts.get("artifacts")
        show: dict[str, Expr] = {}
        if isinstance(shown, ast.Dict):
            for key, value in zip(shown.keys, shown.values, strict=True):
                label = "" if key is None else str(literal_value(key))
                show[label] = self.reading.text(value)
        elif shown is not None:
            raise UnreadableError(shown, "list what is shown where the question is asked")
        return str(literal_value(parts["question"])), show

    def _duration(self, node: ast.expr) -> str:
        """Return `timedelta(hours=24)`, or seconds, as a document writes it."""
        if self.library_name(node) == "timedelta" and isinstance(node, ast.Call) and len(node.keywords) == 1:
            keyword = node.keywords[0]
            amount = literal_value(keyword.value)
            if keyword.arg in _UNITS and isinstance(amount, int):
                return f"{amount}{_UNITS[keyword.arg]}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            return f"{node.value}s"
        raise UnreadableError(node, "write the timeout as timedelta(hours=24), or another single unit")

    def _over_results(self, node: ast.expr | None) -> Expr:
        """Return a condition over `results`."""
        match node:
            case None:
                return None
            case ast.Lambda(args=ast.arguments(args=[only]), body=body):
                values = {**self.reading.values, only.arg: "results"}
                return replace(self.reading, values=values).text(body)
            case _:
                raise UnreadableError(node, "`validate` is a lambda of the results")

    def _options(self, node: ast.Call, known: Sequence[str], *, positional: int = 0) -> dict[str, ast.expr]:
        """Return the arguments of a library call by name."""
        options = dict(zip(known, node.args[:positional], strict=False))
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg not in known:
                raise UnreadableError(keyword.value, f"`{keyword.arg}` has no form in a document")
            options[keyword.arg] = keyword.value
        return options

    def _only(self, node: ast.Call, *, keywords: bool = False) -> ast.expr:
        """Return the one positional argument of a call."""
        if len(node.args) != 1 or (node.keywords and not keywords):
            raise UnreadableError(node, f"`{ast.unparse(node.func)}` takes one call")
        return node.args[0]


def _count(node: ast.expr | None) -> int | None:
    """Return a whole number."""
    if node is None:
        return None
    value = literal_value(node)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableError(node, f"`{ast.unparse(node)}` is no whole number")
    return value


def _share(value: JsonScalar, node: ast.AST) -> int | str:
    """Return how many must succeed as a document writes it."""
    if isinstance(value, float):
        return f"{value * 100:g}%"
    if isinstance(value, (int, str)):
        return value
    raise UnreadableError(node, f"`require={value!r}` is no count and no share")


def _on_error(node: ast.expr | None) -> Literal["drop", "none", "keep"]:
    """Return what stands for an item that failed."""
    match None if node is None else literal_value(node):
        case "none":
            return "none"
        case "keep":
            return "keep"
        case _:
            return "drop"
