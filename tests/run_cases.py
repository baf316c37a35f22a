#!/usr/bin/env python3
"""Plays the case files of tests/cases against the real program and a scripted upstream.

A case:

    # What it claims
    config zai                              which configuration of CONFIGS; "local" if left out; of several, each is played
    > POST /v1/chat/completions             the request; header lines may follow, then the body
    {"model":"MODEL", ...}                  MODEL becomes the case's own name, so that cases do not meet
    upstream 200 event-stream               what the upstream answers, up to the next directive; several
    data: {...}                             are played one after another, the last one stays; `upstream @NAME` is the
                                            answer NAME.CONFIG of answers.txt
    < 200                                   status, then what must hold:
    header NAME = VALUE | absent | ~ TEXT
    json /POINTER = JSON | absent | ~ TEXT
    body BYTES                              the very bytes
    event /POINTER = JSON                   some event has it;  `no-event /POINTER` none has
    ends done | error CODE                  how the stream ends
    text | thinking | tools | stop JSON     what the answer says, plain or streamed, in any dialect
    keep NAME /POINTER                      <NAME> stands for that value in later cases of this file and configuration
    calls N                                 how often the upstream was asked
    sent /POINTER = JSON | absent           what it was sent;  `sent bytes` the very bytes
    sent-header NAME = VALUE | absent
    ledger NAME=VALUE ...                   the model's row in `glmgate usage`; `ledger none`
    [CONFIG ...] check                      a check for these configurations only

Each stream that a client gets must keep the rules of its dialect (strict_streams.py). Each streamed case is also played with the
upstream's bytes one at a time and, if it ends well, with the upstream cut after each event by FIN and by RST: then the client
must see one error and no end. Each case is also sent one byte at a time.
"""
import argparse
import json
import pathlib
import re
import sys

import harness
import strict_streams
import upstream as up

CASES = pathlib.Path(__file__).parent / "cases"

CONFIGS = {
    "local": """
[upstream.local]
provider = "engine"
url = "http://127.0.0.1:{port}/v1"
speaks = ["openai_chat"]
first_byte_timeout = "5s"
""",
    "zai": """
[upstream.pay]
provider = "zai"
url = "http://127.0.0.1:{port}/api/paas/v4"
key_env = "TEST_UPSTREAM_KEY"
""",
    "glm": """
[upstream.pay]
provider = "zai"
speaks = ["glm"]
url = "http://127.0.0.1:{port}/api/paas/v4"
key_env = "TEST_UPSTREAM_KEY"
""",
    "messages": """
[upstream.local]
url = "http://127.0.0.1:{port}/v1"
speaks = ["anthropic_messages"]
key_env = "TEST_UPSTREAM_KEY"
""",
    "messages_alone": """
[upstream.local]
url = "http://127.0.0.1:{port}/v1"
speaks = ["anthropic_messages"]
""",
    "coding": """
[upstream.plan]
provider = "zai-coding"
url = "http://127.0.0.1:{port}/api/coding/paas/v4"
key_env = "TEST_UPSTREAM_KEY"
""",
    "jwt": """
[upstream.pay]
provider = "zhipu"
auth = "jwt"
url = "http://127.0.0.1:{port}/api/paas/v4"
key_env = "TEST_UPSTREAM_KEY"
""",
    "responses": """
[upstream.local]
url = "http://127.0.0.1:{port}/v1"
speaks = ["openai_responses"]
key_env = "TEST_UPSTREAM_KEY"
""",
    "two": """
[upstream.first]
url = "http://127.0.0.1:{port}/first"
first_byte_timeout = "1s"
[upstream.second]
url = "http://127.0.0.1:{port}/second"
[service.both]
upstreams = ["second", "first"]
""",
    "pages": """
[server]
allow_origins = ["https://app.example", "http://localhost:*"]
[upstream.local]
url = "http://127.0.0.1:{port}/v1"
""",
    "two_dialects": """
[upstream.chat]
url = "http://127.0.0.1:{port}/first"
speaks = ["openai_chat"]
[upstream.messages]
url = "http://127.0.0.1:{port}/second"
speaks = ["anthropic_messages"]
""",
    "again": """
[upstream.again]
url = "http://127.0.0.1:{port}/v1"
""",
    "gone": """
[upstream.gone]
url = "http://127.0.0.1:1/v1"
""",
    "dead": """
[upstream.dead]
url = "http://127.0.0.1:1/v1"
[upstream.alive]
url = "http://127.0.0.1:{port}/v1"
""",
}
SAID = ("text", "thinking", "tools", "stop")
DIRECTIVES = ("config", ">", "upstream", "<", "header", "json", "body", "event", "no-event", "ends", "calls", "sent", "sent-header",
              "ledger", "keep", "size-below", *SAID)


