"""The program under test: started with a configuration and a data folder of its own, asked over raw sockets."""
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SLOW = float(os.environ.get("GLMGATE_TEST_SLOW", "1"))   # how much slower than the release build the program is


class Skipped(Exception):
    """Raised by a test that cannot be run here, with the reason."""


class Results:
    """Prints `ok`, `FAIL` and `skip` lines, and counts."""

    def __init__(self, suite):
        self.suite, self.failed = suite, 0

    def ok(self, name):
        print(f"ok {self.suite}/{name}", flush=True)

    def fail(self, name, why):
        self.failed += 1
        print(f"FAIL {self.suite}/{name}: {str(why)[:1500]}", flush=True)

    def skip(self, name, why):
        print(f"skip {self.suite}/{name}: {why}", flush=True)

    def check(self, name, condition, why=""):
        if condition:
            self.ok(name)
        else:
            self.fail(name, why)
        return bool(condition)

    def run(self, name, test, *args):
        """Runs a test function; an assertion or any other exception fails it, but Skipped."""
        try:
            test(*args)
        except Skipped as why:
            self.skip(name, why)
        except AssertionError as error:
            self.fail(name, error or "assertion failed")
        except Exception as error:  # noqa: BLE001 - a test that breaks has failed
            self.fail(name, f"{type(error).__name__}: {error}")
        else:
            self.ok(name)


class Server:
    """`glmgate serve`."""

    def __init__(self, program, config=None, data=None, args=(), env=None, start=True, limits=None):
        self.program = str(pathlib.Path(program).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="glmgate-test-"))
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.config = self.folder / "glmgate.toml"
        self.args = list(args)
        self.limits = limits         # descriptors, soft and hard
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("ZAI_", "Z_AI_", "ZHIPU_", "GLMGATE_"))}
        self.env.update(env or {})
        if config is not None:
            self.config.write_text(config)
        self.has_config = config is not None
        self.log_path = self.folder / "log"
        self.process, self.killed = None, False
        if start:
            self.start()

    def start(self):
        command = [self.program, "serve", "--listen", "127.0.0.1:0", "--data", str(self.data), *self.args]
        if self.has_config:
            command += ["--config", str(self.config)]
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log_file, text=True, env=self.env,
                                        preexec_fn=self.limits and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, self.limits)))
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.wait(10)
            raise RuntimeError(f"did not start: {line!r} {self.log()[-2000:]}")
        self.url = line.split()[-1]
        self.host, port = self.url.split("//")[1].rsplit(":", 1)
        self.port = int(port)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def cli(self, *args, check=True):
        done = subprocess.run([self.program, *args, "--data", str(self.data)], capture_output=True, text=True, env=self.env)
        if check and done.returncode != 0:
            raise RuntimeError(f"glmgate {' '.join(args)}: {done.stderr}")
        return done

    def key(self, user="t", *args):
        made = json.loads(self.cli("keys", "create", "--user", user, "--json", *args).stdout)
        deadline = time.monotonic() + 2 * SLOW
        while self.request("GET", "/v1/models", key=made["key"]).status == 401 and time.monotonic() < deadline:
            time.sleep(0.02)
        return made

    def usage(self, by="model", **kwargs):
        return json.loads(self.cli("usage", "--by", by, "--json").stdout)

    def kill(self):
        """Ends the program at once: of all its ends the only one that is not its own."""
        self.process.kill()
        self.process.wait()
        self.killed = True

    def stop(self, sig=signal.SIGTERM, wait=30):
        """Ends the program, if it still runs. It must leave in order: a crash, or what a sanitizer has to say (its exit code
        is not 0), fails the test, also if it came long before."""
        if self.process is None:
            return None
        late = False
        if self.process.poll() is None:
            self.killed = sig == signal.SIGKILL
            self.process.send_signal(sig)
            try:
                self.process.wait(wait * SLOW)
            except subprocess.TimeoutExpired:
                late = True
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.log_file.close()
        code, killed = self.process.returncode, self.killed
        self.process, self.killed = None, False
        assert not late, f"does not stop within {wait * SLOW:.0f} s: {self.log()[-1000:]}"
        assert code == (-signal.SIGKILL if killed else 0), f"exit code {code}: {self.log()[-3000:]}"
        return code

    def close(self):
        try:
            return self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, timeout=20.0):
        connection = socket.create_connection((self.host, self.port), timeout=timeout * SLOW)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def request(self, method, path, body=None, key=None, headers=(), step=None, timeout=20.0):
        """One request on a connection of its own."""
        payload = b"" if body is None else body if isinstance(body, bytes) else body.encode() if isinstance(body, str) \
            else json.dumps(body, ensure_ascii=False).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        given = {name.lower() for name, _ in headers}
        if key:
            lines.append(f"Authorization: Bearer {key}")
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None and "content-length" not in given and "transfer-encoding" not in given:
            lines.append(f"Content-Length: {len(payload)}")
            if "content-type" not in given:
                lines.append("Content-Type: application/json")
        raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + payload
        with self.connect(timeout) as connection:
            for i in range(0, len(raw), step or len(raw)):
                connection.sendall(raw[i:i + (step or len(raw))])
            return Response.read(connection, method)


class Response:
    """A response read to its end; `complete` is false if it ended before its framing said so."""

    def __init__(self, status, headers, body, complete, rest=b""):
        self.status, self.headers, self.body, self.complete, self.rest = status, headers, body, complete, rest

    @property
    def json(self):
        return json.loads(self.body)

    def events(self):
        """Data of each event; comments left out."""
        text = self.body.decode()
        events = []
        for block in text.split("\n\n"):
            data = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
            if data:
                events.append("\n".join(data))
        return events

    @classmethod
    def read(cls, connection, method="GET"):
        buffer = b""

        def more():
            nonlocal buffer
            try:
                data = connection.recv(65536)
            except ConnectionResetError:
                return False
            buffer += data
            return bool(data)

        while True:
            while b"\r\n\r\n" not in buffer:
                if not more():
                    return cls(0, {}, buffer, False)
            head, buffer = buffer.split(b"\r\n\r\n", 1)
            first, *fields = head.decode("latin-1").split("\r\n")
            status = int(first.split()[1])
            if status >= 200:
                break
        headers = {}
        for field in fields:
            name, value = field.split(":", 1)
            name, value = name.lower(), value.strip()
            headers[name] = headers[name] + "\n" + value if name in headers else value
        if method == "HEAD" or status in (204, 304):
            return cls(status, headers, b"", True, buffer)
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                while b"\r\n" not in buffer:
                    if not more():
                        return cls(status, headers, body, False)
                size, buffer = buffer.split(b"\r\n", 1)
                n = int(size, 16)
                while len(buffer) < n + 2:
                    if not more():
                        return cls(status, headers, body + buffer, False)
                body, buffer = body + buffer[:n], buffer[n + 2:]
                if n == 0:
                    return cls(status, headers, body, True, buffer)
        if "content-length" in headers:
            n = int(headers["content-length"])
            while len(buffer) < n:
                if not more():
                    return cls(status, headers, buffer, False)
            return cls(status, headers, buffer[:n], True, buffer[n:])
        while more():
            pass
        return cls(status, headers, buffer, True)


def pointer(document, path):
    """A value by JSON pointer; raises KeyError if it is absent."""
    for part in path.strip("/").split("/") if path.strip("/") else []:
        if isinstance(document, list):
            if not part.lstrip("-").isdigit() or int(part) >= len(document):
                raise KeyError(path)
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document[part]
        else:
            raise KeyError(path)
    return document
