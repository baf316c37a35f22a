"""How each coding agent is run once, not interactively, with the settings that its page in docs/clients/ shows.

The page's own snippet is written into a home of its own, with this gateway's address and key in it; what the sandbox is to do goes with it
as a header. An agent's function returns what the agent said last. `resume` goes on with the last session of that home and folder.
"""
import json
import os
import pathlib
import platform
import re
import subprocess

import run_sdk

PAGES = pathlib.Path(__file__).parent.parent / "docs/clients"
MODULES = run_sdk.HOME / "node_modules"
ARCH = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
HEADER = "glmgate-sandbox-do"
LIMIT = 150


class Session:
    """A person's home and working folder, the gateway's address and a key."""

    def __init__(self, folder, url, key):
        self.url, self.key = url, key
        self.home = folder / "home"
        self.work = folder / "work"
        self.home.mkdir()
        self.work.mkdir()

    def snippet(self, page, path):
        """What a page shows for `~/path`: the code block that follows it."""
        text = (PAGES / page).read_text()
        block = re.search(r"`~/" + re.escape(path) + r"`.*?```\w+\n(.*?)```", text, re.S).group(1)
        return block.replace("http://127.0.0.1:4560", self.url).replace("sk-YOUR-KEY", self.key)

    def write(self, path, content):
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    def settle(self, page, path, change):
        """Writes a page's JSON snippet, after `change(document)`."""
        document = json.loads(self.snippet(page, path))
        change(document)
        self.write(path, document)

    def run(self, *command, **environment):
        kept = {name: value for name, value in os.environ.items()
                if "proxy" not in name.lower() and not name.startswith(("ANTHROPIC_", "OPENAI_", "CLAUDE", "ZAI_", "XDG_"))}
        kept["PATH"] = f"{MODULES / f'node-linux-{ARCH}' / 'bin'}:{kept['PATH']}"
        done = subprocess.run([str(part) for part in command], cwd=self.work, env={**kept, "HOME": str(self.home), "PWD": str(self.work), **environment}, text=True,
                              capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"exit {done.returncode}: {done.stdout[-700:]} {done.stderr[-700:]}"
        return done.stdout


def claude(session, prompt, directives, resume=False):
    session.settle("claude-code.md", ".claude/settings.json",
                   lambda settings: settings["env"].update(ANTHROPIC_CUSTOM_HEADERS=f"{HEADER}: {directives}"))
    program = next(MODULES.glob(f"@anthropic-ai/claude-code-linux-{ARCH}/claude"))
    told = json.loads(session.run(program, *(["-c"] if resume else []), "-p", prompt, "--output-format", "json", "--allowedTools", "Bash", "Read"))
    assert not told["is_error"], told
    return told["result"]


def codex(session, prompt, directives, resume=False):
    lines = session.snippet("codex.md", ".codex/config.toml")
    session.write(".codex/config.toml", lines + f"""http_headers = {{ "{HEADER}" = '{directives}' }}
[features]
plugins = false
apps = false
""")
    program = next(MODULES.glob("@openai/codex-linux-*/vendor/*/bin/codex"))
    how = ["exec", *(["resume", "--last"] if resume else []), "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json", prompt]
    events = [json.loads(line) for line in session.run(program, *how, GLMGATE_KEY=session.key).splitlines() if line.startswith("{")]
    assert events[-1]["type"] == "turn.completed" and events[-1]["usage"]["input_tokens"] > 0, events[-1]
    return [e["item"]["text"] for e in events if e["type"] == "item.completed" and e["item"]["type"] == "agent_message"][-1]


def opencode(session, prompt, directives, resume=False):
    session.settle("opencode.md", ".config/opencode/opencode.json", lambda settings: (
        settings["provider"]["glmgate"]["options"].update(headers={HEADER: directives}), settings.update(permission="allow")))
    program = next(MODULES.glob(f"opencode-linux-{ARCH}-baseline/bin/opencode"), None) or next(MODULES.glob(f"opencode-linux-{ARCH}/bin/opencode"))
    out = session.run(program, "run", *(["-c"] if resume else []), "--format", "json", prompt)
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return [e["part"]["text"] for e in events if e.get("type") == "text"][-1]


def pi(session, prompt, directives, resume=False):
    session.settle("pi.md", ".pi/agent/models.json", lambda settings: settings["providers"]["glmgate"].update(headers={HEADER: directives}))
    session.write(".pi/agent/settings.json", session.snippet("pi.md", ".pi/agent/settings.json"))
    return session.run(MODULES / ".bin/pi", *(["-c"] if resume else []), "-p", prompt).strip()


def qwen(session, prompt, directives, resume=False):
    session.settle("qwen-code.md", ".qwen/settings.json", lambda settings: (
        settings["modelProviders"]["openai"][0]["generationConfig"].update(customHeaders={HEADER: directives}),
        settings.update(privacy={"usageStatisticsEnabled": False}, telemetry={"enabled": False})))
    out = session.run(MODULES / ".bin/qwen", *(["--continue"] if resume else []), "-p", prompt, "--yolo", "--output-format", "json")
    return [event["result"] for event in json.loads(out) if event.get("type") == "result"][-1]


def cline(session, prompt, directives, resume=False):
    assert not resume, "not without a terminal"
    session.settle("cline.md", ".cline/data/settings/providers.json",
                   lambda settings: settings["providers"]["openai-compatible"]["settings"].update(headers={HEADER: directives}))
    out = session.run(next(MODULES.glob(f"@cline/cli-linux-{ARCH}/bin/cline")), "--json", prompt)
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return next(e["text"] for e in reversed(events) if e["type"] == "run_result")
