"""A seeded mutator over the sample documents, and what it gives to the engine: every use case has to answer.

A document is mutated in bytes (flipped, cut, doubled, moved, filled with what is special in YAML and expressions) and
given to `validate`, `repair`, `canonical_form` and `plan`, with inputs mutated likewise. An answer is a value or a
`StratumError`. A defect is any other exception, an answer that takes more than a second of processor time, or a file
outside the state directory.

    python -m bench fuzz --minutes 10 --seed 7
"""

from __future__ import annotations

import random
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, Settings
from stratum_core.errors import StratumError

__all__ = ["Defect", "Fuzzed", "mutated", "run"]

LIMIT_S = 1.0
"""Processor time of one use case."""
_CORPUS = Path(__file__).parent.parent / "tests" / "corpus"
_ENDINGS = (".yaml", ".yml", ".json")
_SPECIAL = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\x1b[2J", b"\t", b"\r", b"\n"),
    *(b": ", b"- ", b"&a ", b"*a", b"<<: *a", b"!!python/object:os.system ", b"? ", b"| \n", b"'", b'"', b"{", b"}"),
    *(b"[", b"]", b"list<", b">", b"opaque<", b"?", b"../../etc/passwd", b"/etc/passwd", b"~root", b"1e999", b"-0"),
    *(b"9" * 30, b"0x", b".inf", b".nan", b"null", b"true", b" for x in ", b"((((", b"not ", b"__class__", b"[0]"),
    *(b"\n      - { id: a, compute: 'input' }", b"\nflows:\n", b"python: os", b"model: offline", b"usd: 0"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """An input that was not answered as promised."""

    use_case: str
    why: str
    document: bytes


@dataclass(slots=True, kw_only=True)
class Fuzzed:
    """What came of a run."""

    documents: int = 0
    answers: int = 0
    slowest_s: float = 0.0
    defects: list[Defect] = field(default_factory=list[Defect])

    @property
    def ok(self) -> bool:
        """Whether every input was answered as promised."""
        return not self.defects

    def to_json(self) -> dict[str, object]:
        """Return the figures, and the first defects with the documents that show them."""
        shown = [f"{found.use_case}: {found.why}\n{found.document!r}" for found in self.defects[:5]]
        return {
            "documents": self.documents,
            "answers": self.answers,
            "slowest answer, CPU s": round(self.slowest_s, 3),
            "crashes, hangs, stray files": len(self.defects),
            **({"first": "\n".join(shown)} if shown else {}),
        }


def run(*, seed: int, seconds: float | None = None, documents: int | None = None) -> Fuzzed:
    """Mutate and ask until the time or the number is used up; the same seed makes the same documents."""
    samples = _samples()
    found = Fuzzed()
    until_s = None if seconds is None else time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name in ("project", "state"):
            (place / name).mkdir(mode=0o700)
        settings = Settings(
            state_dir=place / "state", roots=(place / "project",), environ={}, default_model="offline"
        )
        with Engine(settings) as engine:
            for number in count():
                if number == documents or (until_s is not None and time.monotonic() > until_s):
                    return found
                choices = random.Random(f"{seed}/{number}")  # noqa: S311 - which bytes to change
                _one(engine, place, mutated(choices.choice(samples), choices), choices, found)
    return found


def mutated(sample: bytes, choices: random.Random) -> bytes:
    """Return some bytes with one to eight changes."""
    data = bytearray(sample)
    for _ in range(choices.randint(1, 8)):
        at = choices.randrange(len(data) + 1)
        end = min(len(data), at + choices.choice((1, 1, 2, 5, 20, 200)))
        change = choices.randrange(6)
        if change == 0:
            data[at:at] = choices.choice(_SPECIAL)
        elif change == 1:
            data[at:end] = choices.choice(_SPECIAL)
        elif change == 2:
            del data[at:end]
        elif change == 3:
            data[at:at] = data[at:end] * choices.choice((1, 2, 50))
        elif change == 4 and at < len(data):
            data[at] ^= 1 << choices.randrange(8)
        else:
            start = choices.randrange(len(data) + 1)
            data[at:at] = data[start : start + choices.choice((5, 50, 500))]
    return bytes(data)


def _samples() -> Sequence[bytes]:
    """Return the sample documents, good and bad ones."""
    paths = sorted(path for path in _CORPUS.rglob("*") if path.suffix in _ENDINGS and path.is_file())
    return [path.read_bytes() for path in paths if path.stat().st_size < 100_000]


def _one(engine: Engine, place: Path, document: bytes, choices: random.Random, found: Fuzzed) -> None:
    """Give one document to every use case that takes one."""
    file = place / "project" / "mutated.yaml"
    file.write_bytes(document)
    inputs = _inputs(choices)
    asked: Mapping[str, Callable[[], object]] = {
        "validate": lambda: engine.validate(file.name),
        "repair": lambda: engine.repair(document.decode("utf-8", "replace")),
        "canonical_form": lambda: engine.canonical_form(file.name),
        "plan": lambda: engine.plan(file.name, inputs=inputs, options=_options(choices)),
    }
    found.documents += 1
    for use_case, ask in asked.items():
        why, took_s = _answered(ask)
        found.answers += 1
        found.slowest_s = max(found.slowest_s, took_s)
        stray = [str(path) for path in _outside(place) if path != file]
        why = why or (f"took {took_s:.1f} s" if took_s > LIMIT_S else "") or ", ".join(stray)
        if why:
            found.defects.append(Defect(use_case=use_case, why=why, document=document))


def _answered(ask: Callable[[], object]) -> tuple[str, float]:
    """Return what went wrong, empty when nothing did, and the processor seconds it took."""
    before = time.process_time()
    why = ""
    try:
        ask()
    except StratumError:
        pass
    except (Exception, RecursionError):  # noqa: BLE001 - a crash is what is looked for
        why = traceback.format_exc()
    return why, time.process_time() - before


def _outside(place: Path) -> Sequence[Path]:
    """Return every file beside the state directory."""
    folders = (folder for folder in place.iterdir() if folder.name != "state")
    return [path for folder in folders for path in (folder, *folder.rglob("*")) if path.is_file()]


_VALUES: Sequence[JsonValue] = (
    *(None, 1, -1, 2**70, 0.5, "text", "\x1b\u202e", [], [{"id": 1, "text": "x"}], [[[]]], {"a": {}}),
    *({"file": "../x.csv"}, {"file": "/etc/passwd"}, {"file": "mutated.yaml"}),
    {"file": "x\x00.csv", "columns": {"a": ""}},
)  # fmt: skip
_OPTIONS: Sequence[JsonValue] = (
    *(None, 0, 1, -1, 10**30, 0.05, True, "offline", "nobody/none", [], {}),
    *("../../out.csv", "/etc/out.csv", "out.csv", "run_../../x", "\x00", "real", "mock"),
)


def _inputs(choices: random.Random) -> dict[str, JsonValue]:
    """Return inputs of all kinds, most of which no flow has."""
    names = choices.sample(("reviews", "notes", "input", "n", "xs", "text", "question", "", "a\x00"), 3)
    return dict.fromkeys(names, choices.choice(_VALUES))


def _options(choices: random.Random) -> dict[str, JsonValue]:
    """Return options of a plan, most of them wrong."""
    names = (
        "model",
        "rows",
        "out",
        "cap_usd",
        "cap_tokens",
        "cap_calls",
        "mode",
        "background",
        "reuse",
        "odd",
    )
    return {name: choices.choice(_OPTIONS) for name in choices.sample(names, choices.randrange(3))}
