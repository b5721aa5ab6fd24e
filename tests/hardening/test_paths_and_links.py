"""Attacks with paths, ids and links: each name is refused, nothing outside is read, and nothing is written there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from stratum_core.contracts import JsonValue
from stratum_core.engine import Engine, Settings
from stratum_core.errors import StratumError
from tests.support.jobs import DOCUMENT

SECRET = "id,text\n7,the-secret-outside\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project, what lies around it, and its engine."""

    folder: Path
    engine: Engine

    @property
    def project(self) -> Path:
        """The one folder plans may read."""
        return self.folder / "project"

    @property
    def secret(self) -> Path:
        """A file beside it."""
        return self.folder / "secret.csv"

    def outside(self) -> dict[str, str]:
        """Every file outside the project and the state, with its text, and every link."""
        paths = [path for path in self.folder.rglob("*") if not path.is_relative_to(self.folder / "state")]
        return {
            str(path): path.read_text("utf-8") for path in paths if path.is_file() and not path.is_symlink()
        }


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "project" / "inner").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text(SECRET, "utf-8")
    (tmp_path / "project" / "notes.csv").write_text("id,text\n1,x\n", "utf-8")
    return Place(
        folder=tmp_path,
        engine=Engine(
            Settings(
                state_dir=tmp_path / "state",
                roots=(tmp_path / "project",),
                environ={"HOME": str(tmp_path)},
                default_model="offline",
            )
        ),
    )


def _link(name: str, target: str) -> Callable[[Place], str]:
    def make(place: Place) -> str:
        (place.project / name).symlink_to(target)
        return name

    return make


def _linked_folder(place: Place) -> str:
    (place.project / "way").symlink_to("..", target_is_directory=True)
    return "way/secret.csv"


def _chain(place: Place) -> str:
    (place.project / "one").symlink_to("inner/two")
    (place.project / "inner" / "two").symlink_to("../../secret.csv")
    return "one"


def _loop(place: Place) -> str:
    (place.project / "round").symlink_to("round")
    return "round"


def _pipe(place: Place) -> str:
    os.mkfifo(place.project / "pipe.csv")
    return "pipe.csv"


def _said(text: str) -> Callable[[Place], str]:
    return lambda place: text.replace("FOLDER", str(place.folder))


WAYS_OUT: dict[str, Callable[[Place], str]] = {
    "up": _said("../secret.csv"),
    "up and down": _said("inner/../../secret.csv"),
    "a whole path": _said("FOLDER/secret.csv"),
    "a home": _said("~/secret.csv"),
    "a neighbour whose name begins alike": _said("../project2/secret.csv"),
    "percent signs": _said("..%2fsecret.csv"),
    "backslashes": _said("..\\secret.csv"),
    "a null": _said("notes.csv\x00../../secret.csv"),
    "an address": _said("file://FOLDER/secret.csv"),
    "the process's own descriptors": _said("/proc/self/cwd/../secret.csv"),
    "a device": _said("/dev/stdin"),
    "a link": _link("innocent.csv", "../secret.csv"),
    "a link with a whole path": _link("innocent.csv", "/etc/passwd"),
    "a linked folder": _linked_folder,
    "a chain of links": _chain,
    "a link to itself": _loop,
    "a named pipe": _pipe,
    "a folder": _said("inner"),
    "a very long name": _said("x" * 5_000),
    "nothing": _said(""),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_name_of_a_data_file_or_a_document_leads_out(place: Place, way: str) -> None:
    name = WAYS_OUT[way](place)
    for ask in (
        lambda: place.engine.plan(DOCUMENT, inputs={"notes": {"file": name, "format": "csv"}}),
        lambda: place.engine.plan(DOCUMENT, inputs={"notes": {"file": name}}),
        lambda: place.engine.validate(name or "no.yaml"),
        lambda: place.engine.repair(name or "no.yaml"),
    ):
        with pytest.raises(StratumError) as raised:
            ask()
        assert "the-secret-outside" not in f"{raised.value} {raised.value.detail}"


@pytest.mark.parametrize(
    "way",
    [
        "up",
        "up and down",
        "a whole path",
        "a linked folder",
        "a link",
        "a chain of links",
        "a device",
        "a null",
    ],
)
def test_no_name_of_a_result_or_a_module_leads_out(place: Place, way: str) -> None:
    name = WAYS_OUT[way](place)
    inputs: dict[str, JsonValue] = {"notes": {"file": "notes.csv"}}
    plan_id = place.engine.plan(DOCUMENT, inputs=inputs).plan_id
    before = place.outside()
    with pytest.raises(StratumError):
        place.engine.plan(DOCUMENT, inputs=inputs, options={"out": name})
    with pytest.raises(StratumError):
        place.engine.code.codegen(plan_id, path=name.replace(".csv", ".py") if way != "a link" else name)
    assert place.outside() == before


def test_a_document_that_became_a_link_is_not_written_through(place: Place) -> None:
    path = place.project / "mine.yaml"
    path.write_text(DOCUMENT.replace('"1"', "1"), "utf-8")
    mended = place.engine.repair("mine.yaml")
    path.unlink()
    path.symlink_to("../secret.csv")
    with pytest.raises(StratumError):
        place.engine.write(mended)
    assert place.secret.read_text("utf-8") == SECRET


def test_a_control_file_a_journal_and_a_log_that_are_links_lead_nowhere(place: Place) -> None:
    plan_id = place.engine.plan(DOCUMENT, inputs={"notes": []}).plan_id
    control = place.folder / "state" / "control.db"
    control.unlink()
    control.symlink_to(place.secret)
    with pytest.raises(StratumError):
        place.engine.show_plan(plan_id)
    assert place.secret.read_text("utf-8") == SECRET
