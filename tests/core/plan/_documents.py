"""Random documents with every verb and modifier, small enough to run hundreds of them in a test."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from stratum_core.contracts import JsonValue

__all__ = ["random_document"]

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


@dataclass
class _Writer:
    """One document in the making."""

    chance: random.Random
    functions: dict[str, dict[str, JsonValue]] = field(default_factory=dict[str, dict[str, JsonValue]])
    steps: list[JsonValue] = field(default_factory=list[JsonValue])
    readable: list[str] = field(default_factory=lambda: ["input.t"])
    """Expressions over what the steps so far give."""

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
        for number in range(self.chance.randint(2, 5)):
            self.step(f"s{number}")
        whole: dict[str, JsonValue] = {
            "stratum": "1",
            "contracts": _CONTRACTS,
            "functions": {name: dict(function) for name, function in self.functions.items()},
            "flows": {
                "main": {
                    "input": {"t": "string"},
                    "output": "json",
                    "steps": self.steps,
                    "return": self.readable[-1],
                }
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

    def value(self) -> str:
        """Return an expression that reads something."""
        picked = self.chance.choice(self.readable)
        return self.chance.choice([picked, f"[{picked}]", f"{{'x': {picked}, 't': input.t}}"])

    def call(self, name: str) -> dict[str, JsonValue]:
        return {"function": name, "inputs": {"v": self.value()}}

    def step(self, name: str) -> None:
        """Write one step and how it can be read."""
        kind = self.chance.choice(["call", "each", "parallel", "parallel", "race", "debate", "await_human"])
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
            if not unstable and kind == "call":
                step["on_error"] = "none"
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
            body["concurrency"] = self.chance.randint(1, 3)
        return {kind: body, "on_error": "none"}


def random_document(seed: int) -> str:
    """Return a document without errors, the same for the same seed."""
    return _Writer(random.Random(seed)).document()  # noqa: S311 - a repeatable test
