#!/usr/bin/env python3
"""The real SDKs, of PyPI and npm, driving the real program: on the sandbox, and on a scripted upstream.

They are installed under build/sdk from their registries. Where a registry cannot be reached the tests are skipped by name.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys

import harness
import upstream as up

HERE = pathlib.Path(__file__).parent
HOME = HERE.parent / "build/sdk"
OPENAI = ["plain", "stream", "stream usage", "tools", "parallel tools", "streamed tools", "json mode", "json schema", "models", "one model",
          "wrong key", "unknown model", "bad request", "429 retries as told", "no retry of what will not heal", "cut stream raises",
          "responses", "responses stream", "responses history", "stored responses",
          "abort cancels the upstream"]
ANTHROPIC = ["plain", "stream", "thinking", "tools", "parallel tools", "streamed tools", "tool runner", "a thread is refused", "stop sequence", "max tokens", "count tokens", "models",
             "wrong key", "unknown model", "bad request", "429 retries as told", "no retry of what will not heal", "cut stream raises"]
ZAI = ["plain", "stream", "thinking", "tools", "signed token", "wrong key", "bad request", "429 retries", "no retry of what will not heal",
       "cut stream raises"]
AI = [f"{kind}: {what}" for kind in ("responses", "chat", "compatible", "messages") for what in ("tool loop", "streamed tool loop, second turn")]
SCRIPTED = ["429 retries as told", "429 retries", "no retry of what will not heal", "cut stream raises", "abort cancels the upstream"]
NOT_ENFORCED = ["json mode", "json schema"]   # on an Anthropic endpoint: the model is asked for it, and a warning says so
# How the sandbox is spoken to: each client's dialect by itself, or all in one.
WAYS = {"native": "", "translated to glm": 'speaks = ["glm"]', "translated to messages": 'speaks = ["anthropic_messages"]'}
# What runs it, the file, its tests. The name is in the models of the scripted upstream, too.
SUITES = {"python": ("python", "test_openai.py", OPENAI), "node": ("node", "test_openai.mjs", OPENAI),
          "anthropic-python": ("python", "test_anthropic.py", ANTHROPIC), "anthropic-node": ("node", "test_anthropic.mjs", ANTHROPIC),
          "zai-python": ("python", "test_zai.py", ZAI), "ai-node": ("node", "test_ai.mjs", AI)}


def chunk(delta, finish=None, **more):
    return b"data: " + json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                                   "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}).encode() + b"\n\n"


def script(upstream):
    good = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "after all"}, "finish_reason": "stop"}]}
    for suite in SUITES:
        upstream.script(f"throttled-{suite}", up.plain({"error": {"code": "1302", "message": "slow down"}}, 429, [("Retry-After", "1")]), up.plain(good))
        upstream.script(f"broke-{suite}", up.plain({"error": {"code": "1113", "message": "no balance"}}, 429))
        upstream.script(f"cut-{suite}", up.stream([chunk({"content": "word "})] * 5, cut=5, pause=0.01))
        upstream.script(f"endless-{suite}", up.stream([chunk({"content": "word "})] * 2000, pause=0.02))


def python():
    """The interpreter that has the SDKs, or None."""
    program = HOME / "venv/bin/python"
    stamp = HOME / "venv/requirements.txt"
    wanted = (HERE / "sdk/requirements.txt").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(HOME / "venv", ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True, capture_output=True)
        done = subprocess.run([program, "-m", "pip", "install", "-q", "-r", HERE / "sdk/requirements.txt"], capture_output=True, text=True, timeout=400)
        if done.returncode != 0:
            return None
        stamp.write_text(wanted)
    return str(program)


def node():
    """Node, beside whose tests the SDKs and agents are installed, or None."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    HOME.mkdir(parents=True, exist_ok=True)
    for path in (HERE / "sdk").glob("*.mjs"):
        shutil.copy(path, HOME / path.name)
    wanted = HERE / "sdk/package.json"
    have = HOME / "package.json"
    if not have.exists() or have.read_text() != wanted.read_text() or not (HOME / "node_modules").exists():
        shutil.copy(wanted, have)
        done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=HOME, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            have.unlink()
            return None
    return node_of_npm()


