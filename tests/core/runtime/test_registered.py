"""Registered Python functions: JSON in and out of a process of its own, with limits, and never twice in a run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from stratum_core.budget import Budget
from stratum_core.checks import Limits, check
from stratum_core.contracts import JsonValue
from stratum_core.errors import PlanError
from stratum_core.journal import MemoryJournal
from stratum_core.llm import PriceTable
from stratum_core.registry import read_registered
from stratum_core.runtime import RunContext, RunOutcome, run_program
from stratum_core.specs import RegisteredFunction
from stratum_core.testing import ScriptedClient

pytestmark = pytest.mark.anyio

DOCUMENT = """\
stratum: "1"
functions:
  work: { mode: compute, input: { given: json }, output: OUTPUT, python: work, ensure: ["ENSURE"] }
flows:
  main:
    input: { given: json }
    output: OUTPUT
    steps:
      - { id: done, function: work, inputs: { given: input.given } }
    return: done
"""
ECHO = "import json, sys\nprint(json.dumps(json.load(sys.stdin)['given']))\n"


@dataclass
class Workshop:
    """A folder with one registered function, and runs that call it."""

    folder: Path
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    timeout_s: float = 20.0
    memory_mb: int = 256
    variables: tuple[str, ...] = ()
    name: str = "work"
    stopped: bool = False

    async def run(
        self, code: str, given: JsonValue = None, *, output: str = "json", ensure: str = "true"
    ) -> RunOutcome:
        """Run a flow that calls the function once."""
        file = self.folder / "work.py"
        file.write_text(code, "utf-8")
        file.chmod(0o600)
        entry = RegisteredFunction(
            file=str(file), timeout_s=self.timeout_s, memory_mb=self.memory_mb, environ=self.variables
        )
        text = DOCUMENT.replace("OUTPUT", output).replace("ENSURE", ensure.replace("true", "1 == 1"))
        checked = check(text, limits=Limits(compute_registry=frozenset({"work"})))
        assert checked.program is not None, checked.diagnostics
        context = RunContext(
            program=checked.program,
            journal=self.journal,
            client_for=lambda _: ScriptedClient([]),
            prices=PriceTable.load(),
            default_model="offline",
            registered={self.name: entry},
            environ=self.environ,
        )
        if self.stopped:
            context.stop("cancelled", "cancelled by a person")
        with anyio.fail_after(30):
            return await run_program(context, flow="main", inputs={"given": given}, budget=Budget())

    def resumed(self) -> None:
        """Go on as the next process would."""
        self.journal = MemoryJournal(after=self.journal)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


async def test_the_inputs_arrive_as_json_and_the_value_is_what_is_printed(workshop: Workshop) -> None:
    given: JsonValue = {"text": "grüße 💶 \u2028", "numbers": [1, 2.5, None, True]}
    assert (await workshop.run(ECHO, given)).value == given


async def test_the_process_has_no_keys_and_a_fresh_folder_of_its_own(workshop: Workshop) -> None:
    workshop.environ = {**os.environ, "OPENAI_API_KEY": "sk-secret", "PARTS": "12", "LANG": "C.UTF-8"}
    workshop.variables = ("PARTS", "NOT_SET")
    code = "import json, os\nprint(json.dumps([dict(os.environ), os.getcwd(), os.listdir('.')]))\n"
    value = (await workshop.run(code)).value
    assert isinstance(value, list)
    environ, folder, files = value
    assert isinstance(environ, dict)
    assert {name: environ.get(name) for name in environ if name != "LC_CTYPE"} == {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PARTS": "12",
    }
    assert files == ["work.py"]
    assert not await anyio.Path(str(folder)).exists()


async def test_code_beside_the_file_is_not_importable(workshop: Workshop) -> None:
    (workshop.folder / "beside.py").write_text("value = 1\n")
    outcome = await workshop.run("import beside\nprint(beside.value)\n")
    assert "No module named 'beside'" in outcome.error


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(3)", "ended with status 3"),
        ("import sys; sys.exit('no\\x1b[31m part \\u202e 7')", "it said: no[31m part  7"),
        ("print('{}{}')", "did not print one JSON value"),
        ("pass", "did not print one JSON value"),
        ("print('NaN')", "NaN is not a JSON number"),
        ("print('1e999')", "too large a number"),
        ("print('[' * 100000)", "did not print one JSON value"),
        ("import os; os.write(1, b'\\xff')", "did not print one JSON value"),
        ("print('\"' + 'x' * 2_000_000 + '\"')", "printed more than 1,000,000 bytes"),
        ("print('[' + '1e15,' * 190_000 + '1]')", "gave a value of"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
    ],
)
async def test_a_function_that_fails_says_how(workshop: Workshop, code: str, said: str) -> None:
    outcome = await workshop.run(code)
    assert outcome.state == "failed"
    assert f"done: `work` {said}" in outcome.error or said in outcome.error
    assert outcome.error.isprintable()


async def test_a_value_of_another_type_is_refused(workshop: Workshop) -> None:
    outcome = await workshop.run("print('\"seven\"')", output="int")
    assert "done: output of `work`" in outcome.error


async def test_a_condition_on_the_value_is_judged(workshop: Workshop) -> None:
    outcome = await workshop.run("print(7)", output="int", ensure="result > 7")
    assert "`result > 7` is false for the output of `work`" in outcome.error


@pytest.mark.slow
async def test_a_function_that_takes_too_long_is_ended_with_its_children(workshop: Workshop) -> None:
    workshop.timeout_s = 4.0  # long enough for a busy machine to start two interpreters
    pids = workshop.folder / "pids"
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(600)\n"
    )
    outcome = await workshop.run(code)
    assert "took longer than 4 s" in outcome.error
    for pid in pids.read_text().split():
        await _gone(int(pid))


async def test_a_function_cannot_take_more_memory_than_it_may(workshop: Workshop) -> None:
    outcome = await workshop.run("x = bytearray(1 << 30)\nprint(len(x))\n")
    assert "MemoryError" in outcome.error


async def test_a_function_that_does_not_read_its_input_is_free_not_to(workshop: Workshop) -> None:
    outcome = await workshop.run("print(1)\n", "x" * 900_000)
    assert (outcome.value, outcome.error) == (1, "")


async def test_a_resumed_run_takes_the_value_from_its_journal(workshop: Workshop) -> None:
    counter = workshop.folder / "count"
    code = f"open({str(counter)!r}, 'a').write('x')\nprint(len(open({str(counter)!r}).read()))\n"
    first = await workshop.run(code, "same")
    workshop.resumed()
    second = await workshop.run(code, "same")
    assert (first.value, second.value, counter.read_text()) == (1, 1, "x")


async def test_a_recorded_value_serves_only_the_same_inputs(workshop: Workshop) -> None:
    assert (await workshop.run(ECHO, "one")).value == "one"
    workshop.resumed()
    assert (await workshop.run(ECHO, "two")).value == "two"


async def test_a_failure_is_not_recorded_so_a_resumed_run_tries_again(workshop: Workshop) -> None:
    assert (await workshop.run("raise SystemExit(1)")).state == "failed"
    workshop.resumed()
    assert (await workshop.run("print(2)")).value == 2


async def test_code_that_changed_after_the_plan_does_not_run(workshop: Workshop) -> None:
    file = workshop.folder / "work.py"
    file.write_text("print(1)\n")
    file.chmod(0o600)
    with pytest.raises(PlanError, match="was changed after the plan was made"):
        read_registered("work", RegisteredFunction(file=str(file), sha256="0" * 64))


async def test_a_function_that_is_not_part_of_the_plan_does_not_run(workshop: Workshop) -> None:
    workshop.name = "another"
    assert "the plan holds no registered function 'work'" in (await workshop.run(ECHO)).error


async def test_a_stopped_run_starts_no_process(workshop: Workshop) -> None:
    workshop.stopped = True
    marker = workshop.folder / "ran"
    assert (await workshop.run(f"open({str(marker)!r}, 'w')\nprint(1)")).state == "cancelled"
    assert not await anyio.Path(marker).exists()


async def test_an_interpreter_that_cannot_start_is_told(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(workshop.folder / "no-python"))
    assert "could not be started" in (await workshop.run(ECHO)).error


async def test_the_event_of_a_call_holds_what_it_gave(workshop: Workshop) -> None:
    await workshop.run(ECHO, [1])
    with workshop.journal.reader() as reader:
        (event,) = [event for event in reader.events() if event.kind == "computed"]
    assert (event.path, event.data["function"], event.data["value"]) == ("done", "work", [1])
    assert "sk-" not in json.dumps(dict(event.data))


async def _gone(pid: int) -> None:
    """Wait until a process that was killed has ended: the kernel takes its time on a busy machine."""
    with anyio.fail_after(10):
        while not _is_gone(pid):
            await anyio.lowlevel.checkpoint()


def _is_gone(pid: int) -> bool:
    """Return whether a process has ended; one that nobody collected yet has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False
    return state in {"Z", "X"}
