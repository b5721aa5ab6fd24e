"""Long inputs: bound row by row, pinned by the digest of the whole file, priced as if they were held."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from stratum_core.checks import check
from stratum_core.contracts import JsonValue, StoredList
from stratum_core.errors import InputError, PlanError
from stratum_core.plan import PlanContext, PlanOptions, build_plan, reopen
from stratum_core.plan._sizes import Known
from stratum_core.plan._walk import Walker
from stratum_core.plan._walked import Walked

Write = Callable[[str, str | bytes], Path]

DOCUMENT = """\
stratum: "1"
contracts:
  Review: { id: string, text: opaque<string>, stars: { type: int, min: 1, max: 5 } }
  Label: { label: { enum: [good, bad] }, reason: { type: string, max_length: 80 } }
functions:
  judge: { mode: infer, intent: Judge the review, input: { review: Review }, output: Label }
  reply: { mode: infer, intent: Reply, input: { text: opaque<string> }, output: { type: string, max_length: 200 } }
  known: { mode: compute, input: { review: Review }, output: int, expression: review.stars + 1 }
flows:
  one:
    input: { review: Review }
    output: json
    steps:
      - { id: tone, function: judge, inputs: { review: input.review } }
      - { id: answer, when: tone.label == "bad", function: reply, inputs: { text: input.review.text } }
    return: { id: input.review.id, label: tone.label, reply: answer }
  main:
    input: { reviews: list<Review> }
    output: json
    steps:
      - { id: rows, for_each: input.reviews, flow: one, inputs: { review: item }, require: 0 }
      - { id: low, for_each: "[r for r in input.reviews if r.stars < 3]", function: judge, inputs: { review: item } }
      - { id: numbers, for_each: input.reviews, function: known, inputs: { review: item } }
    return: { rows: rows, low: len(low), numbers: sum(numbers) }
"""


def review(number: int) -> dict[str, JsonValue]:
    return {"id": f"r{number}", "text": "words " * (1 + number % 50), "stars": 1 + number % 5}


def csv_of(count: int) -> str:
    rows = (review(number) for number in range(count))
    return "id,text,stars\n" + "".join(f"{row['id']},{row['text']},{row['stars']}\n" for row in rows)


def jsonl_of(count: int) -> str:
    return "".join(f"{json.dumps(review(number))}\n" for number in range(count))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_long_file_is_bound_row_by_row_with_the_digest_of_all_of_it(
    write: Write, context: PlanContext, form: str
) -> None:
    text = csv_of(1_300) if form == "csv" else jsonl_of(1_300)
    path = write(f"reviews.{form}", text)
    plan = build_plan(DOCUMENT, inputs={"reviews": {"file": path.name}}, context=context)
    (bound,) = plan.inputs
    assert isinstance(bound.value, StoredList)
    expected = [review(number) for number in range(1_300)]
    assert (bound.count, bound.sha256) == (1_300, hashlib.sha256(text.encode()).hexdigest())
    assert bound.file is not None
    assert bound.file.size_bytes == len(text.encode())
    again = reopen(plan.to_record()).inputs["reviews"]
    assert isinstance(again, StoredList)
    assert list(again) == list(bound.value) == expected


def test_a_long_file_is_priced_as_the_same_rows_held_in_memory(write: Write, context: PlanContext) -> None:
    write("reviews.jsonl", jsonl_of(1_300))
    from_file = build_plan(DOCUMENT, inputs={"reviews": {"file": "reviews.jsonl"}}, context=context)
    held = build_plan(DOCUMENT, inputs={"reviews": [review(n) for n in range(1_300)]}, context=context)
    assert from_file.estimate.to_json() == held.estimate.to_json()
    assert isinstance(held.inputs[0].value, list)


def test_only_the_first_rows_are_bound_but_the_whole_file_is_pinned(
    write: Write, context: PlanContext
) -> None:
    text = jsonl_of(1_300) + "what no plan reads\n"
    write("reviews.jsonl", text)
    plan = build_plan(
        DOCUMENT,
        inputs={"reviews": {"file": "reviews.jsonl"}},
        context=context,
        options=PlanOptions.from_json({"rows": 3}),
    )
    (bound,) = plan.inputs
    assert (bound.count, bound.sha256) == (3, hashlib.sha256(text.encode()).hexdigest())


@pytest.mark.parametrize("rows", [None, 3])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_bytes_that_are_no_text_are_named_by_their_line_wherever_they_stand(
    write: Write, context: PlanContext, form: str, rows: int | None
) -> None:
    text = csv_of(20_000) if form == "csv" else jsonl_of(20_000)
    assert len(text) > 2_000_000
    write(f"reviews.{form}", text.encode() + b"\xff\n")
    line = text.count("\n") + 1
    with pytest.raises(InputError, match=rf"not UTF-8 text \(line {line}, byte {len(text.encode()) + 1}\)"):
        build_plan(
            DOCUMENT,
            inputs={"reviews": {"file": f"reviews.{form}"}},
            context=context,
            options=PlanOptions.from_json({} if rows is None else {"rows": rows}),
        )


@pytest.mark.slow
def test_planning_and_opening_again_hold_no_rows(write: Write, context: PlanContext) -> None:
    peaks: list[int] = []
    for count in (1_200, 3_000):
        write(f"{count}.csv", csv_of(count))
        tracemalloc.start()
        try:
            plan = build_plan(DOCUMENT, inputs={"reviews": {"file": f"{count}.csv"}}, context=context)
            record = plan.to_record()
            reopen(record)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] - peaks[0] < 500_000  # 1,800 rows held are more than twice that


NESTED = """\
stratum: "1"
functions:
  next: { mode: compute, input: { n: int }, output: int, expression: n + 1 }
flows:
  inner:
    input: { ns: list<int> }
    output: int
    steps:
      - { id: each, for_each: input.ns, function: next, inputs: { n: item } }
    return: len(each)
  outer:
    input: { ns: list<int> }
    output: int
    steps:
      - { id: each, for_each: input.ns, flow: inner, inputs: { ns: input.ns } }
    return: len(each)
"""


def nine_in_nine(*, most: int) -> Walked:
    """Walk over nine items for each of nine: 100 steps and items."""
    program = check(NESTED).program
    assert program is not None
    walker = Walker(program, {}, most=most)
    return walker.run(program.flows["outer"], {"ns": Known(list(range(9)))})


def test_a_walk_follows_so_many_steps_and_items() -> None:
    assert nine_in_nine(most=100).shape == Known(9)


def test_a_walk_gives_up_behind_them_and_says_what_to_do() -> None:
    with pytest.raises(PlanError, match=r"steps\[0\]: the run comes to more than 99 steps") as raised:
        nine_in_nine(most=99)
    assert "rows" in raised.value.remedy
