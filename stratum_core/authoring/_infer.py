"""`@infer`: a typed stub becomes a model call whose answer satisfies its type and its conditions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import update_wrapper
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast, overload

from stratum_core.authoring._awaited import awaited
from stratum_core.authoring._budget import Budget
from stratum_core.authoring._by_name import by_name, check_budget, named
from stratum_core.authoring._definitions import CacheScope, Conditions, InferTerms, infer_spec
from stratum_core.authoring._signature import Signature, read_signature
from stratum_core.contracts import JsonValue
from stratum_core.results import Probabilistic
from stratum_core.specs import ComputeSpec, InferSpec, Program

__all__ = ["InferFunction", "infer"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class InferFunction(Generic[P, R_co]):
    """A function whose body is a model call; made by `@infer`.

    Calling it binds and checks the arguments at once and gives a coroutine; awaiting that makes the call.
    """

    __name__: str
    __wrapped__: Callable[P, Coroutine[Any, Any, object]]

    def __init__(
        self,
        function: Callable[P, Coroutine[Any, Any, object]],
        *,
        signature: Signature,
        spec: InferSpec,
        check: ComputeSpec | None = None,
    ) -> None:
        """Wrap a stub; see `infer`."""
        update_wrapper(self, function)
        self.__wrapped__ = function
        self.signature = signature
        """What it takes and gives."""
        self.spec = spec
        """The definition, the same as a document makes."""
        self.check = check
        """The check of its refine."""

    def __repr__(self) -> str:
        return f"<infer {self.signature.name} ({self.signature.place})>"

    @property
    def program(self) -> Program:
        """The function with what its definition names."""
        parts = [self.spec] if self.check is None else [self.spec, self.check]
        return Program(functions={part.name: part for part in parts})

    @awaited
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, None, R_co]:
        """Make the call when awaited.

        Raises:
            TypeError: An argument is missing or unknown.
            ContractViolation: An argument does not satisfy its type.
            PreconditionFailed: A `given` is false; nothing was sent.
            PostconditionFailed: An `ensure` was still false after the last attempt.
            ParseFailure: No attempt gave a value of the result type.
            ConsensusFailure: Too few votes agree.
            ConvergenceFailure: No iteration satisfied `until`.
            BudgetExceeded: The next attempt does not fit a cap, or the time ran out.
            AuthError: The provider's key is missing or refused; not tried again.
            ModelError: Every model of the chain refused or failed.
            ConfigurationError: There is no model, or a money cap and no known price.
        """
        return named(self._made(self.signature.bind(args, kwargs)), self.signature.name)

    async def _made(self, arguments: dict[str, JsonValue]) -> R_co:
        """Ask, and load what came back."""
        # Imported at the first call: see docs/decisions/0034-the-library-runs-late.md.
        from stratum_core.authoring._calls import ask_model  # noqa: PLC0415

        answers = await ask_model(self.spec, arguments, self.program)
        values = [self.signature.output.load(answer) for answer in answers]
        return cast("R_co", values[0] if self.spec.stable else Probabilistic(tuple(values)))


@overload
def infer(
    *,
    intent: str,
    context: str | Sequence[str] = (),
    ensure: Conditions = (),
    given: Conditions = (),
    model: str | None = None,
    fallbacks: Sequence[str] = (),
    temperature: float | None = None,
    max_tokens: int | None = None,
    budget: Budget | None = None,
    retries: int = 3,
    cache: CacheScope = "none",
    stable: Literal[True] = True,
    quorum: int | None = None,
    agree_on: str | None = None,
    threshold: int | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], InferFunction[P, T]]: ...
@overload
def infer(
    *,
    intent: str,
    context: str | Sequence[str] = (),
    ensure: Conditions = (),
    given: Conditions = (),
    model: str | None = None,
    fallbacks: Sequence[str] = (),
    temperature: float | None = None,
    max_tokens: int | None = None,
    budget: Budget | None = None,
    retries: int = 3,
    cache: CacheScope = "none",
    stable: Literal[False],
    quorum: int | None = None,
    agree_on: str | None = None,
    threshold: int | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], InferFunction[P, Probabilistic[T]]]: ...
@by_name('@infer(intent="What the model should do.")')
def infer(  # noqa: PLR0913 - one argument for each part of a definition
    *,
    intent: str,
    context: str | Sequence[str] = (),
    ensure: Conditions = (),
    given: Conditions = (),
    model: str | None = None,
    fallbacks: Sequence[str] = (),
    temperature: float | None = None,
    max_tokens: int | None = None,
    budget: Budget | None = None,
    retries: int = 3,
    cache: CacheScope = "none",
    stable: bool = True,
    quorum: int | None = None,
    agree_on: str | None = None,
    threshold: int | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, Any]]], InferFunction[P, Any]]:
    """Make an `async def` with the body `...` a model call.

    Every answer is held to the annotated result type and then to `ensure`; one that breaks them goes back to the model
    with what was wrong and the actual values, up to `retries` times. Faults of the provider are sent again after a
    pause and never shown to the model. What is wrong with the definition is told here, before anything is called.

    Args:
        intent: What the model should do.
        context: Further lines of instruction.
        ensure: Conditions over `result` and the inputs: text such as `"result.confidence > 0.7"`, or functions.
        given: Conditions over the inputs; a false one costs nothing.
        model: `provider/name` as litellm spells it, or `offline`. Default: that of `configure`.
        fallbacks: Models to ask, in order, when the one before cannot answer.
        temperature: 0 to 2; None leaves it to the provider.
        max_tokens: The most tokens of one answer, 1 to 1,000,000. Default: what the result type needs.
        budget: What one call may use, its retries, votes and iterations included. The flow's budget holds, too.
        retries: Answers asked for again after one that breaks its contract, 0 to 10.
        cache: How far answers to equal calls are shared: not at all, within a `"session"` (a flow), or `"global"`, also
            with other programs. What is taken over satisfies `ensure` again.
        stable: False: a call gives `Probabilistic[T]`, one sample of it or, in test mode, several.
        quorum: Ask so many times at once, 2 to 15; with `agree_on` and `threshold`.
        agree_on: The field of the answers that is compared.
        threshold: How many must agree: more than half of `quorum`, at most all.

    Raises:
        StratumCompileError: The function or an argument makes no sense; the message says where.
    """
    return _Decorator(
        intent=intent,
        context=context,
        ensure=ensure,
        given=given,
        model=model,
        fallbacks=fallbacks,
        temperature=temperature,
        max_tokens=max_tokens,
        budget=budget,
        retries=retries,
        cache=cache,
        stable=stable,
        votes=(quorum, agree_on, threshold),
    )


class _Decorator(InferTerms):
    """`@infer(...)` with its arguments."""

    __slots__ = ()

    def __call__(self, function: Callable[P, Coroutine[Any, Any, Any]], /) -> InferFunction[P, Any]:
        """Decorate a stub."""
        signature = read_signature(function)
        check_budget(self.budget, signature.where)
        return InferFunction(function, signature=signature, spec=infer_spec(signature, self))
