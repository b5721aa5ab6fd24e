"""Bad input every surface has to refuse: what to arrange, what to plan with, and what the answer has to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stratum_core.contracts import JsonValue
from tests.support.jobs import DOCUMENT, Job

__all__ = ["BAD_INPUTS", "BadInput"]


def _nothing(job: Job) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class BadInput:
    """One way to call `plan` wrongly."""

    name: str
    code: str
    """The error's code."""
    says: tuple[str, ...]
    """What its text, detail included, has to name."""
    arrange: Callable[[Job], None] = _nothing
    spec: str | None = None
    """The document; None: the job's own."""
    flow: str | None = None
    file: str = "notes.csv"
    columns: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    options: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def __str__(self) -> str:
        return self.name


def _faults(count: int) -> str:
    """Return a document with so many unknown names, one on each line."""
    lines = "\n".join(f"      - {{ id: s{number}, function: missing_{number} }}" for number in range(count))
    return DOCUMENT.replace(
        "      - { id: tones, for_each: input.notes, function: judge, inputs: { text: item.text }, require: 0 }",
        f"{lines}\n      - {{ id: tones, for_each: input.notes, function: judge, inputs: {{ text: item.text }} }}",
    )


def _bomb() -> str:
    """Return a few hundred bytes of YAML that would unfold to gigabytes."""
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    return f'stratum: "1"\na0: &a0 [x, x]\n{levels}\n'


def _large(job: Job) -> None:
    (job.folder / "large.stratum.yaml").write_text(DOCUMENT + "# filler\n" * 1_200_000, "utf-8")


def _three_bad_rows(job: Job) -> None:
    rows = [f"{number},fine" for number in range(1, 121)]
    for bad in (7, 60, 119):
        rows[bad - 1] = f"number {bad},fine"
    job.data.write_text("\n".join(("id,text", *rows)) + "\n", "utf-8")


def _outside(job: Job) -> None:
    (job.folder.parent / "secret.csv").write_text("id,text\n1,private\n", "utf-8")


def _link_outside(job: Job) -> None:
    _outside(job)
    (job.folder / "inside.csv").symlink_to(job.folder.parent / "secret.csv")


BAD_INPUTS: tuple[BadInput, ...] = (
    BadInput(name="not YAML", code="invalid_document", says=("line",), spec="stratum: [\n  nothing: {here\n"),
    BadInput(
        name="20 faults at once",
        code="invalid_document",
        says=tuple(f"missing_{number}" for number in range(20)),
        spec=_faults(20),
    ),
    BadInput(name="a YAML bomb", code="invalid_document", says=("E1", "anchor"), spec=_bomb()),
    BadInput(
        name="a 10 MB document",
        code="invalid_input",
        says=("large.stratum.yaml", "bytes"),
        arrange=_large,
        spec="large.stratum.yaml",
    ),
    BadInput(
        name="a 10 MB text",
        code="invalid_document",
        says=("bytes",),
        spec=DOCUMENT + "# filler\n" * 1_200_000,
    ),
    BadInput(name="unknown flow", code="plan_error", says=("main", "all_notes"), flow="main"),
    BadInput(
        name="missing column",
        code="invalid_input",
        says=("Review Text", "text"),
        columns={"text": "Review Text"},
    ),
    BadInput(
        name="3 bad rows of 120",
        code="invalid_input",
        says=("3 of 120", "row 7", "row 60", "row 119"),
        arrange=_three_bad_rows,
    ),
    BadInput(
        name="a path outside the roots",
        code="invalid_input",
        says=("outside",),
        arrange=_outside,
        file="../secret.csv",
    ),
    BadInput(
        name="a symlink out of the roots",
        code="invalid_input",
        says=("outside",),
        arrange=_link_outside,
        file="inside.csv",
    ),
    BadInput(name="a missing file", code="invalid_input", says=("none.csv",), file="none.csv"),
    BadInput(
        name="a model without a price under a usd cap",
        code="plan_error",
        says=("openai/unheard-of", "price"),
        options={"model": "openai/unheard-of"},
    ),
    BadInput(name="an unknown option", code="plan_error", says=("wait_s",), options={"wait_s": 3}),
)
