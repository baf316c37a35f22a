#!/usr/bin/env python3
"""What stands on the books, and how the commands show it: cut answers, plans, the sandbox, names, money, time."""
import json
import re
import sqlite3
import subprocess
import sys
import threading
import time

import harness
import upstream as up

ENGINE = """
[upstream.local]
url = "http://127.0.0.1:{port}/v1"
"""
PLAN = """
[upstream.plan]
provider = "zai-coding"
url = "http://127.0.0.1:{port}/api/coding/paas/v4"
speaks = ["glm"]
key_env = "TEST_KEY"
"""
ANSWER = {"id": "1", "object": "chat.completion", "created": 1, "model": "m",
          "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
          "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}
CHAT, MESSAGES, COMPLETE, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/complete", "/v1/responses"


def ask(path, model, **more):
    said = [{"role": "user", "content": "Hello there, how are you?"}]
    body = {CHAT: {"messages": said}, MESSAGES: {"messages": said, "max_tokens": 9}, RESPONSES: {"input": "Hello"},
            COMPLETE: {"prompt": "\n\nHuman: Hello\n\nAssistant:", "max_tokens_to_sample": 9}}[path]
    return {"model": model, **body, **more}


def eventually(what, seconds=5.0):
    """The first true value of `what`."""
    deadline = time.monotonic() + seconds * harness.SLOW
    while True:
        value = what()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.02)


