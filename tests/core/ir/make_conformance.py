"""Write what holds of the documents in tests/corpus/ir: `python -m tests.core.ir.make_conformance`; read the diff."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

from stratum_core.checks import Limits, check, repair
from stratum_core.contracts import JsonValue, contract_hash
from stratum_core.ir import Diagnostic, dump, load
from stratum_core.llm import PriceTable
from stratum_core.plan import PlanContext, Roots, build_plan

__all__ = ["FOLDER", "Case", "cases", "expected"]

FOLDER = Path(__file__).parents[2] / "corpus" / "ir"
MODEL = "demo/small"
NOW = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A document with what it is planned with."""

    name: str
    text: str
    request: Mapping[str, JsonValue]

    @property
    def limits(self) -> Limits:
        """The operator's rules."""
        given = cast("Mapping[str, JsonValue]", self.request.get("limits", {}))
        models = cast("list[str] | None", given.get("models_allowed"))
        return Limits(
            models_allowed=None if models is None else tuple(models),
            max_usd=Decimal(str(given["max_usd"])) if "max_usd" in given else None,
        )


def cases() -> Iterator[Case]:
    """Every document of the folder."""
    requests: dict[str, dict[str, JsonValue]] = json.loads((FOLDER / "requests.json").read_text("utf-8"))
    for path in sorted(FOLDER.glob("*.stratum.*")):
        name = path.name.partition(".")[0]
        yield Case(name=name, text=path.read_text("utf-8"), request=requests.get(name, {}))


def expected(case: Case) -> dict[str, JsonValue]:
    """Return what this implementation says about a document."""
    checked = check(case.text, limits=case.limits)
    record: dict[str, JsonValue] = {"diagnostics": [_shown(found) for found in checked.diagnostics]}
    repaired = repair(case.text, limits=case.limits).text
    if repaired != case.text:
        record["repaired"] = repaired
    document = load(case.text).document
    if checked.program is None or document is None:
        return record
    record["ir_hash"] = checked.program.ir_hash
    record["contracts"] = {name: contract_hash(kind) for name, kind in checked.program.contracts.items()}
    record["functions"] = {name: spec.function_hash for name, spec in checked.program.functions.items()}
    record["canonical"] = dump(document)
    if "inputs" in case.request:
        record["plan"] = list(_plan(case))
    return record


def _plan(case: Case) -> list[str]:
    context = PlanContext(
        roots=Roots(),
        prices=PriceTable.load(FOLDER / "prices.json"),
        now=NOW,
        default_model=MODEL,
        limits=case.limits,
    )
    plan = build_plan(
        case.text,
        flow=cast("str | None", case.request.get("flow")),
        inputs=cast("Mapping[str, JsonValue]", case.request["inputs"]),
        context=context,
    )
    return plan.summary.splitlines()


def _shown(found: Diagnostic) -> dict[str, JsonValue]:
    """Return a diagnostic without its wording."""
    record = found.to_json()
    return {name: value for name, value in record.items() if name not in {"message", "suggestion"}}


if __name__ == "__main__":
    for each in cases():
        file = FOLDER / f"{each.name}.json"
        file.write_text(json.dumps(expected(each), ensure_ascii=False, indent=1) + "\n", "utf-8")
