"""SessionStart: tells what is under way or was left undone here, and the agent how to go on; warns of planted hooks."""

from __future__ import annotations

from _hook import Payload, Reply, inform, main, text_of
from _protected import answering_hooks, read_text, settings_files
from _state import OpenRun, open_runs, state_dir

_SHOWN = 3


def handle(payload: Payload) -> Reply:
    """Look at the state directory and the settings of the project a session starts in."""
    project = text_of(payload, "cwd")
    runs = open_runs(state_dir(), project)
    said = [_line(run) for run in runs[:_SHOWN]]
    if len(runs) > _SHOWN:
        said.append(f"and {len(runs) - _SHOWN} more: `stratum runs` lists them")
    planted = [path for path in settings_files(project) if answering_hooks(read_text(path))]
    warned = [
        f"A hook in {path} can answer Stratum's questions in your place. Remove it unless you set it up yourself."
        for path in planted
    ]
    if not said and not warned:
        return None
    agent = (
        "Stratum runs of this project that are not over: "
        + "; ".join(f"{run.run_id} ({run.state.replace('_', ' ')})" for run in runs[:_SHOWN])
        + ". Ask the person before you call resume(run_id); if they want something else first, leave it."
        if runs
        else ""
    )
    return inform(
        "SessionStart", person="\n".join(["Stratum: " + line for line in [*said, *warned]]), agent=agent
    )


def _line(run: OpenRun) -> str:
    """Return what one run left behind, ending in the question what to do."""
    items = f"{run.done:,} of {run.total:,} done, " if run.total else ""
    paid = (
        f", {run.possibly_paid} {'call' if run.possibly_paid == 1 else 'calls'} possibly paid"
        if run.possibly_paid
        else ""
    )
    figures = f"{items}{run.usd} spent{paid}"
    if run.state == "waiting":
        asked = f"{run.questions} {'answer' if run.questions == 1 else 'answers'} of yours"
        return (
            f"run {run.run_id} waits for {asked if run.questions else 'nothing any more'}: {figures}; resume?"
        )
    if run.state == "running":
        return f"run {run.run_id} is still at work: {figures}; wait for it?"
    how = "was interrupted" if run.state == "interrupted" else "was stopped by a limit of the provider"
    return f"run {run.run_id} {how}: {figures}; resume?"


if __name__ == "__main__":
    main(handle)
