#!/usr/bin/env python3
"""Kills the server at random instants under load, and compares what clients received with the ledger.

L1: every response whose last byte a client received is on the ledger. L2: none twice. L3: nothing that the upstream did not
make. Each request has a model of its own, so that each has a row of its own.
"""
import argparse
import json
import random
import sys
import threading
import time

import harness
import upstream as up

CONFIG = """
[upstream.local]
provider = "engine"
url = "http://127.0.0.1:{port}/v1"
models = ["*"]
"""


class Client(threading.Thread):
    def __init__(self, test, number):
        super().__init__(daemon=True)
        self.test, self.number = test, number

    def run(self):
        n = 0
        while not self.test.over.is_set():
            n += 1
            tokens = self.test.rng.randrange(1, 1_000_000)
            model = f"m-{self.test.round}-{self.number}-{n}-{tokens}"
            streamed = n % 2 == 0
            self.test.asked[model] = tokens
            body = {"model": model, "stream": streamed, "messages": [{"role": "user", "content": "x"}]}
            try:
                response = self.test.server.request("POST", "/v1/chat/completions", body, self.test.key)
            except (OSError, ValueError):
                time.sleep(0.01)
                continue
            whole = response.status == 200 and response.complete
            if streamed:
                whole = whole and response.events()[-1:] == ["[DONE]"]
            if whole:
                self.test.received[model] = tokens


class Crash:
    def __init__(self, program, seed):
        self.rng = random.Random(seed)
        self.upstream = up.Upstream()
        self.upstream.default = self.answer
        self.server = harness.Server(program, CONFIG.format(port=self.upstream.port))
        self.key = self.server.key()["key"]
        self.asked, self.received = {}, {}
        self.round = 0

    def answer(self, request):
        if not request.json:  # a stranger who looks for what had this port before
            return up.plain({"error": {"message": "not here"}}, 404)
        tokens = int(request.json["model"].rsplit("-", 1)[1])
        usage = {"prompt_tokens": tokens, "completion_tokens": 7, "total_tokens": tokens + 7}
        base = {"id": "1", "created": 1, "model": "m"}
        if not request.json.get("stream"):
            return up.plain({**base, "object": "chat.completion", "usage": usage, "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]})
        chunks = [{"choices": [{"index": 0, "delta": {"content": "hello "}, "finish_reason": None}]} for _ in range(5)]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
        events = [b"data: " + json.dumps({**base, "object": "chat.completion.chunk", **c}).encode() + b"\n\n" for c in chunks]
        return up.stream(events + [b"data: [DONE]\n\n"], pause=0.002)

    def kill_once(self):
        self.round += 1
        self.over = threading.Event()
        clients = [Client(self, i) for i in range(16)]
        for client in clients:
            client.start()
        time.sleep(self.rng.uniform(0.05, 0.6) * harness.SLOW)
        self.server.kill()
        self.over.set()
        for client in clients:
            client.join(30)
        self.server.stop(wait=5)

    def compare(self):
        """What is wrong, as text; empty if nothing is."""
        rows = self.server.usage("model")
        wrong = []
        counted = {}
        for row in rows["rows"]:
            counted[row["model"]] = row
            if row["model"] not in self.asked:
                wrong.append(f"a row nobody asked for: {row}")
            if row["requests"] != 1:
                wrong.append(f"twice: {row}")
            exact = row["prompt_tokens"] == self.asked.get(row["model"]) and row["completion_tokens"] == 7
            if not exact and not row["estimated_requests"]:
                wrong.append(f"tokens that were never made: {row}")
        for model, tokens in self.received.items():
            row = counted.get(model)
            if row is None:
                wrong.append(f"received but lost: {model}")
            elif row["prompt_tokens"] != tokens or row["estimated_requests"]:
                wrong.append(f"received but wrong: {model}: {row}")
        return wrong, rows["total"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    results = harness.Results("crash")
    test = Crash(args.program, args.seed)
    try:
        for kill in range(1, args.kills + 1):
            test.kill_once()
            # As the dead process left it, and again after a restart has taken over.
            dead, _ = test.compare()
            test.server.start()
            alive, total = test.compare()
            name = f"kill {kill}, seed {args.seed}"
            if dead or alive:
                results.fail(name, (dead + alive)[:5])
            elif total["open"] != 0:
                results.fail(name, f"{total['open']} rows stay open")
            else:
                results.ok(name)
        results.check(f"{len(test.received)} responses were received whole", len(test.received) > 20 * args.kills,
                      f"only {len(test.received)} responses in {args.kills} rounds: the test proves little")
    finally:
        test.server.close()
        test.upstream.close()
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