def read_answers(path):
    """What several cases have their upstream say: "@NAME.CONFIG KIND", and its lines."""
    answers = {}
    for line in path.read_text().splitlines():
        if line.startswith("@"):
            name, kind = line[1:].split(" ", 1)
            answers[name] = (kind, [])
        elif line and not line.startswith("#"):
            answers[name][1].append(line)
    return answers


ANSWERS = read_answers(CASES / "answers.txt")


class Case:
    def __init__(self, path, block, number, config=None):
        self.name = f"{path.stem}/{number}" + (f".{config}" if config else "")
        self.model = re.sub(r"[^a-z0-9]", "-", f"case-{self.name}")
        self.title, self.config = "", config or "local"
        self.method = self.path = ""
        self.headers, self.body, self.plays, self.checks = [], None, [], []
        self.use_key = True
        lines, i = block, 0
        while i < len(lines):
            line = lines[i]
            word = line.split(" ", 1)[0]
            rest = line[len(word):].strip()
            i += 1
            if line.startswith("# "):
                self.title = self.title or line[2:]
            elif word == "config":
                self.config = config or rest
            elif word.startswith("[") and "] " in line:
                configs, check = line[1:].split("] ", 1)
                if check.split(" ", 1)[0] not in DIRECTIVES or any(name not in CONFIGS for name in configs.split()):
                    raise SystemExit(f"{path}: cannot read: {line}")
                if self.config in configs.split():
                    self.checks.append(tuple(check.split(" ", 1)))
            elif word == ">":
                self.method, self.path = rest.split(" ", 1)
                while i < len(lines) and re.match(r"[A-Za-z-]+: ", lines[i]) and not lines[i].startswith("data: "):
                    self.headers.append(tuple(lines[i].split(": ", 1)))
                    i += 1
                body = []
                while i < len(lines) and lines[i].split(" ", 1)[0] not in DIRECTIVES:
                    body.append(lines[i])
                    i += 1
                if body:
                    self.body = "\n".join(body).replace("MODEL", self.model).encode().decode("unicode_escape").encode("latin-1") \
                        if any(name == "X-Raw" for name, _ in self.headers) else "\n".join(body).replace("MODEL", self.model).encode()
                self.headers = [(n, v) for n, v in self.headers if n != "X-Raw"]
                if any(n.lower() in ("authorization", "x-api-key") for n, _ in self.headers):
                    self.use_key = False
                self.headers = [(n, v) for n, v in self.headers if v != "none"]
            elif word == "upstream":
                content = []
                while i < len(lines) and lines[i].split(" ", 1)[0] not in DIRECTIVES:
                    content.append(lines[i])
                    i += 1
                self.plays.append(ANSWERS[f"{rest[1:]}.{self.config}"] if rest.startswith("@") else (rest, content))
            elif word in DIRECTIVES:
                self.checks.append((word, rest))
            elif line.strip():
                raise SystemExit(f"{path}: cannot read: {line}")

    @property
    def streamed(self):
        return any(kind.endswith("event-stream") for kind, _ in self.plays)

    def ends_well(self):
        return ("ends", "done") in self.checks

    def actions(self, kind, content, cut=None, how="fin", step=None):
        words = kind.split()
        if words[0] == "close":
            return [("close",)]
        if words[0] == "reset":
            return [("reset",)]
        if words[0] == "stall":
            return [("stall",)]
        if words[0] == "raw":
            raw = "\n".join(content).encode().decode("unicode_escape").encode("latin-1")
            return [("send", raw), ("close",)]
        status = int(words[0])
        headers = [tuple(w.split("=", 1)) for w in words[1:] if "=" in w]
        text = "\n".join(content).replace("MODEL", self.model)
        if "event-stream" not in words:
            return up.plain(text, status, headers)
        # A stream that breaks is told as such only after its first byte: give that time to go out.
        breaks = any(word == "ends" and rest.startswith("error") for word, rest in self.checks)
        return up.stream(self.events(content), cut=cut, how=how, step=step, pause=0.05 if breaks and not step else 0)

    def events(self, content):
        events, lines = [], []
        for line in content + [""]:
            line = line.replace("MODEL", self.model)
            if line.startswith(("event:", ":")) or (lines and lines[-1].startswith("event:")):
                lines.append(line)
                if not line.startswith(("event:", ":")):
                    events.append(("\n".join(lines) + "\n\n").encode())
                    lines = []
            elif line:
                events.append((line + "\n\n").encode())
        return events


