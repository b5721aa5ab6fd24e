"""Documents and data meant to exhaust the engine: each is answered within a second of processor time and 200 MB.

Every attempt runs in a process of its own with its memory limited, so that what one takes is seen; afterwards the same
engine still answers a usual question.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.jobs import DOCUMENT

LIMIT_S = 1.0
LIMIT_MB = 200
_PROGRAM = """\
import json, resource, sys
from pathlib import Path
from stratum_core.engine import Engine, Settings
from stratum_core.errors import StratumError

folder = Path(sys.argv[1])
usual = (folder / "usual.yaml").read_text("utf-8")
inputs = json.loads((folder / "inputs.json").read_text("utf-8"))

def used():
    return resource.getrusage(resource.RUSAGE_SELF)

settings = Settings(state_dir=folder / "state", roots=(folder,), environ={}, default_model="offline")
with Engine(settings) as engine:
    engine.validate(usual)
    engine.plan(usual, inputs={"notes": []})
    before = used()
    try:
        if sys.argv[2] == "validate":
            found = engine.validate("hostile.yaml")
            told = [one["code"] for one in found.diagnostics] or ["ok"]
        else:
            engine.plan("hostile.yaml", inputs=inputs)
            told = ["planned"]
    except StratumError as fault:
        told = [fault.code]
    after = used()
    ok = engine.validate(usual).ok
unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps({"told": told, "cpu_s": spent, "mb": (after.ru_maxrss - before.ru_maxrss) / unit, "ok": ok}))
"""


def _flow(expression: str, input_type: str = "list<int>") -> str:
    quoted = "'" + expression.replace("'", "''") + "'"
    return (
        f'stratum: "1"\nflows:\n  main:\n    input: {{ xs: {input_type} }}\n    output: json\n'
        f"    steps:\n      - {{ id: a, compute: {quoted} }}\n    return: a\n"
    )


def _many_steps(count: int) -> str:
    steps = "".join(
        f"      - {{ id: s{n}, compute: {'input.n' if not n else f's{n - 1} + 1'} }}\n" for n in range(count)
    )
    return (
        'stratum: "1"\nflows:\n  main:\n    input: { n: int }\n    output: int\n    steps:\n'
        f"{steps}    return: s{count - 1}\n"
    )


def _nested_flows(depth: int) -> str:
    """Each flow maps over a list and calls the next one twice."""
    flows = "".join(
        f"  f{n}:\n    input: {{ n: int }}\n    output: int\n    steps:\n"
        f"      - {{ id: a, flow: f{n + 1}, inputs: {{ n: input.n }} }}\n"
        f"      - {{ id: b, flow: f{n + 1}, inputs: {{ n: input.n }} }}\n    return: a + b\n"
        for n in range(depth)
    )
    last = (
        f"  f{depth}:\n    input: {{ n: int }}\n    output: int\n    steps:\n"
        "      - { id: a, function: ask, inputs: { n: input.n } }\n    return: a\n"
    )
    ask = "functions:\n  ask: { mode: infer, intent: Ask, input: { n: int }, output: int }\n"
    return f'stratum: "1"\n{ask}flows:\n{flows}{last}'


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "10 MB of text": lambda: "stratum: '1'\ndescription: " + "x" * 10_000_000,
    "10 MB of keys": lambda: "stratum: '1'\n" + "".join(f"k{n}: 1\n" for n in range(1_000_000)),
    "1 MB of unknown keys": lambda: "stratum: '1'\n" + "".join(f"k{n}: 1\n" for n in range(90_000)),
    "1 MB of functions": lambda: "stratum: '1'\nfunctions:\n" + "  ? {}\n" * 90_000,
    "many contracts": lambda: "stratum: '1'\ncontracts:\n" + "".join(f"  C{n}: {{ a: int }}\n" for n in range(20_000)),
    "deep lists": lambda: "stratum: '1'\nflows: " + "[" * 100_000,
    "deep maps": lambda: "stratum: '1'\nflows: " + "{a: " * 100_000,
    "deep blocks": lambda: "".join(" " * n + "a:\n" for n in range(1_400)),
    "deep types": lambda: DOCUMENT.replace("list<Note>", "list<" * 50_000 + "int" + ">" * 50_000),
    "billion laughs": lambda: "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a]\n" for n in range(1_000)),
    "merge keys": lambda: "a: &a {x: 1}\n" + "".join(f"b{n}: {{<<: *a}}\n" for n in range(1_000)),
    "long number": lambda: "stratum: " + "9" * 900_000,
    "long exponent": lambda: "stratum: 1e" + "9" * 900_000,
    "open quotes": lambda: "stratum: '" * 90_000,
    "tabs and colons": lambda: "\t:" * 450_000,
    "deep expression": lambda: _flow("(" * 4_000 + "1"),
    "long sum": lambda: _flow("+".join("1" * 1 for _ in range(2_000))),
    "many nots": lambda: _flow("not " * 1_000 + "True"),
    "power of text": lambda: _flow('"x" * 1000000000'),
    "four loops": lambda: _flow("[[[[a for a in input.xs] for b in input.xs] for c in input.xs] for d in [1]]"),
    "evil pattern": lambda: _flow('matches("' + "a" * 2_000 + '!", "^(a+)+$")'),
    "large pattern": lambda: _flow('matches("a", "(((a{500}){500}){500})")'),
    "pattern of a type": lambda: DOCUMENT.replace("id: int", 'id: { type: string, pattern: "((a{999}){999}){999}" }'),
    "1,000 steps in a row": lambda: _many_steps(1_000),
    "flows that double": lambda: _nested_flows(40),
    "flows in a long circle": lambda: _nested_flows(300).replace("function: ask", "flow: f0"),
}  # fmt: skip


@pytest.fixture
def attack(tmp_path: Path) -> Callable[..., dict[str, object]]:
    """Give a document to a fresh engine and return what it said and what that took."""

    def give(text: str, *, how: str, inputs: object = None) -> dict[str, object]:
        (tmp_path / "hostile.yaml").write_text(text, "utf-8")
        (tmp_path / "usual.yaml").write_text(DOCUMENT, "utf-8")
        (tmp_path / "inputs.json").write_text(json.dumps(inputs or {}), "utf-8")
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(tmp_path), how],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr[-2_000:]
        found: dict[str, object] = json.loads(done.stdout)
        return found

    return give


def _bounded(found: Mapping[str, object]) -> None:
    """Fail unless the engine is still answering and the attempt took little."""
    assert found["ok"] is True
    assert float(str(found["cpu_s"])) < LIMIT_S, found
    assert float(str(found["mb"])) < LIMIT_MB, found


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("how", ["validate", "plan"])
def test_a_hostile_document_is_answered_at_once(
    attack: Callable[..., dict[str, object]], name: str, how: str
) -> None:
    _bounded(attack(DOCUMENTS[name](), how=how, inputs={"xs": [1, 2], "n": 1}))


HUGE: Mapping[str, Callable[[], dict[str, object]]] = {
    "a long list": lambda: {"xs": list(range(200_000))},
    "a deep value": lambda: {"xs": json.loads("[" * 500 + "]" * 500)},
    "a long text": lambda: {"xs": ["x" * 5_000_000]},
    "a wide record": lambda: {"xs": [{f"k{n}": n for n in range(100_000)}]},
    "many unknown inputs": lambda: {f"k{n}": n for n in range(100_000)},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HUGE)
def test_huge_inputs_are_answered_at_once(attack: Callable[..., dict[str, object]], name: str) -> None:
    text = _flow("[x for x in input.xs if x is not None]", "list<json>")
    _bounded(attack(text, how="plan", inputs=HUGE[name]()))


@pytest.mark.slow
def test_a_usual_document_is_inside_the_same_limits(attack: Callable[..., dict[str, object]]) -> None:
    found = attack(DOCUMENT, how="validate")
    assert found["told"] == ["ok"]
    _bounded(found)
