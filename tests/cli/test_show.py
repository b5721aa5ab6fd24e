"""`stratum show RUN`: the run as a tree, with what is alike folded and what failed by itself."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from rich.console import Console

from stratum_core.budget import Usage
from stratum_core.contracts import JsonValue
from stratum_core.engine import RunView
from stratum_core.engine._tree import run_tree
from stratum_core.journal import Intent, RunJournal, SettledState
from stratum_mcp.cli._tree import show_tree
from tests.cli._command import Done

RUN = "run_0123456789ab"
FULL = Usage(nusd=9_000_000, tokens=900, calls=1)
GOOD: Mapping[str, JsonValue] = {"kind": "reply", "text": "{}", "finish": "stop"}
BUSY: Mapping[str, JsonValue] = {"kind": "error", "code": "transport_error", "message": "busy"}


class Book:
    """Writes a run's journal with a clock that counts its events, 10 ms each."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.now = 1_000.0
        self.journal = RunJournal.open(state_dir, RUN, create=True, clock=self._tick)

    def _tick(self) -> float:
        self.now += 0.01
        return self.now

    async def attempt(
        self,
        path: str,
        outcome: Mapping[str, JsonValue] | None = GOOD,
        *,
        number: int = 0,
        state: SettledState = "answered",
        nusd: int = 1_000_000,
        why: str = "",
    ) -> None:
        call_id = f"{path}#{number}"
        await self.journal.intent(
            Intent(
                call_id=call_id,
                path=path,
                attempt=number,
                input_hash="i",
                request_hash="r",
                model="openai/gpt-4.1",
                reserved=FULL,
            )
        )
        if outcome is not None:
            usage = Usage(nusd=nusd, tokens=90, calls=1)
            await self.journal.settle(call_id, state=state, usage=usage, outcome=outcome)
        if why:
            await self.journal.event("rejected", path=path, data={"call_id": call_id, "reason": why})


def view(*failures: Mapping[str, JsonValue], run_id: str = RUN) -> RunView:
    return RunView(
        run_id=run_id, plan_id="plan_1", state="completed", message="", done=0, total=0, usd=0, cap_usd=1,
        simulated=False, live=False, census={"failures": list(failures)},
    )  # fmt: skip


def shown(tree: JsonValue, *, simulated: bool = False) -> list[str]:
    """Return the tree as a narrow terminal gets it: no line is cut or folded."""
    file = io.StringIO()
    show_tree(tree, Console(file=file, width=40, markup=False, highlight=False), simulated=simulated)
    return file.getvalue().splitlines()[1:]


def written(
    folder: Path,
    write: Callable[[Book], Awaitable[None]],
    *failures: Mapping[str, JsonValue],
    failed: bool = False,
) -> dict[str, JsonValue]:
    """Write a journal and return its tree."""

    async def work() -> None:
        book = Book(folder)
        await write(book)
        await book.journal.close()

    (folder / "runs").mkdir(exist_ok=True)
    anyio.run(work)
    return run_tree(folder, view(*failures), failed_only=failed)


