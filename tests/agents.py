"""How each coding agent is pointed at a gateway and run once, not interactively: what docs/clients/ tells people to do.

An agent's function writes its settings into a home of its own, runs it, and returns what it said last. `resume` goes on with the
session that was the last one in the same home and folder. `directives` are for the sandbox, by header.
"""
import json
import os
import platform
import subprocess

import run_sdk

MODULES = run_sdk.HOME / "node_modules"
ARCH = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
MODEL = "glm-4.7"
LIMIT = 150


class Session:
    """A person's home and working folder, the gateway's address and a key."""

    def __init__(self, folder, url, key):
        self.folder, self.url, self.key = folder, url, key
        self.home = folder / "home"
        self.work = folder / "work"
        self.home.mkdir()
        self.work.mkdir()

    def write(self, path, content):
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    def run(self, *command, **environment):
        kept = {name: value for name, value in os.environ.items()
                if "proxy" not in name.lower() and not name.startswith(("ANTHROPIC_", "OPENAI_", "CLAUDE", "ZAI_", "XDG_"))}
        kept["PATH"] = f"{MODULES / f'node-linux-{ARCH}' / 'bin'}:{kept['PATH']}"
        done = subprocess.run([str(part) for part in command], cwd=self.work, env={**kept, "HOME": str(self.home), **environment}, text=True,
                              capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"exit {done.returncode}: {done.stdout[-700:]} {done.stderr[-700:]}"
        return done.stdout


def claude(session, prompt, directives, resume=False):
    session.write(".claude/settings.json", {"env": {
        "ANTHROPIC_BASE_URL": session.url, "ANTHROPIC_AUTH_TOKEN": session.key, "ANTHROPIC_API_KEY": "", "ANTHROPIC_MODEL": MODEL,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "glm-4.5-air", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ANTHROPIC_CUSTOM_HEADERS": f"glmgate-sandbox-do: {directives}"}})
    program = next(MODULES.glob(f"@anthropic-ai/claude-code-linux-{ARCH}/claude"))
    told = json.loads(session.run(program, *(["-c"] if resume else []), "-p", prompt, "--output-format", "json", "--allowedTools", "Bash", "Read"))
    assert not told["is_error"], told
    return told["result"]


def codex(session, prompt, directives, resume=False):
    session.write(".codex/config.toml", f"""
model = "{MODEL}"
model_provider = "glmgate"
model_context_window = 200000
[model_providers.glmgate]
name = "glmgate"
base_url = "{session.url}/v1"
wire_api = "responses"
env_key = "GLMGATE_KEY"
http_headers = {{ "glmgate-sandbox-do" = '{directives}' }}
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
    session.write(".config/opencode/opencode.json", {
        "model": f"glmgate/{MODEL}", "small_model": "glmgate/glm-4.5-air", "permission": "allow",
        "provider": {"glmgate": {
            "npm": "@ai-sdk/openai-compatible", "name": "glmgate",
            "options": {"baseURL": f"{session.url}/v1", "apiKey": session.key, "headers": {"glmgate-sandbox-do": directives}},
            "models": {MODEL: {"name": "GLM-4.7", "reasoning": True, "tool_call": True, "limit": {"context": 200000, "output": 131072}},
                       "glm-4.5-air": {"name": "GLM-4.5-Air", "limit": {"context": 128000, "output": 98304}}}}}})
    program = next(MODULES.glob(f"opencode-linux-{ARCH}-baseline/bin/opencode"), None) or next(MODULES.glob(f"opencode-linux-{ARCH}/bin/opencode"))
    out = session.run(program, "run", *(["-c"] if resume else []), "--format", "json", prompt)
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return [e["part"]["text"] for e in events if e.get("type") == "text"][-1]


def pi(session, prompt, directives, resume=False):
    session.write(".pi/agent/models.json", {"providers": {"glmgate": {
        "baseUrl": session.url, "api": "anthropic-messages", "apiKey": session.key, "authHeader": True, "headers": {"glmgate-sandbox-do": directives},
        "models": [{"id": MODEL, "name": "GLM-4.7", "reasoning": True, "input": ["text"], "contextWindow": 200000, "maxTokens": 131072,
                    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}}]}}})
    session.write(".pi/agent/settings.json", {"defaultProvider": "glmgate", "defaultModel": MODEL})
    return session.run(MODULES / ".bin/pi", *(["-c"] if resume else []), "-p", prompt).strip()


def qwen(session, prompt, directives, resume=False):
    session.write(".qwen/settings.json", {
        "$version": 4,
        "modelProviders": {"openai": [{"id": MODEL, "name": "GLM-4.7 (glmgate)", "envKey": "GLMGATE_KEY", "baseUrl": f"{session.url}/v1",
                                       "generationConfig": {"contextWindowSize": 200000, "customHeaders": {"glmgate-sandbox-do": directives}}}]},
        "env": {"GLMGATE_KEY": session.key}, "security": {"auth": {"selectedType": "openai"}}, "model": {"name": MODEL},
        "privacy": {"usageStatisticsEnabled": False}, "telemetry": {"enabled": False}})
    out = session.run(MODULES / ".bin/qwen", *(["--continue"] if resume else []), "-p", prompt, "--yolo", "--output-format", "json")
    return [event["result"] for event in json.loads(out) if event.get("type") == "result"][-1]


def cline(session, prompt, directives, resume=False):
    session.write(".cline/data/settings/providers.json", {
        "version": 1, "lastUsedProvider": "openai-compatible", "modes": {},
        "providers": {"openai-compatible": {
            "settings": {"provider": "openai-compatible", "apiKey": session.key, "model": MODEL, "baseUrl": f"{session.url}/v1",
                         "headers": {"glmgate-sandbox-do": directives}},
            "updatedAt": "2026-11-21T00:00:00.000Z", "tokenSource": "manual"}}})
    out = session.run(next(MODULES.glob(f"@cline/cli-linux-{ARCH}/bin/cline")), *(["--continue"] if resume else []), "--json", prompt)
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return next(e["text"] for e in reversed(events) if e["type"] == "run_result")
