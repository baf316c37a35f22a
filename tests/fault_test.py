#!/usr/bin/env python3
"""What goes wrong around the program: disks, locks, ports, configurations, signals, secrets."""
import base64
import gzip
import json
import os
import pathlib
import resource
import shlex
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import harness
import upstream as up

CONFIG = """
[upstream.local]
url = "http://127.0.0.1:{port}/v1"
key_env = "TEST_UPSTREAM_KEY"
"""
ANSWER = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
          "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}
UPSTREAM_KEY = "canary-upstream-4f1d9c.77aa"
PROMPT = "canary-prompt-1b7e"


def ask(model="m", **more):
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], **more}


def event(delta, finish=None, **more):
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
             "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def long_stream(n, pause):
    events = [event({"content": "word "}) for _ in range(n)]
    events.append(event({}, "stop", usage={"prompt_tokens": 3, "completion_tokens": n, "total_tokens": n + 3}))
    return up.stream(events + [b"data: [DONE]\n\n"], pause=pause)


def fails_with(program, args, *words, env=None):
    done = subprocess.run([program, *args], capture_output=True, text=True, timeout=20 * harness.SLOW, env=env)
    assert done.returncode != 0, "exit code 0"
    for word in words:
        assert word in done.stderr, f"{word!r} is not in {done.stderr!r}"
    assert "hint:" in done.stderr, f"no hint: {done.stderr!r}"


