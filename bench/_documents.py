"""Loading, checking and planning documents of growing size, beside the YAML parser alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

import yaml

from bench._measure import Row, cpu_ms
from stratum_core.checks import check
from stratum_core.ir import load
from stratum_core.llm import PriceTable
from stratum_core.plan import PlanContext, PlanOptions, Roots, build_plan

__all__ = ["document", "measure", "plan_once"]

_TARGET_MS = 150
_PRICES = PriceTable.load()


def document(steps: int) -> str:
    """Return a document whose flow has so many steps, about 120 bytes each."""
    functions = "\n".join(
        f"  work_{kind}:\n    mode: infer\n    intent: Rewrite the text in style {kind}\n"
        f"    input: {{ text: opaque<string> }}\n    output: {{ type: string, max_length: 200 }}\n    retries: 1\n"
        f"    ensure: [len(result) > {kind}]"
        for kind in range(10)
    )
    lines = "".join(_step(number) for number in range(steps))
    last = f"step_{steps - 1}"
    return (
        f'stratum: "1"\nfunctions:\n{functions}\nflows:\n  main:\n    input: {{ text: opaque<string> }}\n'
        f"    output: optional<string>\n    budget: {{ usd: 1.0 }}\n    steps:\n{lines}    return: {last}\n"
    )


def measure() -> list[Row]:
    """Return CPU milliseconds for 10, 100 and 1,000 steps."""
    rows: list[Row] = []
    for steps in (10, 100, 1000):
        text = document(steps)
        ours = cpu_ms(lambda text=text: plan_once(text))
        theirs = cpu_ms(lambda text=text: yaml.load(text, Loader=yaml.CSafeLoader))
        rows.append(
            Row(
                area=f"load + check + plan, {steps:,} steps ({len(text) // 1000} KB)",
                ours=ours,
                unit="CPU ms",
                peer="yaml.CSafeLoader alone",
                theirs=theirs,
                target=f"<= {_TARGET_MS} ms" if steps == 1000 else "",
                met=ours <= _TARGET_MS if steps == 1000 else None,
            )
        )
    text = document(1000)
    rows += [
        Row(area="  of it: load", ours=cpu_ms(lambda: load(text)), unit="CPU ms"),
        Row(area="  of it: load + check", ours=cpu_ms(lambda: check(text)), unit="CPU ms"),
    ]
    return rows


def plan_once(text: str) -> None:
    """Load, check and plan a document; raises when that does not give a plan."""
    build_plan(
        text,
        flow=None,
        inputs={"text": "Some text to work on"},
        options=PlanOptions(),
        context=PlanContext(
            roots=Roots(Path(gettempdir())),
            prices=_PRICES,
            now=datetime(2026, 1, 1, tzinfo=UTC),
            default_model="offline",
        ),
    )


def _step(number: int) -> str:
    """Return one step of a chain that starts anew every ten steps; every third step is conditional."""
    before = f"step_{number - 1}"
    if number % 10 == 0:
        source = "input.text"
    elif (number - 1) % 3 == 0:
        source = f"{before} if {before} is not None else input.text"
    else:
        source = before
    condition = f"        when: len(input.text) > {number}\n" if number % 3 == 0 else ""
    return (
        f"      - id: step_{number}\n        function: work_{number % 10}\n{condition}"
        f"        inputs: {{ text: '{source}' }}\n"
    )