def test_steps_hold_their_items_calls_and_attempts_with_cost_time_and_reasons(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        await book.attempt("head")
        await book.attempt("all[0]/tone", BUSY, state="failed", nusd=0)
        await book.attempt("all[0]/tone", number=1, why="`result > 3` must be true (actual: result = 2)")
        await book.attempt("all[0]/tone", number=2)

    assert shown(written(tmp_path, write)) == [
        f"{RUN}  completed  2 retries  $0.0030  40 ms",
        "├─ head  openai/gpt-4.1  $0.0010  10 ms",
        "└─ all  1 item  2 retries  $0.0020  30 ms",
        "   └─ [0]  2 retries  $0.0020  30 ms",
        "      └─ tone  2 retries  $0.0020  30 ms",
        "         ├─ #0  failed  openai/gpt-4.1  $0.00  10 ms  transport_error: busy",
        "         ├─ #1  rejected  openai/gpt-4.1  $0.0010  10 ms  `result > 3` must be true (actual: result = 2)",
        "         └─ #2  answered  openai/gpt-4.1  $0.0010  10 ms",
    ]


def test_items_that_went_the_same_way_are_folded(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        for index in range(837):
            if index == 5:
                await book.attempt(f"all[{index}]", BUSY, state="failed", nusd=0)
            else:
                await book.attempt(f"all[{index}]")

    lines = shown(written(tmp_path, write))
    assert lines[1:] == [
        "└─ all  837 items  1 failed  $0.84  8.4 s",
        "   ├─ [0]  openai/gpt-4.1  $0.0010  10 ms",
        "   ├─ [1]  openai/gpt-4.1  $0.0010  10 ms",
        "   ├─ … 834 more like this  $0.84",
        "   └─ [5]  failed  $0.00  10 ms",
        "      └─ #0  failed  openai/gpt-4.1  $0.00  10 ms  transport_error: busy",
    ]


def test_only_what_failed_is_kept_on_request(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        await book.attempt("head")
        await book.attempt("all[0]/tone")
        await book.attempt("all[1]/tone", {**GOOD, "finish": "length"})
        await book.attempt("all[2]/tone", {**GOOD, "finish": "refusal"})

    lines = shown(written(tmp_path, write, failed=True))
    assert [line.strip("│├└─ ").partition("  ")[0] for line in lines] == [
        RUN, "all", "[1]", "tone", "#0", "[2]", "tone", "#0",
    ]  # fmt: skip
    assert "cut off  openai/gpt-4.1" in lines[4]
    assert "the model declined to answer" in lines[7]


def test_a_failure_of_the_census_stands_at_its_item_also_without_a_call(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        await book.attempt("all[0]")

    failures = {"path": "all[1]", "code": "precondition_failed", "message": "`note` is\n\x1b[31mempty"}
    lines = shown(written(tmp_path, write, failures))
    assert shown(run_tree(tmp_path, replace(view(), census={"failures": ["odd"]})))[-1].startswith(
        "   └─ [0]"
    )
    assert lines[-1] == "   └─ [1]  failed  precondition_failed: `note` is \\u001b[31mempty"


def test_what_may_have_been_billed_or_is_under_way_says_so(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        await book.attempt("a", {"kind": "cut_off"}, state="possibly_paid", nusd=9_000_000)
        await book.attempt("b", BUSY, state="possibly_paid", nusd=9_000_000)
        await book.attempt("c", None)

    lines = shown(written(tmp_path, write))
    assert "#0  possibly paid  openai/gpt-4.1  $0.0090  10 ms  nobody knows whether it was billed" in lines[2]
    assert "transport_error: busy; nobody knows" in lines[4]
    assert lines[5] == "└─ c  under way  openai/gpt-4.1  $0.0090  0 ms"


def test_decisions_and_answers_that_were_not_bought_are_told(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        person = {"review_id": "r", "lapsed": False, "channel": "terminal", "value": "yes", "reviewer": "ann"}
        await book.journal.event("decided", path="ok", data=person)
        await book.journal.event(
            "decided", path="late", data={**person, "reviewer": None, "channel": "timeout"}
        )
        await book.journal.event("decided", path="mine", data={**person, "reviewer": None})
        await book.journal.event("decided", path="never", data={**person, "lapsed": True})
        await book.journal.event(
            "decided", path="race", data={"winners": ["a", "b"], "failed": [], "again": 2}
        )
        await book.journal.event("taken", path="shout@0123", data={"key": "0123", "value": "A"})
        await book.attempt("voided")

    assert [line[3:] for line in shown(written(tmp_path, write))[1:-1]] == [
        "ok  answered by ann: yes",
        "late  answered by nobody in time: yes",
        "mine  answered by a person: yes",
        "never  nobody answered the question in time",
        "race  decided: winners a, b; failed none; again 2",
        "shout@0123  the answer was on record and not bought again",
    ]


def test_an_attempt_that_was_taken_back_is_not_there(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        await book.attempt("a", None)
        await book.journal.void("a#0")
        await book.attempt("a", number=1)

    assert shown(written(tmp_path, write))[1:] == ["└─ a  openai/gpt-4.1  $0.0010  10 ms"]


def test_a_run_that_was_never_started_has_no_tree(tmp_path: Path) -> None:
    tree = run_tree(tmp_path, view(run_id="run_ffffffffffff"))
    assert (tree["children"], shown(tree)) == ([], [])


def test_simulated_money_is_marked_once(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        await book.attempt("a")

    lines = shown(written(tmp_path, write), simulated=True)
    assert [line.endswith("(simulated)") for line in lines] == [True, False]


@pytest.mark.slow
def test_show_tells_a_real_run_in_words_and_in_json(stratum: Callable[..., Done]) -> None:
    made = stratum("demo", "--yes-under", "1", "--json").record()
    told = stratum("show", made["run_id"])
    assert "census" in told.out
    assert "more like this" in told.out
    assert "(simulated)" in told.out
    report = stratum("show", made["run_id"], "--json").record()["report"]
    assert report["tree"]["name"] == made["run_id"]
    for figure in ("nusd", "retries"):
        assert sum(child[figure] for child in report["tree"]["children"]) == report["tree"][figure]
    assert f"{report['tree']['retries']} retries" in report["run"]["message"]
    assert "No call or item of it failed." in stratum("show", made["run_id"], "--failed").out


def test_what_a_person_answered_is_told_as_json(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        person = {"review_id": "r", "lapsed": False, "channel": "terminal", "reviewer": "ann"}
        await book.journal.event("decided", path="a", data={**person, "value": True})
        await book.journal.event(
            "decided", path="b", data={**person, "value": {"label": "good", "why": None}}
        )

    assert [line[3:] for line in shown(written(tmp_path, write))[1:]] == [
        "a  answered by ann: true",
        'b  answered by ann: {"label": "good", "why": null}',
    ]


def test_the_root_says_what_the_receipt_says_and_every_iteration_counts(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        await book.attempt("draft/it1")
        await book.attempt("draft/it2", why="too short")
        await book.attempt("draft/it2", number=1)
        await book.attempt("draft/it3", {"kind": "cut_off"}, state="possibly_paid")
        await book.attempt("draft/it3", number=1)

    written(tmp_path, write)
    stands = replace(
        view(), state="completed_with_failures", census={"retries": {"contract": 1, "refine": 2}}
    )
    told, counted = run_tree(tmp_path, stands), run_tree(tmp_path, view())
    assert told["retries"] == counted["retries"] == 3
    assert shown(told)[0].startswith(f"{RUN}  completed with failures  3 retries  $")
    assert shown(told)[1].startswith("└─ draft  3 retries  $")


def test_a_shared_call_stands_under_the_first_that_asked(tmp_path: Path) -> None:
    async def write(book: Book) -> None:
        book.journal.note("asked", path="tone@01", data={"at": "all[1]/tone"})
        await book.attempt("tone@01", why="no")
        await book.attempt("tone@01", number=1)
        book.journal.note("asked", path="tone@02", data={"at": "all[0]/tone"})
        await book.journal.event("taken", path="tone@02", data={"key": "02", "value": "A"})
        await book.attempt("tone@03")

    lines = shown(written(tmp_path, write))
    assert [line.strip("│├└─ ").partition("  ")[0] for line in lines] == [
        RUN, "all", "[0]", "tone", "[1]", "tone", "#0", "#1", "tone@03",
    ]  # fmt: skip
    assert lines[3].endswith("tone  the answer was on record and not bought again")
