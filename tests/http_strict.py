#!/usr/bin/env python3
"""Malformed and hostile HTTP, over raw sockets: never a 2xx where there must be none, never two answers, no hang, no crash."""
import gzip
import json
import re
import sys
import time

import harness
import upstream as up

CONFIG = """
[server]
header_timeout = "1s"
body_timeout = "1s"
max_body = "1MiB"
[upstream.local]
url = "http://127.0.0.1:{port}/v1"
"""
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()


def raw(server, data, timeout=5.0, half_close=False):
    """All bytes that come back within `timeout`, and whether the server closed."""
    with server.connect(timeout) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(1)
        except OSError:
            pass
        out, closed = b"", False
        deadline = time.monotonic() + timeout * harness.SLOW
        while time.monotonic() < deadline:
            connection.settimeout(max(0.05, deadline - time.monotonic()))
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                break
            except OSError:
                closed = True
                break
            if not piece:
                closed = True
                break
            out += piece
        return out, closed


def cases(key):
    ok = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key.encode() + b"\r\n"
    length = b"Content-Length: %d\r\n" % len(BODY)
    chunked = b"Transfer-Encoding: chunked\r\n"
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    bare = b"POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer " + key.encode() + b"\r\n"
    yield "no Host", bare + length + b"\r\n" + BODY
    for name, host in [("two hosts joined", b"a, b"), ("a path", b"a/x"), ("userinfo", b"u@a"), ("a space", b"a b"), ("empty", b""),
                       ("a bad port", b"a:b"), ("a huge port", b"a:1234567"), ("a quote", b'a"'), ("an open bracket", b"[::1"),
                       ("a tab inside", b"a\tb"), ("a percent", b"a%00")]:
        yield f"Host with {name}", bare + b"Host: " + host + b"\r\n" + length + b"\r\n" + BODY
    yield "two Hosts", ok + b"Host: b\r\n" + length + b"\r\n" + BODY
    yield "two equal Content-Lengths", ok + length + length + b"\r\n" + BODY
    yield "two different Content-Lengths", ok + length + b"Content-Length: 3\r\n\r\n" + BODY
    for name, value in [("list", b"%d, %d" % (len(BODY), len(BODY))), ("plus", b"+%d" % len(BODY)), ("minus", b"-1"), ("hex", b"0x10"),
                        ("underscore", b"1_0"), ("float", b"10.0"), ("huge", b"9" * 30), ("letters", b"abc"), ("semicolon", b"5;")]:
        yield f"Content-Length {name}", ok + b"Content-Length: " + value + b"\r\n\r\n" + BODY
    yield "TE and CL", ok + chunked + length + b"\r\n" + framed
    yield "CL and TE", ok + length + chunked + b"\r\n" + framed
    for name, value in [("gzip, chunked", b"gzip, chunked"), ("chunked, gzip", b"chunked, gzip"), ("identity", b"identity"),
                        ("xchunked", b"xchunked"), ("chunked twice in one", b"chunked, chunked"), ("quoted", b'"chunked"'),
                        ("vertical tab", b"\x0bchunked"), ("chunked;q", b"chunked;q=1"), ("empty", b"")]:
        yield f"Transfer-Encoding {name}", ok + b"Transfer-Encoding: " + value + b"\r\n\r\n" + framed
    yield "two Transfer-Encodings", ok + chunked + chunked + b"\r\n" + framed
    yield "TE in HTTP/1.0", ok.replace(b"HTTP/1.1", b"HTTP/1.0") + chunked + b"\r\n" + framed
    yield "space before the colon of TE", ok + b"Transfer-Encoding : chunked\r\n\r\n" + framed
    yield "folded TE", ok + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + framed
    yield "folded field", ok + b"X-A: b\r\n c\r\n" + length + b"\r\n" + BODY
    for name, size in [("0x", b"0x5"), ("underscore", b"1_0"), ("plus", b"+5"), ("minus", b"-5"), ("space first", b" 5"),
                       ("overflow", b"f" * 17), ("empty", b""), ("letters", b"zz"), ("dot", b"5.")]:
        yield f"chunk size {name}", ok + chunked + b"\r\n" + size + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
    yield "chunk ends with LF only", ok + chunked + b"\r\n" + framed.replace(b"\r\n", b"\n")
    yield "chunk without its CRLF", ok + chunked + b"\r\n%x\r\n%sXX0\r\n\r\n" % (len(BODY), BODY)
    yield "LF in a quoted chunk extension", ok + chunked + b'\r\n%x;a="\n"\r\n%s\r\n0\r\n\r\n' % (len(BODY), BODY)
    yield "a mebibyte of chunk extension", ok + chunked + b"\r\n%x;%s\r\n%s\r\n0\r\n\r\n" % (len(BODY), b"a" * 1048576, BODY)
    yield "a mebibyte of trailers", ok + chunked + b"\r\n%x\r\n%s\r\n0\r\nX: %s\r\n\r\n" % (len(BODY), BODY, b"a" * 1048576)
    for name, line in [("no version", b"GET /\r\n\r\n"), ("HTTP/1.2", b"GET / HTTP/1.2\r\nHost: a\r\n\r\n"), ("HTTP/2.0", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
                       ("h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("two spaces", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
                       ("lower-case method", b"get / HTTP/1.1\r\nHost: a\r\n\r\n"), ("unknown method", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
                       ("CONNECT", b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), ("control in the target", b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"),
                       ("raw UTF-8 in the target", "GET /é HTTP/1.1\r\nHost: a\r\n\r\n".encode()), ("no slash", b"GET x HTTP/1.1\r\nHost: a\r\n\r\n"),
                       ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64), ("SSH", b"SSH-2.0-x\r\n\r\n"), ("NULs", b"\x00" * 200),
                       ("bare LF", b"GET / HTTP/1.1\nHost: a\n\n")]:
        yield f"request line: {name}", line
    for name, field in [("no name", b": x"), ("space in the name", b"X Y: z"), ("NUL in the value", b"X: a\x00b"), ("CR in the value", b"X: a\rb"),
                        ("no colon", b"X"), ("UTF-8 name", "é: x".encode()), ("control in the name", b"X\x01: y"),
                        ("two Authorizations", b"Authorization: Bearer x")]:
        yield f"field: {name}", ok + field + b"\r\n" + length + b"\r\n" + BODY
    yield "a line of 9 KiB", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    yield "a head of 40 KiB", ok + b"X: " + b"a" * 40000 + b"\r\n\r\n"
    yield "a head of 4 MiB", ok + b"X: " + b"a" * 4194304 + b"\r\n\r\n"
    yield "101 fields", ok + b"X: y\r\n" * 101 + length + b"\r\n" + BODY
    yield "a body over the limit", ok + b"Content-Length: 1048577\r\n\r\n" + b" " * 1048577
    yield "a chunked body over the limit", ok + chunked + b"\r\n" + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 17 + b"0\r\n\r\n"
    bomb = gzip.compress(b" " * (64 << 20))
    yield "a gzip bomb", ok + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    yield "cut gzip", ok + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n" + gzip.compress(BODY)[:12]
    for encoding in (b"br", b"compress", b"gzip, gzip, gzip", b"x", b"gzip;q=1"):
        yield f"Content-Encoding {encoding.decode()}", ok + b"Content-Encoding: " + encoding + b"\r\n" + length + b"\r\n" + BODY
    yield "a body of another length, short", ok + b"Content-Length: %d\r\n\r\n" % (len(BODY) + 50) + BODY


def main():
    program = sys.argv[1]
    results = harness.Results("http")
    upstream = up.Upstream()
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
              "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}
    upstream.default = lambda request: up.plain(answer)
    server = harness.Server(program, CONFIG.format(port=upstream.port))
    key = server.key()["key"]
    good = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key.encode() + b"\r\n"

    def refused(data):
        out, closed = raw(server, data)
        statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", out)]
        assert not any(200 <= s < 300 for s in statuses), f"accepted: {out[:300]!r}"
        assert len(statuses) <= 1, f"two answers: {statuses}"
        assert closed or b"content-encoding" in out or b"encoded" in out or b"decoded" in out or b"not valid" in out, "the connection stays open"
        assert statuses or len(data) > 0, "no answer"
        assert len(out) < 8192, f"{len(out)} bytes of answer"
        asked = [request for request in upstream.requests if not request.line.startswith("GET ")]  # for its list of models
        assert not asked, "the upstream was asked"

    for name, data in cases(key):
        results.run(name, refused, data)

    def encoded(encoding, data):
        response = server.request("POST", "/v1/chat/completions", data, key, [("Content-Encoding", encoding)])
        assert response.status == 200, f"{response.status}: {response.body}"
    results.run("a gzip body is read", encoded, "gzip", gzip.compress(BODY))
    import zlib
    results.run("a deflate body is read", encoded, "deflate", zlib.compress(BODY))

    def pipelined():
        one = good + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
        out, _ = raw(server, one + one + one.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"))
        assert out.count(b"HTTP/1.1 200") == 3, out[:500]
    results.run("three pipelined requests get three answers", pipelined)

    def expect_continue():
        with server.connect() as connection:
            connection.sendall(good + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
            assert connection.recv(100).startswith(b"HTTP/1.1 100"), "no 100 Continue"
            connection.sendall(BODY)
            assert harness.Response.read(connection).status == 200
    results.run("100-continue", expect_continue)

    def expect_refused():
        with server.connect() as connection:
            connection.sendall(good + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
            assert harness.Response.read(connection).status == 413
    results.run("a body that would be too large is refused before it is sent", expect_refused)

    def http_1_0():
        out, closed = raw(server, good.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
        assert b" 200 OK" in out and closed, out[:200]
    results.run("HTTP/1.0 is answered and closed", http_1_0)

    def slow_head():
        began = time.monotonic()
        with server.connect() as connection:
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHo")
            response = harness.Response.read(connection)
            assert response.status in (0, 408), response.status
        assert time.monotonic() - began < 3 * harness.SLOW, "a slow head is kept for too long"
    results.run("a slow head is cut within its time", slow_head)

    def slow_body():
        began = time.monotonic()
        with server.connect() as connection:
            connection.sendall(good + b"Content-Length: 1000\r\n\r\n{")
            assert harness.Response.read(connection).status == 408
        assert time.monotonic() - began < 4 * harness.SLOW
    results.run("a slow body is cut within its time", slow_body)

    def many_slow():
        held = []
        for _ in range(200):
            connection = server.connect()
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX")
            held.append(connection)
        began = time.monotonic()
        response = server.request("POST", "/v1/chat/completions", BODY, key)
        took = time.monotonic() - began
        for connection in held:
            connection.close()
        assert response.status == 200 and took < 2 * harness.SLOW, (response.status, took)
    results.run("200 slow heads do not hold up others", many_slow)

    def disconnect():
        late = []
        for _ in range(20):
            model = f"stall-{len(late)}"
            upstream.script(model, [("stall",)])
            connection = server.connect()
            body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}]}).encode()
            connection.sendall(good + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            while not upstream.of(model):
                time.sleep(0.002)
            time.sleep(0.02)
            left = time.monotonic()
            connection.close()
            request = upstream.of(model)[0]
            while request.left_at is None and time.monotonic() < left + 3:
                time.sleep(0.002)
            assert request.left_at, "the upstream was never cancelled"
            late.append(request.left_at - left)
        assert sorted(late)[-1] < 0.1 * harness.SLOW, f"slowest cancellation {max(late) * 1000:.0f} ms"
    results.run("a client that leaves cancels the upstream within 100 ms", disconnect)

    def poisoned():
        evil = up.plain(answer)[0][1] + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"
        upstream.script("evil", [("send", evil)])
        for i in range(20):
            model = "evil" if i % 4 == 0 else f"clean-{i}"
            response = server.request("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "x"}]}, key)
            assert b"EVIL" not in response.body
            assert response.status in (200, 502)
            assert model == "evil" or response.status == 200, response.body
    results.run("unsolicited bytes of an upstream reach no client", poisoned)
    results.check("no bug, no sanitizer report in the log", not any(w in server.log() for w in ("at=bug", "Sanitizer", "runtime error")), server.log()[-1500:])
    results.check("stops in order", server.close() == 0)
    upstream.close()
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
