"""Random documents with every verb and modifier, small enough to run hundreds of them in a test."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from stratum_core.contracts import JsonValue

__all__ = ["Exact", "random_document"]

_CONTRACTS: dict[str, JsonValue] = {
    "Short": {
        "kind": {"enum": ["a", "b"]},
        "note": {"type": "string", "max_length": 40},
        "sure": "optional<float>",
    },
    "Long": {"kind": {"enum": ["a", "b"]}, "text": "string", "tags": "list<string>", "more": "json"},
}
_FALLBACKS: tuple[JsonValue, ...] = ("anthropic/claude-sonnet-4-5", "openai/gpt-4.1-mini")
_SIDES: dict[str, JsonValue] = {"topic": "json", "arguments": "optional<json>"}
_CONCLUSION: dict[str, JsonValue] = {"topic": "json", "arguments": "json", "converged": "bool"}


Exact: TypeAlias = Literal["succeeding", "failing"]
"""Documents of which every run against the worst luck makes every request that may be made: nothing is decided by an
answer, every input is known, all models cost the same. In `failing` ones no call ever succeeds."""


@dataclass
class _Writer:
    """One document in the making."""

    chance: random.Random
    functions: dict[str, dict[str, JsonValue]] = field(default_factory=dict[str, dict[str, JsonValue]])
    steps: list[JsonValue] = field(default_factory=list[JsonValue])
    readable: list[str] = field(default_factory=lambda: ["input.t"])
    """Expressions over what the steps so far give."""
    conditions: list[str] = field(default_factory=lambda: ["len(input.t) > 3", "len(input.t) < 3"])
    exact: Exact | None = None

    def document(self) -> str:
        for number in range(4):
            self.functions[f"f{number}"] = self.infer(
                number, {"v": self.chance.choice(["json", "opaque<json>"])}
            )
        self.functions["pro"] = self.infer(4, _SIDES, output="Short")
        self.functions["con"] = self.infer(5, _SIDES, output="Short")
        self.functions["end"] = self.infer(6, _CONCLUSION)
        for name in ("pro", "con", "end"):
            self.functions[name].pop("stable", None)
        inner = self.inner() if self.exact is None else {}
        for number in range(self.chance.randint(2, 5)):
            self.step(f"s{number}")
        whole: dict[str, JsonValue] = {
            "stratum": "1",
            "contracts": _CONTRACTS,
            "functions": {name: dict(function) for name, function in self.functions.items()},
            "flows": {
                **inner,
                "main": {
                    "input": {"t": "string"},
                    "output": "json",
                    "steps": self.steps,
                    "return": "input.t" if self.exact else self.readable[-1],
                },
            },
        }
        return json.dumps(whole)

    def infer(self, number: int, inputs: dict[str, JsonValue], output: str = "") -> dict[str, JsonValue]:
        chance = self.chance
        found: dict[str, JsonValue] = {
            "mode": "infer",
            "intent": f"Task number {number}",
            "input": inputs,
            "output": output or chance.choice(["Short", "Long"]),
            "max_tokens": chance.randint(30, 70),
            "retries": chance.randint(0, 2),
        }
        if self.exact is not None:
            return found | self.exact_modifiers()
        if chance.random() < 0.15:
            found["ensure"] = [chance.choice(['result.kind == "a"', "len(result.kind) == 1"])]
        if chance.random() < 0.15:
            found["budget"] = chance.choice(
                [{"calls": chance.randint(3, 9)}, {"tokens": 20_000}, {"usd": 0.05}]
            )
        if chance.random() < 0.3:
            votes = chance.randint(2, 3)
            found |= {"quorum": votes, "agree_on": "kind", "threshold": votes // 2 + 1}
        if chance.random() < 0.3:
            found["refine"] = {
                "until": 'result.kind == "a"',
                "feedback": chance.choice(["result", "result.kind", "str(len(result.kind))"]),
                "max_iterations": chance.randint(1, 3),
            }
        if chance.random() < 0.3:
            found["fallbacks"] = list(_FALLBACKS[: chance.randint(1, 2)])
        if chance.random() < 0.2:
            found["cache"] = chance.choice(["session", "global"])
        if chance.random() < 0.2:
            found["stable"] = False
        return found

    def exact_modifiers(self) -> dict[str, JsonValue]:
        """Return modifiers under which every request is made."""
        chance, found = self.chance, dict[str, JsonValue]()
        if self.exact == "succeeding" and chance.random() < 0.4:
            votes = chance.randint(2, 3)
            found |= {"quorum": votes, "agree_on": "kind", "threshold": votes // 2 + 1}
        if self.exact == "succeeding" and chance.random() < 0.4:
            refine = {
                "until": 'result.kind == "a"',
                "feedback": "result.kind",
                "max_iterations": chance.randint(1, 3),
            }
            found["refine"] = {**refine}
        if chance.random() < 0.3:
            found["fallbacks"] = list(_FALLBACKS[: chance.randint(1, 2)])
        return found

    def inner(self) -> dict[str, JsonValue]:
        """Return a flow that other steps call, sometimes inside a budget of its own."""
        step: dict[str, JsonValue] = {
            "id": "a",
            "function": "f0",
            "inputs": {"v": "input.v"},
            "on_error": "none",
        }
        again: dict[str, JsonValue] = {
            "id": "b",
            "function": "f1",
            "inputs": {"v": "input.v"},
            "on_error": "none",
        }
        if self.chance.random() < 0.5:
            again["when"] = "input.v is not None and input.v != 'x'"
        flow: dict[str, JsonValue] = {
            "input": {"v": "json"},
            "output": "json",
            "steps": [step, again],
            "return": "input.v",
        }
        if self.chance.random() < 0.4:
            flow["budget"] = self.chance.choice([{"calls": self.chance.randint(2, 8)}, {"usd": 0.1}])
        return {"inner": flow}

    def value(self) -> str:
        """Return an expression that reads something."""
        if self.exact is not None:
            return "input.t"
        picked = self.chance.choice(self.readable)
        return self.chance.choice([picked, f"[{picked}]", f"{{'x': {picked}, 't': input.t}}"])

    def call(self, name: str) -> dict[str, JsonValue]:
        return {"function": name, "inputs": {"v": self.value()}}

    def step(self, name: str) -> None:
        """Write one step and how it can be read."""
        kinds = [
            "call",
            "each",
            "parallel",
            "parallel",
            "race",
            "debate",
            "await_human",
            "flow",
            "compute",
            "when",
        ]
        if self.exact is not None:
            kinds = ["call", "each", "parallel", "race" if self.exact == "failing" else "parallel"]
        kind = self.chance.choice(kinds)
        step: dict[str, JsonValue] = {"id": name}
        read = name
        if kind in {"call", "each"}:
            target = self.chance.choice(["f0", "f1", "f2", "f3"])
            unstable = "stable" in self.functions[target]
            step |= self.call(target)
            if kind == "each":
                step |= {"for_each": "[input.t, 'two', 'three']", "require": 0}
                read = f"[most_likely(x) for x in {name}]" if unstable else name
            else:
                read = f"most_likely({name})" if unstable else name
            if (not unstable or self.exact) and kind == "call":
                step["on_error"] = "none"
                self.conditions.append(f"{name} is not None and {name}.kind == 'a'")
            if kind == "each" and self.exact is None and not unstable:
                step["on_error"] = self.chance.choice(["drop", "none", "keep"])
                value = self.value()
                step["for_each"] = self.chance.choice([step["for_each"], f"[{value}, {value}]"])
        elif kind in {"flow", "compute", "when"}:
            step |= self.plain(kind)
        elif kind == "debate":
            step["debate"] = {
                "agents": self.chance.choice([["pro", "con"], ["pro", "con", "pro"]]),
                "topic": self.value(),
                "rounds": self.chance.randint(1, 3),
                "agree_on": "kind",
                "synthesize": "end",
                "unresolved": self.chance.choice(["synthesize", "human"]),
            }
            step["on_error"] = "none"
        elif kind == "await_human":
            step["await_human"] = {
                "question": "What now?",
                **self.chance.choice([{"options": ["go", "stay"]}, {"type": "string"}, {"type": "json"}]),
            }
        else:
            step |= self.together(kind)
        self.steps.append(step)
        self.readable.append(read)

    def plain(self, kind: str) -> dict[str, JsonValue]:
        """Write a step that calls a flow, computes, or runs only sometimes."""
        if kind == "compute":
            return {"compute": self.value()}
        stable = [name for name in ("f2", "f3") if "stable" not in self.functions[name]]
        target: dict[str, JsonValue] = {"flow": "inner"}
        if kind == "when" and stable:
            target = {"function": self.chance.choice(stable)}
        step: dict[str, JsonValue] = {**target, "inputs": {"v": self.value()}, "on_error": "none"}
        if kind == "when":
            step["when"] = self.chance.choice(self.conditions)
        return step

    def together(self, kind: str) -> dict[str, JsonValue]:
        """Write branches whose values have one type."""
        stable = [name for name in ("f0", "f1", "f2", "f3") if "stable" not in self.functions[name]] or ["f0"]
        self.functions[stable[0]].pop("stable", None)
        first = self.chance.choice(stable)
        same = [name for name in stable if self.functions[name]["output"] == self.functions[first]["output"]]
        names = [self.chance.choice(same) for _ in range(self.chance.randint(2, 3))]
        branches: dict[str, JsonValue] = {f"b{n}": self.call(name) for n, name in enumerate(names)}
        body: dict[str, JsonValue] = {"branches": branches}
        if kind == "parallel":
            body["require"] = self.chance.choice(["all", "any", 0, 1, len(names)])
            if self.exact == "succeeding":
                body["require"] = self.chance.choice(["all", 0, len(names)])
            if self.exact == "failing":
                body["require"] = 0
            body["concurrency"] = self.chance.randint(1, 3)
        return {kind: body, "on_error": "none"}


def random_document(seed: int, *, exact: Exact | None = None) -> str:
    """Return a document without errors, the same for the same seed."""
    return _Writer(random.Random(seed), exact=exact).document()  # noqa: S311 - a repeatable test