class Stage:
    """One server for each configuration, all on one upstream."""

    def __init__(self, program):
        self.program, self.servers, self.kept, self.known_rows = program, {}, {}, {}
        self.upstream = up.Upstream()

    def server(self, config):
        if config not in self.servers:
            server = harness.Server(self.program, CONFIGS[config].format(port=self.upstream.port),
                                    env={"TEST_UPSTREAM_KEY": "upid.upsecret"})
            self.servers[config] = (server, server.key()["key"])
        return self.servers[config]

    def rows(self, config, model):
        server, _ = self.server(config)
        return [row for row in server.usage("model")["rows"] if row["model"] == model]

    def close(self, results):
        """Stops the servers; each must have had nothing to complain of, and leave in order."""
        for config, (server, _) in self.servers.items():
            results.run(f"{config}: stops in order", server.stop)
            log = server.log()
            results.check(f"log {config}: no bug, no sanitizer report",
                          "at=bug" not in log and "Sanitizer" not in log and "runtime error" not in log, log[-1500:])
            server.close()
        self.upstream.close()


def play(stage, case, plays, step=None):
    server, key = stage.server(case.config)
    stage.upstream.script(case.model, *plays)
    before = stage.known_rows.get((case.config, case.model), [])
    sent_before = len(stage.upstream.of(case.model))
    body = case.body
    for name in set(re.findall(rb"<([A-Z]+)>", body or b"")):
        body = body.replace(b"<%s>" % name, stage.kept[case.config, name.decode()].encode())
    response = server.request(case.method, case.path, body, key if case.use_key else None, case.headers, step=step)
    after = stage.known_rows[case.config, case.model] = stage.rows(case.config, case.model)
    return response, stage.upstream.of(case.model)[sent_before:], before, after


def row_change(before, after):
    """What one playing added to the model's row."""
    if not after:
        return None
    old = before[0] if before else {}
    change = {name: after[0][name] - old.get(name, 0) for name in after[0] if isinstance(after[0][name], (int, float))}
    return change if change["requests"] else None


def compare(where, found, wanted):
    if wanted == "absent":
        assert found is KeyError, f"{where} is there: {found!r}"
        return
    assert found is not KeyError, f"{where} is absent"
    if wanted.startswith("~ "):
        assert wanted[2:] in str(found), f"{where} is {found!r}, without {wanted[2:]!r}"
        return
    value = json.loads(wanted.removeprefix("= "))
    assert found == value, f"{where} is {found!r}, not {value!r}"


def lookup(document, path):
    try:
        return harness.pointer(document, path)
    except (KeyError, TypeError):
        return KeyError


def is_stream(response):
    return "event-stream" in response.headers.get("content-type", "")


def read_answer(case, response, broken):
    """What the client was told; a stream must keep its dialect's rules."""
    if is_stream(response):
        return strict_streams.read_stream(case.path, response.body, broken)
    return strict_streams.read_document(response.json)


def check(stage, case, response, sent, before, after):
    events = []
    if is_stream(response):
        events = response.events()
        parsed = [json.loads(e) for e in events if e != "[DONE]"]
    answer = None
    if response.status == 200 and (is_stream(response) or any(word in SAID for word, _ in case.checks)):
        answer = read_answer(case, response, any(word == "ends" and rest.startswith("error") for word, rest in case.checks))
    for word, rest in case.checks:
        name, _, wanted = rest.partition(" ")
        if word == "<":
            assert response.status == int(rest), f"status {response.status}, not {rest}: {response.body[:600]!r}"
        elif word == "header":
            compare(f"header {name}", response.headers.get(name, KeyError), wanted if wanted[:1] != "=" else "= " + json.dumps(wanted[2:]))
        elif word == "json":
            compare(f"json {name}", lookup(response.json, name), wanted)
        elif word == "body":
            assert response.body == rest.encode(), f"body is {response.body!r}"
        elif word == "event":
            value = json.loads(wanted.removeprefix("= "))
            assert any(lookup(e, name) == value for e in parsed), f"no event with {name} = {value!r}: {events}"
        elif word == "no-event":
            assert all(lookup(e, name) is KeyError for e in parsed), f"an event has {name}: {events}"
        elif word in SAID:
            assert getattr(answer, word) == json.loads(rest), f"{word}: {getattr(answer, word)!r}"
        elif word == "keep":
            stage.kept[case.config, name] = lookup(response.json, wanted)
        elif word == "ends":
            check_ending(events, response, rest)
        elif word == "calls":
            assert len(sent) == int(rest), f"{len(sent)} calls, not {rest}"
        elif word == "sent":
            if rest == "bytes":
                assert sent[-1].body == case.body, f"sent {sent[-1].body!r}"
            else:
                compare(f"sent {name}", lookup(sent[-1].json, name), wanted)
        elif word == "sent-header":
            compare(f"sent header {name}", sent[-1].headers.get(name, KeyError), wanted if wanted[:1] != "=" else "= " + json.dumps(wanted[2:]))
        elif word == "size-below":
            assert len(response.body) < int(rest), f"{len(response.body)} bytes"
        elif word == "ledger":
            change = row_change(before, after)
            if rest == "none":
                assert change is None, f"a ledger row: {change}"
                continue
            assert change, "no ledger row"
            for pair in rest.split():
                field, value = pair.split("=")
                field = {"in": "prompt_tokens", "out": "completion_tokens", "cached": "cached_tokens",
                         "estimated": "estimated_requests", "unpriced": "unpriced_requests"}.get(field, field)
                assert abs(change[field] - float(value)) < 1e-9, f"ledger {field} {change[field]}, not {value}"