class Tests:
    def __init__(self, program):
        self.program = program
        self.upstream = up.Upstream()
        self.upstream.default = lambda request: up.plain(ANSWER)

    def server(self, config=ENGINE, **kwargs):
        return harness.Server(self.program, config.format(port=self.upstream.port), env={"TEST_KEY": "0123.abc"}, **kwargs)

    def begin(self, server, key, path, body):
        payload = json.dumps(body).encode()
        connection = server.connect()
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(payload)}\r\n\r\n".encode() + payload)
        return connection

    def row(self, server, model):
        return [r for r in server.usage("model")["rows"] if r["model"] == model]

    def left_after_the_head(self):
        """A plain request whose client leaves once its answer has begun: one row, estimated, and the upstream is let go."""
        server = self.server()
        key = server.key()["key"]
        body = up.plain(ANSWER)[0][1]
        for path in (CHAT, MESSAGES, COMPLETE):
            model = "head" + path.replace("/", "-")
            begun = threading.Event()
            self.upstream.script(model, [("send", body[:len(body) - 200]), ("tell", begun), ("stall",)])
            connection = self.begin(server, key, path, ask(path, model))
            assert begun.wait(5 * harness.SLOW)
            time.sleep(0.1)
            left = time.monotonic()
            connection.close()
            rows = eventually(lambda: self.row(server, model))
            assert rows and rows[0]["requests"] == 1 and rows[0]["estimated_requests"] == 1, (path, rows)
            assert rows[0]["prompt_tokens"] > 0 and rows[0]["completion_tokens"] > 0, (path, rows)
            asked = self.upstream.of(model)
            assert len(asked) == 1 and eventually(lambda: asked[0].left_at), "the upstream works on for nobody"
            assert asked[0].left_at - left < 0.5 * harness.SLOW, asked[0].left_at - left
        server.stop()
        assert server.log().count("end=client_cut") == 3, server.log()[-1500:]
        server.close()

    def left_with_the_answer_at_hand(self):
        """If the rest comes at once, what the upstream reported is on the books."""
        server = self.server()
        key = server.key()["key"]
        body = up.plain(ANSWER)[0][1]
        begun, gone = threading.Event(), threading.Event()
        self.upstream.script("hand", [("send", body[:-200]), ("tell", begun), ("await", gone), ("send", body[-200:])])
        connection = self.begin(server, key, CHAT, ask(CHAT, "hand"))
        assert begun.wait(5 * harness.SLOW)
        time.sleep(0.1)
        connection.close()
        gone.set()
        rows = eventually(lambda: self.row(server, "hand"))
        assert rows and rows[0]["prompt_tokens"] == 1000 and rows[0]["completion_tokens"] == 500, rows
        assert rows[0]["estimated_requests"] == 0, rows
        server.close()

    def left_before_the_head(self):
        """Nothing came, nothing is owed."""
        server = self.server()
        key = server.key()["key"]
        self.upstream.script("silent", [("stall",)])
        connection = self.begin(server, key, CHAT, ask(CHAT, "silent"))
        assert eventually(lambda: self.upstream.of("silent"))
        connection.close()
        assert eventually(lambda: self.upstream.of("silent")[0].left_at)
        time.sleep(0.2)
        total = server.usage("model")["total"]
        assert not self.row(server, "silent") and total["open"] == 0, total
        server.close()

    def sandbox_costs_nothing(self):
        server = harness.Server(self.program, None, args=["--sandbox"])
        key = server.key()["key"]
        body = ask(CHAT, "glm-5.3", messages=[{"role": "user", "content": "sandbox: usage in=123456789 out=9876543"}])
        assert server.request("POST", CHAT, body, key).status == 200
        total = server.usage("model")["total"]
        assert total["cost"] == 0 and total["list_price"] == 0 and total["unpriced_requests"] == 0, total
        assert total["sandbox_requests"] == 1 and total["sandbox_tokens"] == 133333332, total
        database = sqlite3.connect(server.data / "glmgate.db")
        rows = eventually(lambda: database.execute("SELECT billing, cost_micro, list_micro FROM usage").fetchall())
        assert rows == [("sandbox", 0, 0)], rows
        text = server.cli("usage", "--by", "model").stdout
        assert "USD" not in text and "133 333 332 tokens" in text and "no model was called" in text, text
        assert server.usage("billing")["rows"][0]["billing"] == "sandbox"
        server.close()

    def plan_has_a_list_price_and_no_cost(self):
        server = self.server(PLAN)
        key = server.key()["key"]
        assert server.request("POST", CHAT, ask(CHAT, "glm-5.3"), key).status == 200
        total = server.usage("model")["total"]
        # 1000 tokens at 1.40 and 500 at 4.40 a million.
        assert total["cost"] == 0 and abs(total["list_price"] - 0.0036) < 1e-9 and total["plan_requests"] == 1, total
        text = server.cli("usage").stdout
        assert "LIST PRICE" in text and "0.003600 USD" in text and "subscription" in text, text
        server.stop()
        assert "cost_micro=0 list_micro=3600" in server.log(), server.log()[-800:]
        server.close()

    def names_are_names(self):
        """A model's name that could lie, break JSON or draw on a terminal is refused by name, in each dialect."""
        server = self.server()
        key = server.key()["key"]
        for model in ("glm\0admin", "\x1b[2Jx", "glm\u009b2J", "a\n", "a" + "é" * 100):
            for path in (CHAT, MESSAGES, COMPLETE, RESPONSES):
                response = server.request("POST", path, ask(path, model), key)
                assert response.status == 400 and "model" in response.json["error"]["message"], (path, model, response.body)
        assert server.request("POST", CHAT, ask(CHAT, "a" + "é" * 79), key).status == 200
        assert server.usage("model,user")["rows"][0] == {**server.usage("model,user")["rows"][0], "model": "a" + "é" * 79, "user": "t"}
        server.close()

    def old_names_do_no_harm(self):
        server = self.server()
        key = server.key()["key"]
        server.request("POST", CHAT, ask(CHAT, "m"), key)
        server.stop()
        database = sqlite3.connect(server.data / "glmgate.db")
        for i, name in enumerate((b"cut within\xc3", b"\x1b[2J\x1b]0;owned\x07", b"two\nlines", "智谱".encode())):
            database.execute("UPDATE usage SET model = CAST(? AS TEXT) WHERE rowid = (SELECT max(rowid) FROM usage)", (name,))
            if i < 3:
                database.execute("INSERT INTO usage SELECT id + 1, at, request_id, key, model, upstream, client, stream, state, status, tokens_in, tokens_cached, "
                                 "tokens_out, tokens_reasoning, estimated, weighted_milli, cost_micro, currency, priced, first_ms, total_ms, tries, billing, list_micro "
                                 "FROM usage WHERE rowid = (SELECT max(rowid) FROM usage)")
        database.commit()
        database.close()
        for flags in (["--json"], []):
            done = subprocess.run([self.program, "usage", "--by", "model", "--data", str(server.data), *flags], capture_output=True, check=True)
            text = done.stdout.decode()   # fails if it is not UTF-8
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text), repr(text)
            assert len(json.loads(text)["rows"]) == 4 if flags else len([line for line in text.splitlines() if " 1 " in line]) == 4, text
        server.close()

    def usage_questions(self):
        server = self.server()
        key = server.key("Zoë")["key"]
        other = server.key("a" * 33)["key"]
        for each in (key, key, other):
            assert server.request("POST", CHAT, ask(CHAT, "glm-5.3"), each).status == 200

        def table(*args):
            return server.cli("usage", *args).stdout
        text = table("--by", "user")
        lines = text.splitlines()
        assert len({len(line) for line in lines[:4]}) == 1, f"columns do not line up:\n{text}"
        assert "9 000" in table("--by", "Model, user ,model") and table("--by", "Model, user ,model").startswith("MODEL    USER"), text
        assert "0.003600 USD" in text, text
        assert table("--by", "day").startswith("DAY UTC ") and table("--by", "day", "--utc-offset", "+08:00").startswith("DAY UTC+08:00 ")
        for since in ("today", "this-month", "2020-01-01", "2020-01-01T00:00:00+08:00", "1h"):
            assert "(UTC)" in table("--since", since) and "9 000" in table("--since", since), since
        assert "in this time" in table("--until", "2020-01-01") and "in this time" in table("--since", "last-month", "--until", "this-month")
        for wrong in (["--by", "colour"], ["--since", "tomorrow"], ["--since", "1d", "--until", "2d"], ["--utc-offset", "Berlin"]):
            done = server.cli("usage", *wrong, check=False)
            assert done.returncode == 2 and "hint:" in done.stderr, (wrong, done)
        self.upstream.script("no-usage", up.plain({k: v for k, v in ANSWER.items() if k != "usage"}))
        assert server.request("POST", CHAT, ask(CHAT, "no-usage"), key).status == 200
        assert "1 estimated" in table() and "1 unpriced" in table()
        server.close()

    def keys_are_shown_and_ended(self):
        server = self.server()
        made = server.key("Zoë", "--project", "p" * 33)
        assert server.request("POST", CHAT, ask(CHAT, "glm-5.3"), made["key"]).status == 200
        lines = server.cli("keys", "list").stdout.splitlines()
        ends = [line.index("active") for line in lines if "active" in line]
        assert len(set(ends)) == 1 and lines[0].index("STATE") == ends[0], lines
        assert "LAST USED" in lines[0] and "CREATED" in lines[0]
        mine = [line for line in lines if made["id"] in line][0]
        assert "0.003600 USD" in mine and mine.count(time.strftime("%Y-%m", time.gmtime())) >= 2, mine
        for user, said in (("a b", "a space"), ("x" * 65, "65 bytes"), ("a\x1b[2J", "control characters")):
            done = server.cli("keys", "create", "--user", user, check=False)
            assert done.returncode == 2 and said in done.stderr and "\x1b" not in done.stderr, done.stderr
        gone = server.cli("keys", "revoke", "kNothere", check=False)
        assert gone.returncode == 2 and "`kNothere`" in gone.stderr, gone.stderr
        second = server.key("bob")
        told = server.cli("keys", "revoke", second["key"])
        assert "warning" in told.stderr and second["key"] not in told.stderr + told.stdout, told.stderr
        third = server.key("bob")
        done = subprocess.run([self.program, "keys", "revoke", "-", "--data", str(server.data)], input=third["key"] + "\n", capture_output=True, text=True)
        assert done.returncode == 0 and third["id"] in done.stdout and "warning" not in done.stderr, done
        states = {k["id"]: k["state"] for k in json.loads(server.cli("keys", "list", "--json").stdout)["keys"]}
        assert states[second["id"]] == states[third["id"]] == "revoked" and states[made["id"]] == "active", states
        server.close()

    def output_that_is_not_written(self):
        """A full disk must not look like success, and a key that nobody saw is revoked."""
        server = self.server()
        for args in (["keys", "create", "--user", "z"], ["keys", "create", "--user", "z", "--json"], ["usage", "--json"], ["usage"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([self.program, *args, "--data", str(server.data)], stdout=full, stderr=subprocess.PIPE, text=True)
            assert done.returncode == 1 and "No space left" in done.stderr, (args, done)
            assert args[0] != "keys" or "revoked" in done.stderr, done.stderr
        states = [k["state"] for k in json.loads(server.cli("keys", "list", "--user", "z", "--json").stdout)["keys"]]
        assert states == ["revoked", "revoked"], states
        server.close()


def main():
    results = harness.Results("books")
    tests = Tests(sys.argv[1])
    wanted = sys.argv[2:]
    for name in [n for n in vars(Tests) if not n.startswith("_") and n not in ("server", "begin", "row")]:
        if not wanted or name in wanted:
            results.run(name, getattr(tests, name))
    tests.upstream.close()
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
