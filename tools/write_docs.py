"""Write the generated parts of docs/: `python tools/write_docs.py`, or `make docs`.

docs/errors.md is written whole from the catalogue of diagnostics; in docs/ir.md the table of functions between its two
marks. A test compares both with what this would write.
"""

from __future__ import annotations

from pathlib import Path

from stratum_core.checks import errors_page
from stratum_core.ir.expressions import SIGNATURES

DOCS = Path(__file__).parent.parent / "docs"
START = "<!-- functions: written by `make docs` -->"
END = "<!-- end of functions -->"


def generated() -> dict[Path, str]:
    """Return what each generated page should hold."""
    page = DOCS / "ir.md"
    head, _, rest = page.read_text("utf-8").partition(START)
    _, _, tail = rest.partition(END)
    return {
        DOCS / "errors.md": errors_page(),
        page: f"{head}{START}\n{function_table()}\n{END}{tail}",
    }


def function_table() -> str:
    """Return the table of every function and method of the expression language."""
    rows = [
        f"| `{signature.replace('|', chr(92) + '|')}` | {meaning} |"
        for signature, meaning in SIGNATURES.values()
    ]
    return "\n".join(["| function | meaning |", "|---|---|", *rows])


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
