"""`@compute`: a plain Python function with the checks of an infer function, and without the model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from stratum_core.authoring._awaited import awaited
from stratum_core.authoring._by_name import check_function, named
from stratum_core.authoring._definitions import Conditions, compute_spec
from stratum_core.authoring._signature import Signature, read_signature
from stratum_core.contracts import JsonValue
from stratum_core.errors import ContractViolation, PostconditionFailed, PreconditionFailed
from stratum_core.specs import ComputeSpec, Expression

__all__ = ["ComputeFunction", "compute"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class ComputeFunction(Generic[P, R_co]):
    """A deterministic function; made by `@compute`. It is awaited like an infer function, and costs nothing."""

    __name__: str
    __wrapped__: Callable[P, object]

    def __init__(self, function: Callable[P, object], *, signature: Signature, spec: ComputeSpec) -> None:
        """Wrap a function; see `compute`."""
        update_wrapper(self, function)
        self.__wrapped__ = function
        self.signature = signature
        """What it takes and gives."""
        self.spec = spec
        """The definition, the same as a document makes."""

    def __repr__(self) -> str:
        return f"<compute {self.signature.name} ({self.signature.place})>"

    @awaited
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, None, R_co]:
        """Run the function when awaited; what it raises itself is raised as it is.

        Raises:
            TypeError: An argument is missing or unknown.
            ContractViolation: An argument or the result does not satisfy its type.
            PreconditionFailed: A `given` is false; the function was not run.
            PostconditionFailed: An `ensure` is false for the result.
        """
        return named(self._computed(self.signature.bind(args, kwargs)), self.signature.name)

    async def _computed(self, arguments: dict[str, JsonValue]) -> R_co:
        """Check, run, check."""
        name, signature = self.signature.name, self.signature
        broken = _first_false(self.spec.given, arguments)
        if broken is not None:
            raise PreconditionFailed(f"`{broken.canonical}` is false, so `{name}` was not computed")
        loaded = {part.name: part.codec.load(arguments[part.name]) for part in signature.parameters}
        found = cast("Callable[..., object]", self.__wrapped__)(**loaded)
        if inspect.isawaitable(found):
            found = await found
        try:
            value = signature.output.dump(found)
        except ContractViolation as fault:
            raise ContractViolation(
                f"the result of `{name}`: {fault.message}", remedy=fault.remedy, detail=fault.detail
            ) from None
        broken = _first_false(self.spec.ensure, {**arguments, "result": value})
        if broken is not None:
            raise PostconditionFailed(
                f"`{broken.canonical}` is false for the result of `{name}`",
                detail={"violations": [broken.canonical], "history": []},
            )
        return cast("R_co", signature.output.load(value))


def _first_false(conditions: Sequence[Expression], values: Mapping[str, JsonValue]) -> Expression | None:
    return next((one for one in conditions if one.evaluate(values) is not True), None)


@overload
def compute(function: Callable[P, Coroutine[Any, Any, T]], /) -> ComputeFunction[P, T]: ...
@overload
def compute(function: Callable[P, T], /) -> ComputeFunction[P, T]: ...
@overload
def compute(*, given: Conditions = (), ensure: Conditions = ()) -> _Decorator: ...
def compute(
    function: Callable[P, object] | None = None, /, *, given: Conditions = (), ensure: Conditions = ()
) -> ComputeFunction[P, Any] | _Decorator:
    """Make a plain function, `def` or `async def`, a step that callers await like an infer function.

    Arguments, result, `given` and `ensure` are checked as for `@infer`; nothing is sent and nothing charged. So a step
    can change from one to the other and its callers stay as they are.

    Args:
        function: The function, where the decorator stands bare.
        given: Conditions over the inputs.
        ensure: Conditions over `result` and the inputs.

    Raises:
        StratumCompileError: The function or a condition makes no sense; the message says where.
    """
    decorator = _Decorator(given, ensure)
    return decorator if function is None else decorator(function)


class _Decorator:
    """`@compute(...)` with its arguments."""

    def __init__(self, given: Conditions, ensure: Conditions) -> None:
        self._given = given
        self._ensure = ensure

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, T]], /) -> ComputeFunction[P, T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> ComputeFunction[P, T]: ...
    def __call__(self, function: Callable[P, object], /) -> ComputeFunction[P, Any]:
        """Decorate a function."""
        check_function(function, "compute", '@compute(ensure="result > 0")')
        signature = read_signature(function, takes_result=not self._ensure)
        spec = compute_spec(function, signature, given=self._given, ensure=self._ensure)
        return ComputeFunction(function, signature=signature, spec=spec)