def tls_config(folder):
    """A certificate of its own; the path of its key and itself, as configuration."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=DNS:gate.test", "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem"],
                   check=True, capture_output=True)
    return f'[server]\ntls_certificate = "{folder}/cert.pem"\ntls_key = "{folder}/key.pem"\n'


def make_key(server):
    """Without asking the server whether it knows the key already: it may speak TLS."""
    key = json.loads(server.cli("keys", "create", "--user", "t", "--json").stdout)["key"]
    time.sleep(0.5 * harness.SLOW)
    return key


def open_connection(server, tls):
    connection = server.connect()
    if not tls:
        return connection
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection)


class Tests:
    def __init__(self, program):
        self.program = program
        self.upstream = up.Upstream()
        self.upstream.default = lambda request: up.plain(ANSWER)

    def server(self, extra="", **kwargs):
        return harness.Server(self.program, extra + CONFIG.format(port=self.upstream.port), env={"TEST_UPSTREAM_KEY": UPSTREAM_KEY}, **kwargs)

    def busy_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            with tempfile.TemporaryDirectory() as folder:
                fails_with(self.program, ["serve", "--sandbox", "--listen", address, "--data", folder + "/d"], "cannot listen on " + address)

    def public_address(self):
        with tempfile.TemporaryDirectory() as folder:
            fails_with(self.program, ["serve", "--sandbox", "--listen", "0.0.0.0:0", "--data", folder + "/d"], "in the clear")

    def the_line_to_try_it_works(self):
        """Whatever it listens on, what the first start shows can be pasted."""
        for listen in ("127.0.0.1:0", "0.0.0.0:0", "[::]:0"):
            with tempfile.TemporaryDirectory() as folder:
                server = subprocess.Popen([self.program, "serve", "--sandbox", "--public-in-clear", "--listen", listen, "--data", folder + "/d"],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                try:
                    line = next((each for each in server.stderr if each.startswith("  curl ")), "")
                    words = shlex.split(line)
                    fields = dict(word.split(": ", 1) for before, word in zip(words, words[1:]) if before == "-H")
                    request = urllib.request.Request(words[1], words[words.index("-d") + 1].encode(), fields)
                    with urllib.request.urlopen(request, timeout=20) as answer:
                        assert json.load(answer)["choices"], listen
                finally:
                    server.terminate()
                    assert server.wait(20) == 0
                    server.stderr.close()

    def bad_config(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/c.toml"
            for text, word in [("lisen = 1", "did you mean `listen`?"), ("[upstream.a]\nprovider = \"zai\"", "ZAI_API_KEY"), ("x = ", "c.toml:1")]:
                with open(path, "w") as file:
                    file.write(text)
                env = {k: v for k, v in os.environ.items() if not k.startswith("ZAI")}
                done = subprocess.run([self.program, "serve", "--config", path, "--data", folder + "/d"], capture_output=True, text=True, env=env, timeout=20)
                assert done.returncode != 0 and word in done.stderr, done.stderr
            fails_with(self.program, ["serve", "--config", folder + "/none.toml", "--data", folder + "/d"], "cannot read")

    def unwritable_data(self):
        fails_with(self.program, ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", "/proc/nothing/here"], "data folder")

    def data_that_is_no_database(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/glmgate.db", "wb") as file:
                file.write(b"this is not a database, it only looks like a file" * 100)
            fails_with(self.program, ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", folder], "glmgate.db")

    def second_server(self):
        server = self.server()
        try:
            fails_with(self.program, ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", str(server.data)], "another server")
        finally:
            server.close()

    def open_secret(self):
        server = self.server()
        server.stop()
        os.chmod(server.data / "secret", 0o644)
        fails_with(self.program, ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", str(server.data)], "can be read by others")
        server.close()

    def modes(self):
        server = self.server()
        server.key()
        assert (server.data.stat().st_mode & 0o777) == 0o700
        for path in server.data.iterdir():
            assert (path.stat().st_mode & 0o077) == 0, f"{path.name} is open to others"
        server.close()

    def locked_database(self):
        server = self.server()
        key = server.key()["key"]
        lock = sqlite3.connect(server.data / "glmgate.db", isolation_level=None, timeout=10)
        lock.execute("BEGIN EXCLUSIVE")
        statuses = [server.request("POST", "/v1/chat/completions", ask("locked"), key).status for _ in range(20)]
        lock.execute("ROLLBACK")
        lock.close()
        assert set(statuses) <= {200, 503}, statuses
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            rows = sqlite3.connect(server.data / "glmgate.db").execute("SELECT count(*) FROM usage WHERE model = 'locked'").fetchone()[0]
            if rows == statuses.count(200):
                break
            time.sleep(0.1)
        assert rows == statuses.count(200), f"{rows} rows for {statuses.count(200)} answers"
        server.close()

    def locked_with_power(self):
        """With power durability nothing can be answered: refused in time and before the upstream is called; what was
        asked before ends visibly; all of it is on the books afterwards."""
        server = self.server('[ledger]\ndurability = "power"\n')
        key = server.key()["key"]
        lock = sqlite3.connect(server.data / "glmgate.db", isolation_level=None, timeout=10)
        lock.execute("BEGIN EXCLUSIVE")
        results = []

        def one(stream):
            began = time.monotonic()
            response = server.request("POST", "/v1/chat/completions", ask("early", stream=stream), key)
            results.append((response, time.monotonic() - began))
        self.upstream.script("early", [("sleep", 0.3)] + up.plain(ANSWER))
        threads = [threading.Thread(target=one, args=(i % 2 == 1,)) for i in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        assert server.request("GET", "/readyz").status == 503
        began = time.monotonic()
        late = [server.request("POST", "/v1/chat/completions", ask("late"), key) for _ in range(5)]
        assert {r.status for r in late} == {503} and time.monotonic() - began < 2 * harness.SLOW, [r.status for r in late]
        assert all("retry-after" in r.headers for r in late)
        assert not self.upstream.of("late"), "an upstream was called, though nothing can be written"
        for thread in threads:
            thread.join()
        for response, took in results:
            assert took < 7 * harness.SLOW, took
            whole = response.status == 200 and response.complete
            assert not whole, f"an answer that is not on the books looks whole: {response.body}"
        lock.execute("ROLLBACK")
        lock.close()
        deadline = time.monotonic() + 10
        while server.request("POST", "/v1/chat/completions", ask("after"), key).status != 200:
            assert time.monotonic() < deadline, "does not recover"
            time.sleep(0.1)
        rows = {r["model"]: r["requests"] for r in server.usage("model")["rows"]}
        assert rows.get("early") == len(self.upstream.of("early")) and "late" not in rows, rows
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 5 * harness.SLOW

    def folder_gone(self):
        """A data folder that is deleted, or whose lock is, under the server: told, not ready, and nothing is asked for that
        would be lost."""
        for what in ("folder", "lock", "glmgate.db"):
            server = self.server()
            key = server.key()["key"]
            assert server.request("POST", "/v1/chat/completions", ask("there"), key).status == 200
            if what == "folder":
                shutil.rmtree(server.data)
            else:
                os.unlink(server.data / what)
            deadline = time.monotonic() + 2 * harness.SLOW
            while server.request("GET", "/readyz").status != 503:
                assert time.monotonic() < deadline, f"{what} is gone, and the server is ready"
                time.sleep(0.05)
            refused = server.request("POST", "/v1/chat/completions", ask("gone-" + what), key)
            assert refused.status == 503 and not self.upstream.of("gone-" + what), (what, refused.status)
            assert "was deleted or replaced" in server.log() and "level=error" in server.log(), what
            if what == "lock":
                fails_with(self.program, ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", str(server.data)], "another server")
            server.close()

    def open_folder(self):
        for mode in (0o777, 0o770, 0o1777):
            with tempfile.TemporaryDirectory() as folder:
                os.chmod(folder, mode)
                for command in (["serve", "--sandbox", "--listen", "127.0.0.1:0"], ["keys", "create", "--user", "x"]):
                    fails_with(self.program, [*command, "--data", folder], "others may write to it", f"chmod go-w {folder}")

    def secret_of_another(self):
        if os.geteuid() != 0:
            raise harness.Skipped("cannot give files away")
        server = self.server()
        server.stop()
        os.chown(server.data / "secret", 12345, 12345)
        fails_with(self.program, ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", str(server.data)], "belongs to another user")
        server.close()

    def planted_link(self):
        """A link in the place of the new holds file is not written through."""
        server = self.server()
        server.stop(signal.SIGKILL)
        victim = server.folder / "victim"
        victim.write_text("precious")
        os.symlink(victim, server.data / "holds.new")
        server.start()
        assert victim.read_text() == "precious"
        server.close()

    def locked_for_long(self):
        """With no room left in the holds file requests are refused before the upstream is called; nothing is lost."""
        server = self.server("[ledger]\nmax_holds = 64\n")
        key = server.key()["key"]
        lock = sqlite3.connect(server.data / "glmgate.db", isolation_level=None, timeout=10)
        lock.execute("BEGIN EXCLUSIVE")
        statuses = [server.request("POST", "/v1/chat/completions", ask("long"), key).status for _ in range(80)]
        asked = len(self.upstream.of("long"))
        assert 503 in statuses and set(statuses) == {200, 503}, set(statuses)
        assert asked == statuses.count(200), "an upstream was called for a refused request"
        deadline = time.monotonic() + 3 * harness.SLOW
        while server.request("GET", "/readyz").status != 503:
            assert time.monotonic() < deadline, "ready, though nothing can be written"
            time.sleep(0.05)
        lock.execute("ROLLBACK")
        lock.close()
        deadline = time.monotonic() + 10
        while server.request("POST", "/v1/chat/completions", ask("after"), key).status != 200:
            assert time.monotonic() < deadline, "does not recover"
            time.sleep(0.1)
        row = [r for r in server.usage("model")["rows"] if r["model"] == "long"][0]
        assert row["requests"] == statuses.count(200), row
        server.close()

    def full_disk(self):
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], capture_output=True)
            if made.returncode != 0:
                raise harness.Skipped("cannot mount a small disk here")
            try:
                server = self.server(data=folder + "/d")
                key = server.key()["key"]
                with open(folder + "/filler", "wb") as filler:
                    try:
                        while True:
                            filler.write(b"x" * 65536)
                            filler.flush()
                    except OSError:
                        pass
                statuses = [server.request("POST", "/v1/chat/completions", ask("full"), key).status for _ in range(200)]
                assert set(statuses) <= {200, 503}, set(statuses)
                os.unlink(folder + "/filler")
                time.sleep(1)
                row = [r for r in server.usage("model")["rows"] if r["model"] == "full"][0]
                assert row["requests"] == statuses.count(200), row
                server.close()
                with open(folder + "/filler", "wb") as filler:
                    try:
                        while True:
                            filler.write(b"x" * 65536)
                            filler.flush()
                    except OSError:
                        pass
                fails_with(self.program, ["serve", "--sandbox", "--listen", "127.0.0.1:0", "--data", folder + "/e"])
            finally:
                subprocess.run(["umount", "-l", folder], check=False)

    def drain(self):
        server = self.server()
        key = server.key()["key"]
        self.upstream.script("drain", long_stream(40, 0.03))
        results = []
        threads = [threading.Thread(target=lambda: results.append(server.request("POST", "/v1/chat/completions", ask("drain", stream=True), key)))
                   for _ in range(20)]
        for thread in threads:
            thread.start()
        time.sleep(0.4)
        process = server.process
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        try:
            refused = server.request("GET", "/healthz").status in (0, 503)
        except OSError:
            refused = True
        for thread in threads:
            thread.join()
        process.wait(10 * harness.SLOW)
        assert refused, "new work is taken while draining"
        lost = [r.events()[-1:] for r in results if r.events()[-1:] != ["[DONE]"]]
        assert len(results) == 20 and not lost, f"lost streams: {lost}"
        server.close()

    def drain_timeout(self):
        server = self.server('[server]\ndrain_timeout = "500ms"\n')
        key = server.key()["key"]
        self.upstream.script("endless", long_stream(2000, 0.05))
        results = []
        thread = threading.Thread(target=lambda: results.append(server.request("POST", "/v1/chat/completions", ask("endless", stream=True), key)))
        thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8 * harness.SLOW
        thread.join()
        assert not results[0].complete and "[DONE]" not in results[0].events(), "a cut stream looks complete"
        server.start()
        row = [r for r in server.usage("model")["rows"] if r["model"] == "endless"]
        assert row and row[0]["requests"] == 1 and row[0]["estimated_requests"] == 1, row
        server.close()

    def cut_streams_are_ours(self):
        """What is cut by a drain: streams get their dialect's error event, plain calls a 503, rows are `interrupted`."""
        server = self.server('[server]\ndrain_timeout = "300ms"\n')
        key = server.key()["key"]
        self.upstream.script("cut-stream", long_stream(2000, 0.05))
        self.upstream.script("cut-plain", [("stall",)])
        results = {}

        def run(name, path, body):
            results[name] = server.request("POST", path, body, key)
        calls = [("chat", "/v1/chat/completions", ask("cut-stream", stream=True)),
                 ("messages", "/v1/messages", ask("cut-stream", stream=True, max_tokens=5)),
                 ("plain", "/v1/chat/completions", ask("cut-plain"))]
        threads = [threading.Thread(target=run, args=call) for call in calls]
        for thread in threads:
            thread.start()
        time.sleep(0.5 * harness.SLOW)
        server.stop()
        for thread in threads:
            thread.join()
        for name in ("chat", "messages"):
            last = json.loads(results[name].events()[-1])
            assert "shutting down" in last["error"]["message"] and not results[name].complete, results[name].body[-300:]
        plain = results["plain"]
        assert plain.status == 503 and plain.json["error"]["code"] == "shutting_down", (plain.status, plain.body)
        assert plain.headers["connection"] == "close" and "retry-after" in plain.headers, plain.headers
        rows = sqlite3.connect(server.data / "glmgate.db").execute("SELECT model, state FROM usage").fetchall()
        assert sorted(rows) == [("cut-stream", "interrupted")] * 2, rows
        log = server.log()
        assert log.count("fault=shutting_down") == 3 and "client_gone" not in log, log[-1500:]
        server.close()

    def revoked_stream_is_ours(self):
        """A revoked key's stream ends within 5 s, whether its client reads or not, and is not booked on the upstream."""
        server = self.server()
        made = server.key()
        flood = event({"content": "word " * 2000})
        self.upstream.script("flood", [("send", up.stream_head())] + [("send", up.chunk(flood))] * 5000)
        body = json.dumps(ask("flood", stream=True)).encode()
        connection = server.connect()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + made["key"].encode()
                           + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        time.sleep(1)  # it reads nothing: the gateway waits to write
        server.cli("keys", "revoke", made["id"])
        revoked = time.monotonic()
        while not (rows := self.states(server, "flood")):
            assert time.monotonic() - revoked < 5 * harness.SLOW, "the stream goes on"
            time.sleep(0.05)
        assert rows == ["interrupted"], rows
        connection.close()
        server.close()

    @staticmethod
    def states(server, model):
        return [state for state, in sqlite3.connect(server.data / "glmgate.db").execute("SELECT state FROM usage WHERE model = ?", (model,))]

    def half_closed(self):
        """A FIN after the request means that the client left: the upstream is cancelled, nothing is answered; after half of a body: 400."""
        server = self.server()
        key = server.key()["key"]
        self.upstream.script("half", [("stall",)])
        for stream in (False, True):
            body = json.dumps(ask("half", stream=stream)).encode()
            head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
            with server.connect() as connection:
                connection.sendall(head + body)
                time.sleep(0.1)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(1000) == b"", "an answer"
            with server.connect() as connection:
                connection.sendall(head + body[:-5])
                connection.shutdown(socket.SHUT_WR)
                response = harness.Response.read(connection)
                assert response.status == 400 and response.json["error"]["request_id" if "request_id" in response.json["error"] else "message"], response.body
        deadline = time.monotonic() + 3 * harness.SLOW
        while not all(request.left_at for request in self.upstream.of("half")):
            assert time.monotonic() < deadline, "the upstream still works"
            time.sleep(0.02)
        assert "internal" not in server.log(), server.log()[-800:]
        server.close()

    def not_even_a_request(self):
        """What cannot be parsed gets an id too, in the answer and in the log."""
        server = self.server()
        with server.connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            response = harness.Response.read(connection)
        assert response.status == 400
        name = response.headers["x-request-id"]
        assert name.startswith("x_") and name in response.body.decode() and "id=" + name in server.log() + self.flushed(server, name)
        server.close()

    @staticmethod
    def flushed(server, word):
        deadline = time.monotonic() + 2 * harness.SLOW
        while word not in server.log() and time.monotonic() < deadline:
            time.sleep(0.05)
        return server.log()

    def drain_delay(self):
        """Not ready first, then closed; a second signal does not wait."""
        server = self.server('[server]\ndrain_delay = "1s"\n')
        key = server.key()["key"]
        server.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        deadline = began + 0.8
        while (status := server.request("GET", "/readyz").status) != 503:
            assert time.monotonic() < deadline, f"/readyz is {status}"
        assert server.request("POST", "/v1/chat/completions", ask(), key).status == 200, "work is refused while it is only not ready"
        server.process.wait(10 * harness.SLOW)
        assert time.monotonic() - began > 0.9
        server.close()
        server = self.server('[server]\ndrain_delay = "60s"\n')
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10 * harness.SLOW
        server.close()

    def stop_with_idle_sandbox(self):
        """Used once: an idle connection to the private sandbox is there at the end."""
        server = harness.Server(self.program, None, args=["--sandbox"])
        key = server.key()["key"]
        assert server.request("POST", "/v1/chat/completions", ask("glm-4.7"), key).status == 200
        server.close()

    def impatient_stop(self):
        """A second SIGTERM while requests run and wait for their slot, in the clear and over TLS."""
        for tls in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                server = harness.Server(self.program, (tls_config(folder) if tls else "") + CONFIG.format(port=self.upstream.port)
                                        + "max_concurrency = 2\n", env={"TEST_UPSTREAM_KEY": "k"})
                key = make_key(server)
                self.upstream.script("impatient", [("stall",)])
                body = json.dumps(ask("impatient")).encode()
                connections = []
                for _ in range(12):
                    connection = open_connection(server, tls)
                    connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key.encode()
                                       + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    connections.append(connection)
                time.sleep(0.5 * harness.SLOW)
                server.process.send_signal(signal.SIGTERM)
                time.sleep(0.2 * harness.SLOW)
                server.stop()
                answers = [harness.Response.read(connection) for connection in connections]
                assert [answer.status for answer in answers] == [503] * 12, [answer.status for answer in answers]
                server.close()

    def reload_takes_a_new_certificate(self):
        """New connections get it, those that there are stay; a broken one changes nothing."""
        with tempfile.TemporaryDirectory() as folder:
            server = harness.Server(self.program, tls_config(folder) + CONFIG.format(port=self.upstream.port), env={"TEST_UPSTREAM_KEY": "k"})

            def shown():
                return ssl.get_server_certificate((server.host, server.port), timeout=10 * harness.SLOW)

            def health(connection):
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                return harness.Response.read(connection).status

            before, kept = shown(), open_connection(server, True)
            assert health(kept) == 200
            tls_config(folder)
            assert shown() == before, "a certificate is read at a reload, not before"
            server.cli("reload")
            after = shown()
            assert after != before and after == pathlib.Path(folder, "cert.pem").read_text(), "the old certificate is shown"
            assert health(kept) == 200
            pathlib.Path(folder, "cert.pem").write_text("nothing")
            assert server.cli("reload", check=False).returncode == 1
            assert shown() == after
            kept.close()
            server.close()

    def restarts_lose_no_connection(self):
        """Who connected before the listener closed is answered."""
        bad = []
        for _ in range(4):
            server = self.server()
            key, over = server.key()["key"], threading.Event()

            def client():
                while not over.is_set():
                    try:
                        connection = server.connect()
                    except OSError:
                        return  # refused: the listener is closed
                    try:
                        with connection:
                            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key.encode() + b"\r\n\r\n")
                            status = harness.Response.read(connection).status
                    except OSError as error:
                        status = str(error)
                    if status != 200:
                        bad.append(status)
            threads = [threading.Thread(target=client) for _ in range(20)]
            for thread in threads:
                thread.start()
            time.sleep(0.3)
            server.stop()
            over.set()
            for thread in threads:
                thread.join()
            server.close()
        assert not bad, bad

    def few_descriptors(self):
        """The limit is heeded: what does not fit gets 503, and nothing else fails."""
        config = CONFIG.format(port=self.upstream.port)
        server = harness.Server(self.program, config, env={"TEST_UPSTREAM_KEY": "k"}, args=["--workers", "1"], limits=(300, 300))
        key = server.key()["key"]
        assert "max_connections=114" in self.flushed(server, "max_connections"), server.log()
        self.upstream.script("few", long_stream(40, 0.05))
        statuses = []

        def client():
            try:
                status = server.request("POST", "/v1/chat/completions", ask("few", stream=True), key).status or "reset"
            except OSError:
                status = "reset"  # turned away while it still sent
            statuses.append(status)
        threads = [threading.Thread(target=client) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {200, 503} <= set(statuses) <= {200, 503, "reset"} and statuses.count(200) >= 100, {s: statuses.count(s) for s in set(statuses)}
        server.close()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        server = harness.Server(self.program, "[server]\nmax_connections = 400\n" + config, env={"TEST_UPSTREAM_KEY": "k"}, limits=(300, hard))
        assert "max_connections=" not in self.flushed(server, "at=start"), "the soft limit was not raised"
        server.close()

    def listen_addresses(self):
        for address, why in [("4561", "it has no host"), (":4561", "it has no host"), ("http://127.0.0.1:0", "it is a URL"), ("::1:0", "in brackets"),
                             ("127.0.0.1", "it has no port"), ("127.0.0.1:-1", "-1 is not a port"), ("127.0.0.1:99999", "99999 is not a port (0 to 65535)"),
                             ("127.evil.example:0", "in the clear")]:
            with tempfile.TemporaryDirectory() as folder:
                fails_with(self.program, ["serve", "--sandbox", "--listen", address, "--data", folder + "/d"], why)

    def exit_codes_count(self):
        """A program that a sanitizer ends with 99 must not pass for one that stops in order, nor one that crashed."""
        for last, before in [("exit 99", ""), ("kill -SEGV $$", ""), ("exit 0", "exit 99")]:
            with tempfile.TemporaryDirectory() as folder:
                program = folder + "/program"
                with open(program, "w") as file:
                    file.write(f"#!/bin/sh\ntrap '{last}' TERM\necho listening on http://127.0.0.1:1\n{before}\nwhile :; do sleep 0.01; done\n")
                os.chmod(program, 0o755)
                server = harness.Server(program)
                if before:
                    server.process.wait(10)
                try:
                    server.close()
                except AssertionError as told:
                    assert "exit code" in str(told), told
                else:
                    raise RuntimeError(f"`{before or last}` passes for an orderly stop")

    def reload(self):
        server = self.server()
        key = server.key()["key"]
        stop, bad = threading.Event(), []

        def load():
            while not stop.is_set():
                status = server.request("POST", "/v1/chat/completions", ask(), key).status
                if status != 200:
                    bad.append(status)
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        good = server.config.read_text()
        for i in range(20):
            server.config.write_text(good.replace("[upstream.local]", f"[upstream.local{i}]"))
            assert server.cli("reload").returncode == 0
        server.config.write_text("nonsense = 1\n")
        failed = server.cli("reload", check=False)
        assert failed.returncode != 0 and "nonsense" in failed.stderr, failed
        assert server.request("POST", "/v1/chat/completions", ask(), key).status == 200
        stop.set()
        for thread in threads:
            thread.join()
        assert not bad, bad
        response = server.request("POST", "/v1/chat/completions", ask(), key)
        assert response.headers["glmgate-upstream"] == "local19"
        server.close()

    def revocation(self):
        server = self.server()
        made = server.key()
        assert server.request("POST", "/v1/chat/completions", ask(), made["key"]).status == 200
        self.upstream.script("running", long_stream(300, 0.05))
        results = []
        thread = threading.Thread(target=lambda: results.append((server.request("POST", "/v1/chat/completions", ask("running", stream=True), made["key"]), time.monotonic())))
        thread.start()
        time.sleep(0.3)
        server.cli("keys", "revoke", made["id"])
        revoked = time.monotonic()
        while True:
            response = server.request("POST", "/v1/chat/completions", ask(), made["key"])
            if response.status == 403:
                break
            assert time.monotonic() - revoked < 1 * harness.SLOW, f"still {response.status} after a second"
        assert response.headers["x-should-retry"] == "false"
        thread.join()
        assert results[0][1] - revoked < 5 * harness.SLOW and "[DONE]" not in results[0][0].events()
        server.close()

    def rotation(self):
        server = self.server()
        old = server.key()
        new = json.loads(server.cli("keys", "rotate", old["id"], "--json").stdout)
        time.sleep(1 * harness.SLOW)
        assert server.request("GET", "/v1/models", key=old["key"]).status == 403
        assert server.request("GET", "/v1/models", key=new["key"]).status == 200
        server.close()

    def jwt(self):
        import hashlib
        import hmac

        def b64(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        server = self.server()
        key = server.key()["key"]
        name, secret = key.split(".")
        for unit in (1, 1000, 1000000):
            for header in ({"alg": "HS256", "sign_type": "SIGN"}, {"alg": "HS256", "typ": "JWT"}):
                claims = {"api_key": name, "exp": int((time.time() + 200) * unit), "timestamp": int(time.time() * unit)}
                text = b64(json.dumps(header).encode()) + b"." + b64(json.dumps(claims).encode())
                token = text + b"." + b64(hmac.new(secret.encode(), text, hashlib.sha256).digest())
                status = server.request("GET", "/v1/models", key=token.decode()).status
                assert status == 200, f"{unit} {header}: {status}"
        claims = {"api_key": name, "exp": int(time.time() - 100), "timestamp": 1}
        text = b64(b'{"alg":"HS256"}') + b"." + b64(json.dumps(claims).encode())
        token = text + b"." + b64(hmac.new(secret.encode(), text, hashlib.sha256).digest())
        assert server.request("GET", "/v1/models", key=token.decode()).status == 401
        assert server.request("GET", "/v1/models", headers=[("x-api-key", key)]).status == 200
        assert server.request("GET", "/v1/models", headers=[("Authorization", key)]).status == 200
        assert server.request("GET", "/v1/models", headers=[("Authorization", "bearer " + key)]).status == 200
        server.close()

    def slots(self):
        server = harness.Server(self.program, CONFIG.format(port=self.upstream.port) + "max_concurrency = 2\n", env={"TEST_UPSTREAM_KEY": "k"})
        key = server.key()["key"]
        self.upstream.script("slots", [("sleep", 0.1)] + up.plain(ANSWER))
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(server.request("POST", "/v1/chat/completions", ask("slots"), key).status)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 12, statuses
        calls = sorted(r.at for r in self.upstream.of("slots"))
        assert all(calls[i + 2] - calls[i] > 0.08 for i in range(len(calls) - 2)), "more than two at once"
        server.close()

    def secrets(self):
        server = self.server()
        made = server.key()
        key = made["key"]
        self.upstream.script("echo", up.plain({"error": {"message": f"your key {UPSTREAM_KEY} is bad", "code": "1000"}}, 401))
        said = b""
        for body, headers in [(ask(), []), (ask("echo"), []), (ask(stream="x"), []), (PROMPT, []), (ask(), [("X-Secret", "canary-header-99")])]:
            said += server.request("POST", "/v1/chat/completions", body, key, headers).body
        said += server.request("POST", "/v1/chat/completions", ask(), key[:-3] + "xyz").body
        said += server.request("GET", "/v1/models?key=" + key, key=key).body
        said += server.request("GET", "/metrics").body
        server.stop()
        log = server.log()
        first_key = log.split("sk-")[1].split("\n")[0] if "First start" in log else ""
        log = log.replace("sk-" + first_key, "")
        everything = log + said.decode(errors="replace")
        secret = key.split(".")[1]
        for name, canary in [("client key", secret), ("upstream key", UPSTREAM_KEY), ("header", "canary-header-99")]:
            for form in (canary, base64.b64encode(canary.encode()).decode().rstrip("="), canary.encode().hex(), canary[:16]):
                assert form not in everything, f"{name} shows up as {form[:6]}..."
        assert PROMPT not in log, "a prompt is in the log"
        server.close()

    def metrics(self):
        server = self.server()
        key = server.key()["key"]
        for i in range(3):
            server.request("POST", "/v1/chat/completions", ask(f"unknown-{i}"), key)
        page = server.request("GET", "/metrics").body.decode()
        for word in ("gen_ai_client_token_usage_bucket", "gen_ai_server_request_duration_seconds_count", "glmgate_requests_total",
                     'gen_ai_request_model="other"', "glmgate_ledger_healthy 1"):
            assert word in page, f"{word} is not in /metrics"
        assert "unknown-0" not in page, "a model's name that a client made up is a label"
        server.close()

    def heartbeat(self):
        server = harness.Server(self.program, '[stream]\nheartbeat = "300ms"\n' + CONFIG.format(port=self.upstream.port), env={"TEST_UPSTREAM_KEY": "k"})
        key = server.key()["key"]
        first = event({"content": "a"})
        last = event({}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})
        self.upstream.script("slow", [("send", up.stream_head() + up.chunk(first)), ("sleep", 1.2), ("send", up.chunk(last) + up.chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")])
        response = server.request("POST", "/v1/chat/completions", ask("slow", stream=True), key)
        assert response.body.count(b": ping\n\n") >= 2 and response.events()[-1] == "[DONE]", response.body
        response = server.request("POST", "/api/paas/v4/chat/completions", ask("slow", stream=True), key)
        assert b": ping" not in response.body and response.events()[-1] == "[DONE]", response.body
        server.close()

    def idle_timeout(self):
        server = harness.Server(self.program, CONFIG.format(port=self.upstream.port) + 'idle_timeout = "500ms"\n', env={"TEST_UPSTREAM_KEY": "k"})
        key = server.key()["key"]
        self.upstream.script("hangs", up.stream([event({"content": "abcd"})], cut=1, how="stall"))
        began = time.monotonic()
        response = server.request("POST", "/v1/chat/completions", ask("hangs", stream=True), key)
        assert time.monotonic() - began < 1.5 * harness.SLOW
        assert "error" in json.loads(response.events()[-1]) and not response.complete
        server.close()

    def missing_marker(self):
        """An answer that said why it ended, and what it cost, is whole without [DONE], though its connection stays open."""
        server = self.server()
        key = server.key()["key"]
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        self.upstream.script("marker", up.stream([event({"content": "a"}), event({}, "stop", usage=usage), b"never"], cut=2, how="stall"))
        for path, more, last in (("/v1/chat/completions", {}, "[DONE]"), ("/v1/messages", {"max_tokens": 9}, '{"type":"message_stop"}')):
            began = time.monotonic()
            response = server.request("POST", path, ask("marker", stream=True, **more), key)
            assert time.monotonic() - began < 9 * harness.SLOW
            assert response.complete and response.events()[-1] == last, response.body
        began = time.monotonic()
        assert server.request("POST", "/v1/messages", ask("marker", max_tokens=9), key).json["content"][0]["text"] == "a"
        row = [r for r in server.usage("model")["rows"] if r["model"] == "marker"][0]
        assert row["requests"] == 3 and row["estimated_requests"] == 0 and row["completion_tokens"] == 12, row
        server.close()

    def unlabelled_compression(self):
        """A compressed event stream whose content-encoding was lost on the way is known by its first bytes."""
        server = self.server()
        key = server.key()["key"]
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        packed = gzip.compress(event({"content": "a"}) + event({}, "stop", usage=usage) + b"data: [DONE]\n\n")
        for step in (None, 1):
            self.upstream.script("packed", up.stream([packed], step=step))
            for path, more, last in (("/v1/chat/completions", {}, "[DONE]"), ("/v1/messages", {"max_tokens": 9}, '{"type":"message_stop"}')):
                response = server.request("POST", path, ask("packed", stream=True, **more), key)
                assert response.status == 200 and response.complete and response.events()[-1] == last, (step, response.status, response.body)
        server.close()

    def retry_wait_ends_with_the_client(self):
        """A Retry-After of 4 s is waited for, but not for a client that has left."""
        server = self.server()
        key = server.key()["key"]
        busy = up.plain({"error": {"message": "busy"}}, 503, [("Retry-After", "4")])
        self.upstream.script("left", busy)
        body = json.dumps(ask("left")).encode()
        connection = server.connect()
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        deadline = time.monotonic() + 5 * harness.SLOW
        while not self.upstream.of("left"):
            assert time.monotonic() < deadline, "the upstream was not asked"
            time.sleep(0.02)
        time.sleep(0.3)
        connection.close()
        time.sleep(5)
        assert len(self.upstream.of("left")) == 1, "asked again for a client that has left"
        self.upstream.script("stays", busy, up.plain(ANSWER))
        began = time.monotonic()
        assert server.request("POST", "/v1/chat/completions", ask("stays"), key).status == 200
        assert time.monotonic() - began >= 3.9, "Retry-After was not waited for"
        server.close()

    def retry_budget(self):
        """An upstream that is down sees its share and ten more."""
        server = self.server()
        key = server.key()["key"]
        self.upstream.script("down", up.plain({"error": {"message": "down"}}, 500))
        statuses = {server.request("POST", "/v1/chat/completions", ask("down"), key).status for _ in range(40)}
        calls = len(self.upstream.of("down"))
        assert statuses == {502} and calls == 50, f"{statuses}, {calls} calls for 40 requests"
        assert "at=retry" in server.log()
        server.close()

    def unreachable_upstreams(self):
        """The client learns the upstream's name and why, not where it is; the log has that too."""
        for url, why in [("https://nowhere.invalid/v1", "its name does not resolve"), ("http://127.0.0.1:1/v1", "connection refused")]:
            server = harness.Server(self.program, f'[upstream.away]\nurl = "{url}"\nconnect_timeout = "3s"\n')
            response = server.request("POST", "/v1/messages", {**ask(), "max_tokens": 5}, server.key()["key"])
            message = response.json["error"]["message"]
            assert response.status == 502 and "`away` cannot be reached" in message and why in message, message
            host = url.split("/")[2]
            assert host not in message and host.split(":")[0] in server.log(), "the host"
            server.close()

    def token_comes_back(self):
        """auth = "jwt": the token that was sent is no more told than the key it was made of."""
        server = harness.Server(self.program, CONFIG.format(port=self.upstream.port) + 'auth = "jwt"\n', env={"TEST_UPSTREAM_KEY": UPSTREAM_KEY})
        key = server.key()["key"]
        sent = []

        def quote(request):
            sent.append(request.headers["authorization"].removeprefix("Bearer "))
            return up.plain({"error": {"message": f"bad token {sent[-1]} of {sent[-1].split('.')[2]}", "type": "invalid_request_error", "code": None}}, 400)

        self.upstream.default = quote
        response = server.request("POST", "/v1/chat/completions", ask(), key)
        self.upstream.default = lambda request: up.plain(ANSWER)
        assert response.status == 400 and "bad token" in response.json["error"]["message"], response.body
        server.stop()
        for text in (response.body.decode(), server.log()):
            assert sent[0] not in text and sent[0].split(".")[2] not in text, "the token is told"
        server.close()

    def told_limit_of_slots(self):
        server = harness.Server(self.program, CONFIG.format(port=self.upstream.port) + 'max_concurrency = 1\nfirst_byte_timeout = "1s"\n',
                                env={"TEST_UPSTREAM_KEY": "k"})
        key = server.key()["key"]
        events = [event({"content": "a"}), event({}, "stop"), b"data: [DONE]\n\n"]
        self.upstream.script("taken", up.stream(events, pause=1.5))
        first = threading.Thread(target=lambda: server.request("POST", "/v1/chat/completions", ask("taken", stream=True), key))
        first.start()
        deadline = time.monotonic() + 5 * harness.SLOW
        while not self.upstream.of("taken"):
            assert time.monotonic() < deadline, "the upstream was not asked"
            time.sleep(0.02)
        response = server.request("POST", "/v1/chat/completions", ask("waits"), key)
        assert response.status == 429 and response.headers["retry-after"] == "5", response.body
        assert "Each of the 1 places at `local` (max_concurrency) was taken for 1 s" in response.json["error"]["message"], response.body
        first.join()
        server.close()

    def client_cut(self):
        server = self.server()
        key = server.key()["key"]
        self.upstream.script("cut", long_stream(1000, 0.01))
        body = json.dumps(ask("cut", stream=True)).encode()
        connection = server.connect()
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        seen = b""
        while seen.count(b"word ") < 50:
            seen += connection.recv(65536)
        connection.close()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            rows = [r for r in server.usage("model")["rows"] if r["model"] == "cut"]
            if rows:
                break
            time.sleep(0.05)
        assert rows and rows[0]["requests"] == 1 and rows[0]["estimated_requests"] == 1, rows
        relayed = 50 * 5 / 4  # "word " is five bytes, four bytes a token
        assert relayed * 0.9 <= rows[0]["completion_tokens"] <= relayed * 1.4, rows
        server.close()

    def power(self):
        server = self.server('[ledger]\ndurability = "power"\n')
        key = server.key()["key"]
        for _ in range(5):
            assert server.request("POST", "/v1/chat/completions", ask("power"), key).status == 200
        rows = sqlite3.connect(server.data / "glmgate.db").execute("SELECT count(*) FROM usage WHERE model = 'power'").fetchone()[0]
        assert rows == 5, f"{rows} rows are synced"
        server.close()


def main():
    results = harness.Results("fault")
    tests = Tests(sys.argv[1])
    wanted = sys.argv[2:]
    for name in [n for n in vars(Tests) if not n.startswith("_") and n not in ("server", "states", "flushed")]:
        if wanted and name not in wanted:
            continue
        results.run(name, getattr(tests, name))
    tests.upstream.close()
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
