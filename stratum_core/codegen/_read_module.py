"""A generated module read back as a document, without running it.

The proof that code generation lost nothing: contracts, functions and flows come from the syntax tree alone, and their
hashes are compared with those of the document. Modules of people, whose decorators may hold any Python, are imported by
`stratum emit` instead; their flows are read with the same reader.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Literal

from stratum_core.codegen._expressions import FUNCTIONS
from stratum_core.codegen._names import document_name
from stratum_core.codegen._read_expressions import Reading, UnreadableError, document_expression
from stratum_core.codegen._read_flows import read_body
from stratum_core.codegen._read_types import literal_value, read_annotation
from stratum_core.codegen._read_verbs import Callee, ModuleNames
from stratum_core.contracts import JsonScalar
from stratum_core.ir import (
    BudgetForm,
    ComputeFunction,
    Contract,
    Document,
    Expr,
    Flow,
    Function,
    InferFunction,
    Refine,
    TypeForm,
)

__all__ = ["after_comments", "read_module"]

_AFTER = "# after:"


def read_module(text: str) -> Document:
    """Return the document that a generated module stands for.

    Raises:
        UnreadableError: The text is not what `generate` writes.
    """
    tree = ast.parse(text)
    reader = _ModuleReader(tree, after_comments(text))
    return reader.document()


def after_comments(text: str) -> dict[int, tuple[str, ...]]:
    """Return what a statement waits for, by its line: the names of an `# after:` comment right above it."""
    found: dict[int, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip().startswith(_AFTER):
            names = line.strip().removeprefix(_AFTER).split(",")
            found[number + 1] = tuple(name.strip() for name in names)
    return found


class _ModuleReader:
    """Reads one module."""

    def __init__(self, tree: ast.Module, after: Mapping[int, tuple[str, ...]]) -> None:
        self._after = after
        self._imported: dict[str, str] = {}
        expressions: dict[str, str] = {}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    table = expressions if node.module == FUNCTIONS else self._imported
                    table[alias.asname or alias.name] = alias.name
        self._classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self._defined = {
            node.name: (node, self._decorators(node))
            for node in tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.decorator_list
        }
        fields = {found: tuple(_annotated(node)) for found, node in self._classes.items()}
        self._names = ModuleNames(
            callees={found: self._callee(found) for found in self._defined},
            inputs={found: tuple(_parameters(node)) for found, (node, _) in self._defined.items()},
            library=self._imported,
            reading=Reading(library=expressions, records=fields),
        )

    def document(self) -> Document:
        """Return the whole document."""
        functions: dict[str, Function] = {}
        flows: dict[str, Flow] = {}
        for found in self._defined:
            kind, target = self._callee(found)
            if kind == "flow":
                flows[target] = self._flow(found)
            else:
                functions[target] = self._function(found)
        contracts = {
            found: self._contract(node)
            for found, node in self._classes.items()
            if "contract" in self._decorators(node)
        }
        return Document(contracts=contracts, functions=functions, flows=flows)

    def _decorators(
        self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    ) -> dict[str, dict[str, ast.expr]]:
        """Return the arguments of each decorator, by the name the library knows it under."""
        found: dict[str, dict[str, ast.expr]] = {}
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            func = decorator if call is None else call.func
            if isinstance(func, ast.Name):
                keywords = [] if call is None else call.keywords
                name = self._imported.get(func.id, func.id)
                found[name] = {keyword.arg or "": keyword.value for keyword in keywords}
        return found

    def _callee(self, found: str) -> Callee:
        _, decorators = self._defined[found]
        return ("flow" if "flow" in decorators else "function"), document_name(found)

    def _contract(self, node: ast.ClassDef) -> Contract:
        fields: dict[str, TypeForm] = {}
        for name, statement in _annotated(node).items():
            value = statement.value
            limits = value if isinstance(value, ast.Call) else None
            fields[name] = read_annotation(statement.annotation, self._imported, limits)
        return Contract(fields=fields)

    def _inputs(self, found: str) -> dict[str, TypeForm]:
        node, _ = self._defined[found]
        return {
            name: read_annotation(annotation, self._imported)
            for name, annotation in _parameters(node).items()
        }

    def _output(self, found: str) -> TypeForm:
        node, _ = self._defined[found]
        if node.returns is None:
            raise UnreadableError(node, f"`{found}` does not say what it returns")
        return read_annotation(node.returns, self._imported)

    def _flow(self, found: str) -> Flow:
        node, decorators = self._defined[found]
        inputs = self._inputs(found)
        body = read_body(node.body, list(inputs), self._names, self._after)
        return Flow(
            description=_described(node),
            input=inputs,
            output=self._output(found),
            budget=_budget(decorators["flow"].get("budget")),
            steps=body.steps,
            return_=body.returns,
        )

    def _function(self, found: str) -> Function:
        _, decorators = self._defined[found]
        if "compute" in decorators:
            return self._compute(found, decorators["compute"])
        return self._infer(found, decorators)

    def _compute(self, found: str, options: Mapping[str, ast.expr]) -> ComputeFunction:
        node, _ = self._defined[found]
        inputs = self._inputs(found)
        last = node.body[-1]
        if not isinstance(last, ast.Return) or last.value is None:
            raise UnreadableError(last, "a generated compute function is one `return`")
        reading = Reading(
            library=self._names.reading.library,
            records=self._names.reading.records,
            values={name: name for name in inputs},
        )
        expression: Expr | Mapping[str, Expr] = document_expression(reading, last.value)
        return ComputeFunction(
            description=_described(node),
            input=inputs,
            output=self._output(found),
            given=_conditions(options.get("given"), ()),
            ensure=_conditions(options.get("ensure"), ("result",)),
            expression=expression,
        )

    def _infer(self, found: str, decorators: Mapping[str, Mapping[str, ast.expr]]) -> InferFunction:
        options = decorators["infer"]
        plain = {name: _plain(node) for name, node in options.items() if name in _PLAIN}
        return InferFunction(
            description=_described(self._defined[found][0]),
            intent=str(plain["intent"]),
            context=_texts(options.get("context")),
            input=self._inputs(found),
            output=self._output(found),
            given=_conditions(options.get("given"), ()),
            ensure=_conditions(options.get("ensure"), ("result",)),
            model=_text_or_none(plain.get("model")),
            fallbacks=_texts(options.get("fallbacks")),
            temperature=_number(plain.get("temperature")),
            max_tokens=_whole(plain.get("max_tokens")),
            budget=_budget(options.get("budget")),
            retries=_whole(plain.get("retries", 3)) or 0,
            cache=_CACHES[plain.get("cache", "none")],
            stable=plain.get("stable", True) is True,
            quorum=_whole(plain.get("quorum")),
            agree_on=_text_or_none(plain.get("agree_on")),
            threshold=_whole(plain.get("threshold")),
            refine=self._refine(decorators.get("refine")),
        )

    def _refine(self, options: Mapping[str, ast.expr] | None) -> Refine | None:
        if options is None:
            return None
        check = options.get("check")
        names = ("result",) if check is None else ("result", "check")
        return Refine(
            check=document_name(check.id) if isinstance(check, ast.Name) else None,
            until=_condition(options["until"], names),
            feedback=_condition(options["feedback"], names),
            max_iterations=_whole(_plain(options["max_iterations"])) or 0,
        )


_CACHES: Mapping[JsonScalar, Literal["none", "session", "global"]] = {
    "none": "none",
    "session": "session",
    "global": "global",
}
_PLAIN = frozenset(
    {
        "intent",
        "model",
        "temperature",
        "max_tokens",
        "retries",
        "cache",
        "stable",
        "quorum",
        "agree_on",
        "threshold",
    }
)


def _described(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return a docstring as one line."""
    return " ".join((ast.get_docstring(node) or "").split())


