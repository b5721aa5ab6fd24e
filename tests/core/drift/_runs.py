"""Two runs to compare, made from documents and figures without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from stratum_core.drift import Definition, Drift, Figures, Side, compare, define
from stratum_core.specs import InferSpec
from tests.core.runtime._trial import compiled

__all__ = ["DOCUMENT", "MODEL", "compared", "defined", "side"]

MODEL = "openai/gpt-4.1-mini"
DOCUMENT = """\
stratum: "1"
name: notes
contracts:
  Tone: { label: { enum: [good, bad] }, sure: { type: float, min: 0, max: 1 } }
functions:
  judge:
    mode: infer
    intent: Judge the tone of a note
    input: { note: string }
    output: Tone
    ensure: [result.sure > 0.1]
    retries: 2
    fallbacks: [openai/gpt-4.1]
  shorten: { mode: compute, input: { note: string }, output: string, expression: "note[:100]" }
flows:
  main:
    input: { note: string }
    output: Tone
    budget: { usd: 1 }
    steps:
      - { id: short, function: shorten, inputs: { note: input.note } }
      - { id: tone, function: judge, inputs: { note: short } }
    return: tone
"""


def defined(
    text: str = DOCUMENT,
    *,
    model: str = MODEL,
    held: Mapping[str, Mapping[str, bool]] | None = None,
) -> dict[str, Definition]:
    """Return the functions of a document on a model."""
    program = compiled(text)
    models = dict[str, str]()
    for name, spec in program.functions.items():
        if isinstance(spec, InferSpec):
            models[name] = model
            models.update({f"{name}.fallbacks[{index}]": each for index, each in enumerate(spec.fallbacks)})
    return define(program, "main", models=models, code={}, held=held or {})


def side(text: str = DOCUMENT, *, model: str = MODEL, run_id: str = "run_a", **figures: Figures) -> Side:
    """Return a run of a document that went as the figures say."""
    program = compiled(text)
    return Side(
        run_id=run_id,
        plan_id="plan_1",
        state="completed",
        live=False,
        created_at_ms=1_800_000_000_000,
        name=program.name,
        ir_hash=program.ir_hash,
        flow="main",
        data={"note": "0" * 64},
        options={"rows": None},
        endpoints={},
        price_version="2026-11",
        nusd=2_000_000,
        simulated=False,
        census={},
        definitions=defined(text, model=model),
        figures=figures,
    )


def compared(first: Side, second: Side) -> Drift:
    """Compare two runs; the second one has another id."""
    return compare(first, replace(second, run_id="run_b"))
