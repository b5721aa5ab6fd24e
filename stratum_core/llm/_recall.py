"""What an answer is recognised by in another run, and whether it still is one.

An answer stands for a question, not for a place in a run: the same function, prompt, model, temperature and inputs.
What decides whether an answer is accepted (conditions, votes, iterations, the check of a refine) is part of the
function, so an answer under other rules has another key.
"""

from __future__ import annotations

from collections.abc import Mapping

from stratum_core.contracts import JsonValue, check_value, content_hash
from stratum_core.errors import ContractViolation, ExpressionError
from stratum_core.llm._prompt import template_hash
from stratum_core.specs import ComputeSpec, InferSpec, Program

__all__ = ["answer_key", "still_holds"]

_KEY_CHARACTERS = 32


def answer_key(program: Program, spec: InferSpec, model: str, inputs: Mapping[str, JsonValue]) -> str | None:
    """Return 32 hex digits that name a question: every call that asks it may be given the same answer.

    None when registered code decides what is accepted: that code may be another one in the next run.

    Args:
        program: Holds the check of a refine, whose definition counts, too.
        spec: The function.
        model: The model asked first; those that stand in for it are part of the function.
        inputs: A checked value for each of its parameters.
    """
    check = None if spec.refine is None or spec.refine.check is None else program.functions[spec.refine.check]
    if isinstance(check, ComputeSpec) and check.python is not None:
        return None
    question: dict[str, JsonValue] = {
        "function": spec.function_hash,
        "check": None if check is None else check.function_hash,
        "template": template_hash(spec),
        "model": model,
        "temperature": spec.temperature,
        "inputs": inputs,
    }
    if spec.fixed:
        question["fixed"] = spec.fixed
    return content_hash(question)[:_KEY_CHARACTERS]


def still_holds(spec: InferSpec, inputs: Mapping[str, JsonValue], value: JsonValue) -> bool:
    """Return whether a stored answer has the output's type and satisfies every `ensure`."""
    try:
        scope = {**inputs, "result": check_value(spec.output, value)}
        return all(condition.evaluate(scope) is True for condition in spec.ensure)
    except (ContractViolation, ExpressionError):
        return False