def _annotated(node: ast.ClassDef) -> dict[str, ast.AnnAssign]:
    """Return the fields of a class in order."""
    return {
        statement.target.id: statement
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr]:
    """Return the annotation of each parameter in order."""
    every = [*node.args.args, *node.args.kwonlyargs]
    missing = next((one for one in every if one.annotation is None), None)
    if missing is not None:
        raise UnreadableError(missing, f"`{missing.arg}` has no annotation")
    return {one.arg: one.annotation for one in every if one.annotation is not None}


def _plain(node: ast.expr) -> JsonScalar:
    return literal_value(node)


def _texts(node: ast.expr | None) -> tuple[str, ...]:
    """Return one text or a list of them."""
    if node is None:
        return ()
    if isinstance(node, ast.List):
        return tuple(str(literal_value(one)) for one in node.elts)
    return (str(literal_value(node)),)


def _conditions(node: ast.expr | None, leading: Sequence[str]) -> tuple[Expr, ...]:
    """Return one condition or a list of them."""
    if node is None:
        return ()
    parts = node.elts if isinstance(node, ast.List) else [node]
    return tuple(_condition(part, leading) for part in parts)


def _condition(node: ast.expr, leading: Sequence[str]) -> str:
    """Return a condition: text as it is, a lambda as the text of its body."""
    if not isinstance(node, ast.Lambda):
        return str(literal_value(node))
    names = [argument.arg for argument in node.args.args]
    values = dict(zip(names, leading, strict=False)) | {name: name for name in names[len(leading) :]}
    return Reading(values=values).text(node.body)


def _budget(node: ast.expr | None) -> BudgetForm | None:
    """Return a budget."""
    if not isinstance(node, ast.Call):
        return None
    caps = {keyword.arg: literal_value(keyword.value) for keyword in node.keywords}
    return BudgetForm(
        usd=_number(caps.get("usd")),
        ms=_whole(caps.get("ms")),
        tokens=_whole(caps.get("tokens")),
        calls=_whole(caps.get("calls")),
    )


def _text_or_none(value: JsonScalar) -> str | None:
    return None if value is None else str(value)


def _number(value: JsonScalar) -> float | None:
    return value if isinstance(value, (int, float)) else None


def _whole(value: JsonScalar) -> int | None:
    return value if isinstance(value, int) else None
