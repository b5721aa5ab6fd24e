"""The wheel a user installs: complete, importable and runnable outside the checkout, built offline."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def _run(*command: str | Path, cwd: Path) -> str:
    """Run one command with nothing inherited that could find the checkout or an index; give its output."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "COVERAGE"))
    }
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the locked build backend."""
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, root, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment that holds the wheel and borrows the locked dependencies of this one."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, with_pip=False)
    _run(
        sys.executable, "-m", "pip", "--python", home, "install", "--quiet", "--no-deps", "--no-index", wheel,
        cwd=home,
    )  # fmt: skip
    (site_packages,) = home.glob("lib/python*/site-packages")
    # A path line adds the directory without reading its .pth files, so the editable checkout stays invisible.
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return home


def test_the_wheel_holds_every_file_of_the_packages(
    wheel: Path, root: Path, own_files: tuple[Path, ...]
) -> None:
    ours = {path.relative_to(root).as_posix() for path in own_files}
    expected = {name for name in ours if name.startswith(("stratum_core/", "stratum_mcp/"))}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert expected - held == set()


def test_the_wheel_holds_nothing_of_the_tests_and_tools(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"stratum_core", "stratum_mcp", "stratum_runtime-0.1.0.dist-info"}


def test_the_installed_library_is_the_one_of_the_wheel(installed: Path) -> None:
    found = _run(
        installed / "bin" / "python", "-c", "import stratum_core; print(stratum_core.__file__)", cwd=installed
    )
    assert Path(found.strip()).is_relative_to(installed)


def test_the_installed_command_explains_itself(installed: Path) -> None:
    shown = _run(installed / "bin" / "stratum", "--help", cwd=installed)
    assert [verb for verb in ("validate", "plan", "execute", "demo") if verb not in shown] == []


def test_the_installed_demonstration_brings_its_sample_data(installed: Path, tmp_path: Path) -> None:
    shown = _run(
        installed / "bin" / "python",
        "-c",
        "import os, sys\n"
        f"os.environ['STRATUM_STATE_DIR'] = {str(tmp_path / 'state')!r}\n"
        "sys.argv = ['stratum', 'demo', '--yes-under', '0.05', '--rows', '3']\n"
        "from stratum_mcp.cli import main; main()",
        cwd=tmp_path,
    )
    assert "Done. 3 processed" in shown
    assert (tmp_path / "results.csv").is_file()