def node_of_npm():
    """The packages want a newer node than Debian's; npm has it as a package."""
    return str(next(HOME.glob("node_modules/node-linux-*/bin/node")))


def found(make):
    try:
        return make()
    except (subprocess.SubprocessError, OSError):
        return None


def run_suite(results, suite, command, way, names, upstream, env):
    env = {**env, "WAY": way, "TESTS": "\n".join(names)}
    done = subprocess.run(command, env=env, cwd=HOME, capture_output=True, text=True, timeout=300)
    said = {}
    for line in done.stdout.splitlines():
        name, _, why = line.partition("\t")
        said[name] = why
    title = f"{suite}, {way}"
    for name in names:
        if name == "abort cancels the upstream" and said.get(name) == "":
            calls = upstream.of(f"endless-{suite}")
            # The SDK says when it aborted, by its own clock; what counts is that the upstream was left, and soon.
            results.check(f"{title}: {name}", calls and calls[0].left_at, "the upstream was not cancelled")
        elif name in ("429 retries as told", "429 retries", "no retry of what will not heal") and said.get(name) == "":
            model, wanted = ("throttled", 2) if name.startswith("429") else ("broke", 1)
            calls = upstream.of(f"{model}-{suite}")
            waited = name == "429 retries" or len(calls) < 2 or calls[1].at - calls[0].at >= 1
            results.check(f"{title}: {name}", len(calls) == wanted and waited, f"{len(calls)} calls")
        elif name in said:
            results.check(f"{title}: {name}", said[name] == "", said[name])
        else:
            results.fail(f"{title}: {name}", f"was not run: {done.stderr[-800:]}")


def main():
    results = harness.Results("sdk")
    HOME.mkdir(parents=True, exist_ok=True)
    runners = {"python": found(python), "node": found(node)}
    upstream = up.Upstream()
    script(upstream)
    # Vercel's AI SDK has to get on where nothing is stored.
    sandboxes = {(way, store): harness.Server(sys.argv[1], f'[responses]\nstore = {store}\n[upstream.sandbox]\nprovider = "sandbox"\n{speaks}\n')
                 for way, speaks in WAYS.items() for store in ("true", "false")}
    scripted = harness.Server(sys.argv[1], f'[upstream.pay]\nprovider = "zai"\nspeaks = ["glm"]\nurl = "http://127.0.0.1:{upstream.port}/api/paas/v4"\nkey_env = "TEST_UPSTREAM_KEY"\n',
                              env={"TEST_UPSTREAM_KEY": "k"})
    env = {**os.environ, "SCRIPTED_URL": scripted.url, "SCRIPTED_KEY": scripted.key()["key"]}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        env.pop(name, None)

    def run(way, suite):
        runner, file, names = SUITES[suite]
        left_out = [] if way == "native" else SCRIPTED + (NOT_ENFORCED if way == "translated to messages" else [])
        names = [name for name in names if name not in left_out]
        if runners[runner] is None:
            for name in names:
                results.skip(f"{suite}, {way}: {name}", "registry not reachable, or no node here")
            return
        place = HERE / "sdk" if runner == "python" else HOME
        which = way, "false" if suite == "ai-node" else "true"
        run_suite(results, suite, [runners[runner], str(place / file)], way, names, upstream,
                  {**env, "SANDBOX_URL": sandboxes[which].url, "SANDBOX_KEY": keys[which]})

    keys = {which: server.key()["key"] for which, server in sandboxes.items()}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: run(*job), [(way, suite) for way in WAYS for suite in SUITES]))
    for server in (*sandboxes.values(), scripted):
        server.close()
    upstream.close()
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