def is_end(event):
    """What only a whole stream has at its end, in any dialect."""
    if event == "[DONE]":
        return True
    event = json.loads(event)
    if event.get("type") == "completion":
        return event["stop_reason"] is not None
    return event.get("type") in ("message_stop", "response.completed", "response.incomplete")


def is_finish(event):
    """What tells a client that the model has finished."""
    return '"finish_reason":"' in event or '"stop_reason":"' in event or '"type":"response.' in event and is_end(event)


def check_ending(events, response, wanted):
    if wanted == "done":
        assert events and is_end(events[-1]) and sum(map(is_end, events)) == 1, f"ends with {events[-2:]}"
        assert response.complete, "the body was cut"
        return
    code = wanted.partition(" ")[2]
    assert not any(map(is_end, events)), "a broken stream ends as if complete"
    last = json.loads(events[-1]) if events else {}
    last = last.get("response", last)
    assert last.get("error"), f"no error event: {events[-2:]}"
    assert sum('"error":{' in e for e in events) == 1, "more than one error"
    assert not response.complete, "a broken stream ends as if complete"
    if code:
        told = last["error"].get("code") or last["error"]["type"]
        assert str(told) == code, f"error code {told}, not {code}"


def check_cut(case, response, before, after, n):
    """The upstream broke off after `n` events."""
    change = row_change(before, after)
    if response.status != 200:
        assert response.status in (500, 502, 504, 529), f"status {response.status}"
        assert change is None, f"a row for an answer that never began: {change}"
        return
    broken = not is_end(response.events()[-1])
    read_answer(case, response, broken)
    if not broken:
        # The finish chunk was there: only the marker was cut off.
        assert any(map(is_finish, response.events())), "a cut stream looks complete"
    else:
        check_ending(response.events(), response, "error")
        assert not any(map(is_finish, response.events())), "a finish reason before the error"
    assert change and change["requests"] == 1, f"rows: {change}"


def cases_of(path):
    cases, number = [], 0
    for block in re.split(r"^---\s*$", path.read_text(), flags=re.M):
        lines = block.splitlines()
        if not block.strip():
            continue
        number += 1
        configs = next((line.split()[1:] for line in lines if line.startswith("config ")), [])
        cases += [Case(path, lines, number, config) for config in configs] if len(configs) > 1 else [Case(path, lines, number)]
    return cases


def run_case(stage, results, case, brief):
    def whole():
        plays = [case.actions(*p) for p in case.plays]
        check(stage, case, *play(stage, case, plays))

    def request_in_bytes():
        plays = [case.actions(*p) for p in case.plays]
        check(stage, case, *play(stage, case, plays, step=1))

    def upstream_in_bytes():
        breaks = any(word == "ends" and rest.startswith("error") for word, rest in case.checks)
        plays = [case.actions(*p, step=None if breaks else 1) for p in case.plays]
        check(stage, case, *play(stage, case, plays))

    def cuts():
        kind, content = case.plays[-1]
        for n in range(len(case.events(content))):
            for how in ("fin", "rst"):
                plays = [case.actions(*p) for p in case.plays[:-1]] + [case.actions(kind, content, cut=n, how=how)]
                response, _, before, after = play(stage, case, plays)
                try:
                    check_cut(case, response, before, after, n)
                except AssertionError as error:
                    raise AssertionError(f"cut by {how} after {n} events: {error}: {response.body[-300:]!r}") from error

    name = f"{case.name} {case.title}"
    results.run(name, whole)
    if brief:
        return
    if case.body and len(case.body) < 4000:
        results.run(name + " [request byte by byte]", request_in_bytes)
    if case.streamed:
        results.run(name + " [upstream byte by byte]", upstream_in_bytes)
        if case.ends_well() and len(case.plays) == 1:
            results.run(name + " [every cut]", cuts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("-k", default="", help="only cases whose name or title has this in it")
    parser.add_argument("--brief", action="store_true", help="each case once, whole")
    args = parser.parse_args()
    results = harness.Results("cases")
    stage = Stage(args.program)
    try:
        for path in sorted(CASES.glob("*.case")):
            for case in cases_of(path):
                if args.k in case.name + case.title:
                    run_case(stage, results, case, args.brief)
    finally:
        stage.close(results)
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
