#!/usr/bin/env python3
"""Real coding agents, of npm, over several turns through the real program, to the sandbox that answers in each dialect.

Each session: a tool call with reasoning before it, an image that is read, and a second run that resumes the first. What the upstream
was asked is recorded. They are installed beside the SDKs (run_sdk.py); where the registry cannot be reached they are skipped by name.
"""
import base64
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import agents
import harness
import recorder
import run_sdk

THOUGHT = "the tide decides it"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
TASKS = ["a tool call, its reasoning kept", "an image", "the session goes on"]
# An agent, what calls its shell, what reads an image (if it can), how it resumes (if it can without a person), the dialects
# to try upstream: its own, and those that make a translation.
AGENTS = {
    "Claude Code": (agents.claude, ("Bash", "command", str), ("Read", "file_path"), True, ["native", "translated to glm"]),
    "Codex": (agents.codex, ("exec_command", "cmd", str), ("view_image", "path"), True, ["native", "translated to glm", "translated to messages"]),
    "opencode": (agents.opencode, ("bash", "command", str), ("read", "filePath"), True, ["native", "translated to messages"]),
    "pi": (agents.pi, ("bash", "command", str), ("read", "path"), True, ["native", "translated to glm"]),
    "Qwen Code": (agents.qwen, ("run_shell_command", "command", str), ("read_file", "file_path"), True, ["native", "translated to messages"]),
    "Cline": (agents.cline, ("run_commands", "commands", lambda text: [text]), None, False, ["native", "translated to messages"]),
}


def shell_call(shell, command):
    name, field, wrap = shell
    return f"call {name} {json.dumps({field: wrap(command), **({'is_background': False} if name == 'run_shell_command' else {})})}"


class Play:
    """One agent's session, with the upstream speaking as `way` says."""

    def __init__(self, program, agent, way, folder):
        self.run, self.shell, self.reader, self.resumes, _ = AGENTS[agent]
        self.recorder = recorder.Recorder(program)
        self.server = harness.Server(program, '[upstream.sandbox]\nprovider = "sandbox"\nkey_env = "UPSTREAM_KEY"\n'
                                     f'url = "http://127.0.0.1:{self.recorder.port}/api/paas/v4"\n{run_sdk.WAYS[way]}\n', env={"UPSTREAM_KEY": "any"})
        self.session = agents.Session(pathlib.Path(folder), self.server.url, self.server.key()["key"])
        (self.session.work / "picture.png").write_bytes(PNG)

    def tool_call(self):
        do = f"think {json.dumps(THOUGHT)}; {shell_call(self.shell, 'echo made by a tool > made.txt')}; say \"all done\""
        said = self.run(self.session, "Write a file", do)
        assert "all done" in said, said
        assert (self.session.work / "made.txt").read_text() == "made by a tool\n"
        after = [body for body in self.recorder.asked() if "made.txt" in json.dumps(body.get("messages") or body.get("input"))]
        assert after and THOUGHT in json.dumps(after[0]), "the upstream did not get its reasoning back"
        assert any(row["requests"] >= 2 for row in self.server.usage("model")["rows"]), self.server.usage("model")

    def image(self):
        name, field = self.reader
        do = f'call {name} {json.dumps({field: str(self.session.work / "picture.png")})}; say "looked at it"'
        said = self.run(self.session, "Look at the picture", do, resume=True)
        assert "looked at it" in said, said

    def goes_on(self):
        said = self.run(self.session, "Are you there?", 'say "still alive"', resume=True)
        assert "still alive" in said, said
        assert any("all done" in json.dumps(body) for body in self.recorder.asked()[-2:]), "the history is not there"

    def close(self):
        self.server.close()
        self.recorder.close()
        subprocess.run(["pkill", "-f", "--", f"--cline-hub-daemon --cwd {self.session.work}"], check=False)  # it would stay


def play(results, program, agent, way):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        session = Play(program, agent, way, folder)
        results.run(f"{agent}, {way}: {TASKS[0]}", session.tool_call)
        if session.resumes:
            results.run(f"{agent}, {way}: {TASKS[1]}", session.image)
            results.run(f"{agent}, {way}: {TASKS[2]}", session.goes_on)
        session.close()


def main():
    results = harness.Results("agents")
    wanted = sys.argv[2:] or list(AGENTS)
    found = run_sdk.found(run_sdk.node) is not None
    jobs = [(agent, way) for agent in wanted for way in AGENTS[agent][4]]
    if not found:
        for agent, way in jobs:
            for task in TASKS if AGENTS[agent][3] else TASKS[:1]:
                results.skip(f"{agent}, {way}: {task}", "registry not reachable, or no node here")
    else:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda job: play(results, sys.argv[1], *job), jobs))
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
