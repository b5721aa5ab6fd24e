from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from stratum_core.errors import InputError
from stratum_core.plan import Roots


def test_a_file_inside_the_roots_is_read_once_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\n1\n")

    data = Roots(tmp_path).read("a.csv")

    assert data.data == b"x\n1\n"
    assert data.sha256 == hashlib.sha256(b"x\n1\n").hexdigest()
    assert data.path == str((tmp_path / "a.csv").resolve())


def test_a_relative_path_is_tried_in_each_root_in_order(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()
    (second / "a.txt").write_text("two")

    assert Roots(first, second).read("a.txt").data == b"two"


def test_an_absolute_path_inside_a_root_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")

    assert Roots(tmp_path).read(str(path)).data == b"x"


@pytest.mark.parametrize(
    "text", ["../secret.txt", "sub/../../secret.txt", "/etc/passwd", "sub/link.txt", "folder/x"]
)
def test_no_path_leads_out_of_the_roots(tmp_path: Path, text: str) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "x").write_text("secret")
    (root / "sub" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "folder").symlink_to(tmp_path, target_is_directory=True)

    with pytest.raises(InputError, match="outside the directories this plan may use"):
        Roots(root).read(text)


def test_a_path_outside_gets_the_same_answer_whether_or_not_it_exists(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "there").write_text("x")

    messages: list[str] = []
    for name in ("there", "gone!"):
        with pytest.raises(InputError) as caught:
            Roots(root).read(f"../{name}")
        messages.append(caught.value.message.replace(name, "NAME"))

    assert messages[0] == messages[1]


def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("x")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")

    assert Roots(tmp_path).read("link.txt").path == str((tmp_path / "real.txt").resolve())


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_only_regular_files_are_read_and_a_pipe_does_not_hang(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()

    with pytest.raises(InputError, match="odd"):
        Roots(tmp_path).read("odd")


def test_a_missing_file_names_the_folders_looked_in(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file 'a\.csv'") as caught:
        Roots(tmp_path).read("a.csv")

    assert str(tmp_path.resolve()) in caught.value.remedy


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 11)

    assert Roots(tmp_path).read("big", max_bytes=11).data == b"x" * 11
    with pytest.raises(InputError, match="has more than 10 bytes"):
        Roots(tmp_path).read("big", max_bytes=10)


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_what_is_no_path_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="is not a path"):
        Roots(tmp_path).read(text)


def test_without_roots_nothing_is_readable() -> None:
    with pytest.raises(InputError, match="none is allowed"):
        Roots().read("a.csv")


def test_the_root_itself_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="outside"):
        Roots(tmp_path).read(str(tmp_path))


def test_an_output_stays_inside_and_its_folder_exists(tmp_path: Path) -> None:
    roots = Roots(tmp_path)

    assert roots.locate_output("out.csv") == (tmp_path / "out.csv").resolve()
    with pytest.raises(InputError, match="does not exist"):
        roots.locate_output("no/out.csv")
    with pytest.raises(InputError, match="outside"):
        roots.locate_output("../out.csv")
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(InputError, match="is not a file"):
        roots.locate_output("dir.csv")


def test_an_output_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "out.csv").symlink_to(tmp_path / "victim.csv")

    with pytest.raises(InputError, match="outside"):
        Roots(root).locate_output("out.csv")


def test_an_unreadable_name_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a path"):
        Roots(tmp_path).read("n" * 300)
