"""A scripted upstream on loopback: it answers with exact bytes at exact moments, and records what it was sent.

Which script is played is told by the model's name in the request, so that tests can run side by side.
"""
import json
import socket
import struct
import threading
import time


def plain(body, status=200, headers=()):
    """A whole JSON answer."""
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if isinstance(body, str):
        body = body.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers)
    return [("send", head.encode() + b"\r\n" + body)]


def stream_head(content_type="text/event-stream"):
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream(events, cut=None, how="fin", step=None, pause=0.0):
    """An event stream. `cut`: only so many events, then FIN, RST or silence. `step`: bytes a write."""
    actions = [("send", stream_head())]
    for event in events if cut is None else events[:cut]:
        actions.append(("send", chunk(event)))
        if pause:
            actions.append(("sleep", pause))
    if cut is None:
        actions.append(("send", b"0\r\n\r\n"))
    else:
        actions.append({"fin": ("close",), "rst": ("reset",), "stall": ("stall",)}[how])
    return in_steps(actions, step) if step else actions


def in_steps(actions, step):
    """The same bytes, `step` at a time."""
    out = []
    for action in actions:
        if action[0] != "send":
            out.append(action)
            continue
        out += [("send", action[1][i:i + step]) for i in range(0, len(action[1]), step)]
    return out


class Request:
    def __init__(self, head, body):
        self.at = time.monotonic()
        self.left_at = None          # when the other side closed, if it did before the answer was over
        self.line, *fields = head.split("\r\n")
        self.headers = {}
        for field in fields:
            if ":" in field:
                name, value = field.split(":", 1)
                self.headers[name.strip().lower()] = value.strip()
        self.body = body
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None


class Upstream:
    def __init__(self):
        self.scripts = {}            # model -> list of plays; the last one stays
        self.default = None          # function(Request) -> actions
        self.requests = []
        self.lock = threading.Lock()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(512)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def script(self, model, *plays):
        with self.lock:
            self.scripts[model] = list(plays)

    def of(self, model):
        with self.lock:
            return [r for r in self.requests if r.json and self.name_of(r) == model]

    def name_of(self, request):
        """The model whose script is played; where the gateway asks for another one (the tokenizer's), a scripted name in the body."""
        model = (request.json or {}).get("model")
        return model if model in self.scripts else max((name for name in self.scripts if name.encode() in request.body), key=len, default=model)

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffer:
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffer += data
                head, buffer = buffer.split(b"\r\n\r\n", 1)
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                while len(buffer) < length:
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffer += data
                request = Request(head.decode("latin-1"), buffer[:length])
                buffer = buffer[length:]
                with self.lock:
                    self.requests.append(request)
                    plays = self.scripts.get(self.name_of(request))
                    actions = None
                    if plays:
                        actions = plays.pop(0) if len(plays) > 1 else plays[0]
                if actions is None:
                    actions = self.default(request) if self.default else plain({"error": {"message": "no script"}}, 500)
                if not self.play(connection, actions, request):
                    return
        except OSError:
            pass
        finally:
            connection.close()

    def play(self, connection, actions, request):
        for action in actions:
            kind = action[0]
            if kind == "send":
                try:
                    connection.sendall(action[1])
                except OSError:
                    request.left_at = time.monotonic()
                    return False
            elif kind == "sleep":
                if not self.wait(connection, action[1], request):
                    return False
            elif kind == "tell":
                action[1].set()
            elif kind == "await":   # until the test says so
                action[1].wait(20)
            elif kind == "stall":
                self.wait(connection, 120, request)
                return False
            elif kind == "close":
                connection.shutdown(socket.SHUT_WR)
                return False
            elif kind == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
        return True

    @staticmethod
    def wait(connection, seconds, request):
        """Sleeps, but notices when the other side leaves."""
        connection.settimeout(seconds)
        try:
            data = connection.recv(1, socket.MSG_PEEK)
            if not data:
                request.left_at = time.monotonic()
                return False
            time.sleep(seconds)
        except socket.timeout:
            pass
        except OSError:
            request.left_at = time.monotonic()
            return False
        finally:
            connection.settimeout(None)
        return True

    def close(self):
        self.socket.close()
