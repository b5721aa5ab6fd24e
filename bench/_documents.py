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

_TARGETS_MS = {(1000, False): 150, (1000, True): 400}
_PRICES = PriceTable.load()
_ONE_INPUT = "{ text: opaque<string> }"
_MORE_INPUTS = (
    "{ text: opaque<string>, title: opaque<string>, tone: { enum: [plain, formal] }, limit: int, on: bool }"
)


def document(steps: int, *, rich: bool = False) -> str:
    """Return a document whose flow has so many steps: about 110 bytes each, or 410 with every modifier."""
    functions = "\n".join(
        f"  work_{kind}:\n    mode: infer\n    intent: Rewrite the text in style {kind}\n"
        f"    input: {_MORE_INPUTS if rich else _ONE_INPUT}\n    output: {{ type: string, max_length: 200 }}\n"
        f"    retries: 1\n    ensure: [len(result) > {kind}]"
        for kind in range(10)
    )
    lines = "".join(_rich_step(number) if rich else _step(number) for number in range(steps))
    last = f"step_{steps - 1}"
    return (
        f'stratum: "1"\nfunctions:\n{functions}\nflows:\n  main:\n    input: {_ONE_INPUT}\n'
        f"    output: optional<string>\n    budget: {{ usd: 1.0 }}\n    steps:\n{lines}    return: {last}\n"
    )


def measure() -> list[Row]:
    """Return CPU milliseconds for 10, 100 and 1,000 steps, and for 1,000 long ones."""
    rows: list[Row] = []
    for steps, rich in ((10, False), (100, False), (1000, False), (1000, True)):
        text = document(steps, rich=rich)
        ours = cpu_ms(lambda text=text: plan_once(text))
        theirs = cpu_ms(lambda text=text: yaml.load(text, Loader=yaml.CSafeLoader))
        target = _TARGETS_MS.get((steps, rich))
        rows.append(
            Row(
                area=f"load + check + plan, {steps:,} {'long ' if rich else ''}steps ({len(text) // 1000} KB)",
                ours=ours,
                unit="CPU ms",
                peer="yaml.CSafeLoader alone",
                theirs=theirs,
                target="" if target is None else f"<= {target} ms",
                met=None if target is None else ours <= target,
            )
        )
    text = document(1000)
    rows += [
        Row(area="  of 1,000 steps: load", ours=cpu_ms(lambda: load(text)), unit="CPU ms"),
        Row(area="  of 1,000 steps: load + check", ours=cpu_ms(lambda: check(text)), unit="CPU ms"),
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


def _rich_step(number: int) -> str:
    """Return one long step: described, conditional, tolerant of a failure, with five inputs."""
    before = (
        "input.text" if number == 0 else f"step_{number - 1} if step_{number - 1} is not None else input.text"
    )
    return (
        f"      - id: step_{number}\n        description: Rewrites what the step before it gave\n"
        f"        function: work_{number % 10}\n        when: len(input.text) > {number}\n        on_error: none\n"
        f"        inputs:\n          text: {before}\n          title: input.text[:{40 + number % 7}]\n"
        f'          tone: \'"formal" if len(input.text) > {number % 10 + 120} else "plain"\'\n'
        f"          limit: {number + 200}\n          on: len(input.text) < {number + 900}\n"
    )
