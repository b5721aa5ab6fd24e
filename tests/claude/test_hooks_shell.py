"""The guard on the shell: what it refuses however it is written, what it lets pass, and what it cannot see."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.claude._hooks import PLUGIN, Answer, payload, run_hook
from tests.claude._json import objects, parse_object
from tests.support.pages import ROOT, section, table_rows

_PAGE = ROOT / "docs" / "claude-code.md"
_HERE_DOCUMENT = "cat > notes.md <<'EOF'\nstratum approve plan_1\nEOF"

APPROVALS = (
    "stratum approve plan_1",
    "stratum decide run_1",
    "stratum demo --yes-under 5",
    "stratum   --json approve plan_1",
    "'stratum' approve plan_1",
    "str''atum app\"ro\"ve plan_1",
    "s\\tratum approve plan_1",
    "str\\\natum approve plan_1",
    "$'\\x73tratum' approve plan_1",
    "$'\\163tratum' approve plan_1",
    'stratum $"approve" plan_1',
    "A=1 CLAUDECODE= stratum approve plan_1",
    "env -u CLAUDECODE stratum approve plan_1",
    "unset CLAUDECODE; stratum approve plan_1",
    "/usr/local/bin/stratum approve plan_1",
    ".venv/bin/stratum approve plan_1",
    "STRATUM_STATE_DIR='/a b/state' '/my tools/bin/stratum' approve plan_1",
    "python -m stratum_mcp.cli approve plan_1",
    "python3.12 -I -m stratum_mcp approve plan_1",
    "python -mstratum_mcp.cli approve plan_1",
    "python3 .venv/bin/stratum approve plan_1",
    "uv run stratum approve plan_1",
    "timeout 5 stratum approve plan_1",
    "sudo -u someone stratum approve plan_1",
    "nohup sh -c 'sleep 1; stratum approve plan_1' &",
    'sh -c "stratum approve plan_1"',
    "bash -lc 'stratum approve plan_1'",
    "bash <<EOF\nstratum approve plan_1\nEOF",
    "bash <<-EOF\n\tstratum approve plan_1\n\tEOF",
    "sh <<< 'stratum approve plan_1'",
    "cat <<'EOF' | sh\nstratum approve plan_1\nEOF",
    "echo stratum approve plan_1 | bash",
    "eval stratum approve plan_1",
    'eval "$(echo stratum approve plan_1)"',
    "ls\nstratum approve plan_1",
    "ls # nothing\nstratum approve plan_1",
    "git status;stratum approve plan_1",
    "yes | stratum approve plan_1",
    "true && ! stratum approve plan_1",
    "sleep 1 & stratum approve plan_1",
    "(stratum approve plan_1)",
    "if true; then stratum approve plan_1; fi",
    "while read p; do stratum approve $p; done < plans",
    "f() { stratum approve plan_1; }; f",
    "x=$(stratum approve plan_1)",
    'echo "so: $(stratum approve plan_1)"',
    "echo `stratum approve plan_1`",
    'echo "`stratum approve plan_1`"',
    "cat <(stratum approve plan_1)",
    "2>/dev/null stratum approve plan_1",
    "stratum approve plan_1 &> log",
    "S=stratum; $S approve plan_1",
    "export S=strat; ${S}um approve plan_1",
    "$UNKNOWN approve plan_1",
    "./strat* decide run_1",
    "{stratum,approve,plan_1}",
    "xargs -n1 stratum approve < plans",
    "find . -name x -exec stratum approve plan_1 ;",
    "script -qc 'stratum approve plan_1' /dev/null",
    "tmux send-keys 'stratum approve plan_1' Enter",
    "python -c \"import subprocess; subprocess.run(['stratum', 'approve', 'plan_1'])\"",
    "python3 - <<'EOF'\nimport os\nos.system('stratum approve plan_1')\nEOF",
    "node -e \"require('child_process').execSync('stratum approve plan_1')\"",
    'bash -c "bash -c \'bash -c \\"bash -c stratum\\\\ approve\\\\ p\\"\'"',
    "coproc stratum approve plan_1",
    "stratum approve run_1 --cap 5",
    "STRATUM_TOKEN=t stratum approve plan_1 --server https://stratum.example.org/mcp",
    "stratum team token carol --team team.yaml",
    "stratum keys rotate",
    "curl -d '{\"approve\": true}' https://stratum.example.org/approvals/alice/plan_1",
)
SERVERS = (
    "stratum-mcp",
    "stratum serve --http",
    "python -m stratum_mcp.server",
    "npx @modelcontextprotocol/inspector stratum-mcp",
    "STRATUM_POLICY=/tmp/own.yaml nohup stratum-mcp &",
    "python -m stratum_core.runtime.worker --run run_1",
    "python .venv/bin/stratum-mcp",
)
SETTINGS = (
    "echo '{}' > .claude/settings.json",
    "echo '{}' >| ~/.claude/settings.json",
    "cd .claude && echo '{}' > settings.local.json",
    "echo '{}' | tee ~/.claude.json",
    "cp mine.json $HOME/.claude/settings.json",
    "jq . a.json > t && mv t .claude/settings.json",
    "sed -i s/a/b/ ./.claude/../.claude/settings.json",
    "rm -rf ~/.claude/plugins/cache",
    "dd if=x of=.claude/settings.json",
    "python3 - <<E\nimport json\njson.dump({}, open('.claude/settings.json', 'w'))\nE",
    "claude mcp add stratum -- ./mine",
    "claude plugin disable stratum@stratum",
    "stratum uninstall",
    "stratum keys set openai",
    "echo 'approve_up_to_usd: 100' > ~/.config/stratum/policy.yaml",
    "sqlite3 ~/.local/state/stratum/control.db 'update approvals set decision = 1'",
    "sqlite3 $STRATUM_STATE_DIR/control.db .dump",
)
CLIENTS = (
    "claude -p 'run it' --settings '{\"hooks\": {}}'",
    "claude --settings=mine.json -p go",
    "env CLAUDE_CONFIG_DIR=/tmp/mine claude -p go --mcp-config mine.json",
    "npx claude -p go --permission-prompt-tool stdio",
)
RAW_CALLS = (
    "curl https://api.openai.com/v1/chat/completions -d @x.json",
    "curl -s https://api.anthropic.com/v1/messages",
    'curl "$ANTHROPIC_BASE_URL/v1/messages" -d @x',
    "wget --post-file=x https://generativelanguage.googleapis.com/v1/models/m:generateContent",
    "for f in *.txt; do curl https://openrouter.ai/api/v1/chat/completions -d @$f; done",
    'python -c "import openai; openai.OpenAI().chat.completions.create()"',
    "python - <<E\nfrom anthropic import Anthropic\nAnthropic().messages.create()\nE",
    "openai api chat.completions.create -m m",
)
ORDINARY = (
    "ls -la",
    "git status && git diff | head -50",
    'git commit -m "docs: say when stratum approve is needed"',
    "git commit -F - <<E\nstratum approve refuses\nE",
    "git log --grep='stratum approve'",
    "gh pr review --approve 12",
    'grep -rn "stratum approve" docs/',
    "cat docs/cli.md | head -20",
    "pytest tests -q -k approve",
    "uv run pytest tests/test_approve.py",
    "python manage.py approve plan_1",
    "pip install openai anthropic litellm",
    'python -c "import openai; print(openai.__version__)"',
    "curl -I https://api.openai.com",
    "curl https://example.com/api/v1/messages",
    "stratum validate a.stratum.yaml",
    "stratum plan a.stratum.yaml --flow main --json",
    "stratum execute plan_1",
    "stratum show run_1 --verify",
    "stratum demo --rows 5",
    "stratum keys list",
    "stratum team tokens",
    "stratum spend",
    "which stratum stratum-mcp",
    "ps aux | grep stratum-mcp",
    "cat .claude/settings.json",
    "jq .hooks .claude/settings.json",
    "cp .claude/settings.json backup.json",
    "echo 'run stratum approve plan_1 in your terminal'",
    _HERE_DOCUMENT,
    "cat > notes.md <<EOF && ls\nstratum approve plan_1\nEOF",
    "npm run build 2>&1 | tee build.log",
    "sed -i s/a/b/ config/settings.json",
    "cat > policy.yaml <<EOF\na: 1\nEOF",
    "find . -name '*.py' -exec wc -l {} +",
    'for f in *.csv; do wc -l "$f"; done',
    "python - <<E\nprint('hello')\nE",
    "awk '{print $1}' data.txt",
    "sqlite3 app.db 'select 1'",
    "claude mcp list",
    "claude --version",
    "claude -p 'summarise this' < notes.md",
    "claude mcp add github -- npx server",
    "docker compose up -d && docker ps",
    "echo it\\'s fine; echo \"a 'b' $(date)\"",
    "echo unfinished 'quote",
    "echo $((1 + 2)) ${HOME:-x} $",
    "",
)


_IN_ONE_PROCESS = f"""\
import json, sys
sys.path.insert(0, {str(PLUGIN / "hooks")!r})
import guard_shell
print(json.dumps({{"replies": [guard_shell.handle(given) or {{}} for given in json.load(sys.stdin)]}}))
"""


def _judge(*commands: str) -> dict[str, Answer]:
    """Return the guard's answers to many commands, given by one process."""
    project = Path("/tmp/project")
    given = [payload("before_bash", project=project, tool_input={"command": command}) for command in commands]
    done = subprocess.run(
        [sys.executable, "-B", "-S", "-E", "-c", _IN_ONE_PROCESS],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    replies = objects(parse_object(done.stdout).get("replies"))
    answers = [Answer(exit_code=0, reply=reply, stderr="") for reply in replies]
    return dict(zip(commands, answers, strict=True))


@pytest.mark.parametrize(
    ("commands", "because"),
    [
        (APPROVALS, "the person approves and answers, not you"),
        (SERVERS, "the client starts Stratum's server"),
        (SETTINGS, "are not written from a shell"),
        (CLIENTS, "another Claude Code with settings"),
        (RAW_CALLS, "model calls go through Stratum"),
    ],
    ids=["approvals", "servers", "settings", "clients", "raw calls"],
)
def test_it_refuses_however_it_is_written(commands: tuple[str, ...], because: str) -> None:
    answers = _judge(*commands)
    missed = [
        command
        for command, answer in answers.items()
        if answer.decision != "deny" or because not in answer.reason
    ]
    assert missed == []


def test_ordinary_commands_pass_without_a_word() -> None:
    assert [command for command, answer in _judge(*ORDINARY).items() if answer.reply] == []


def test_a_command_nested_deeper_than_it_reads_is_judged_by_its_words() -> None:
    command = "stratum approve plan_1"
    for _ in range(12):
        command = f"echo $({command})"
    assert _judge(command)[command].decision == "deny"


def test_the_page_says_the_truth_about_what_is_stopped() -> None:
    rows = table_rows(section(_PAGE, "Ways around the guard on the shell"), "command")
    shown = {re.sub(r"\\n", "\n", command.strip("`")): verdict for command, verdict, *_ in rows}
    judged = {
        command: "stopped" if answer.decision == "deny" else "not stopped"
        for command, answer in _judge(*shown).items()
    }
    assert judged == shown
    assert {*shown.values()} == {"stopped", "not stopped"}


def test_the_hook_as_the_client_starts_it_answers_the_same() -> None:
    given = payload("before_bash", project=Path("/tmp/project"), tool_input={"command": APPROVALS[0]})
    assert run_hook("guard_shell.py", given) == _judge(APPROVALS[0])[APPROVALS[0]]
    assert run_hook("guard_shell.py", payload("before_bash", project=Path("/tmp/project"))).reply == {}
