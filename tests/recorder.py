"""An upstream that hands what it is asked on to `glmgate sandbox`, and keeps what it was asked."""
import http.client
import subprocess

import upstream


class Recorder(upstream.Upstream):
    def __init__(self, program):
        super().__init__()
        self.sandbox = subprocess.Popen([program, "sandbox", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.sandbox.stdout.readline().split("//")[1].strip()
        self.default = self.hand_on

    def hand_on(self, request):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        method, path, _ = request.line.split()
        kept = {name: value for name, value in request.headers.items() if name not in ("host", "content-length", "connection", "accept-encoding")}
        connection.request(method, path, request.body or None, kept)
        answer = connection.getresponse()
        body = answer.read()
        head = f"HTTP/1.1 {answer.status} X\r\nContent-Type: {answer.getheader('content-type')}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.close()
        return [("send", head.encode() + body)]

    def asked(self):
        """The bodies so far, of requests to models."""
        with self.lock:
            return [r.json for r in self.requests if r.json and ("messages" in r.json or "input" in r.json)]

    def close(self):
        super().close()
        self.sandbox.terminate()
        self.sandbox.wait(10)
        self.sandbox.stdout.close()
