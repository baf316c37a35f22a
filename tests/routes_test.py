#!/usr/bin/env python3
"""Where requests go over time: plans, money, engines' own lists of models."""
import json
import re
import socket
import sys
import time

import harness
import upstream as up

ONE_KEY = """
[upstream.plan]
provider = "zai-coding"
url = "http://127.0.0.1:{port}/plan"
key_env = "TEST_UPSTREAM_KEY"
speaks = ["glm"]
[upstream.money]
provider = "zai"
url = "http://127.0.0.1:{port}/money"
key_env = "TEST_UPSTREAM_KEY"
speaks = ["glm"]
paid = "{paid}"
"""
ANSWER = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
          "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}
USED_UP = {"error": {"code": "1308", "message": "Usage limit reached for 5 hour. Your limit will reset at 2036-11-20 18:00:00"}}
NO_PLAN = {"error": {"code": "1113", "message": "Insufficient balance or no resource package. Please recharge."}}


def ask(model="glm-4.7"):
    return {"model": model, "messages": [{"role": "user", "content": "hi"}]}


class Tests:
    def __init__(self, program):
        self.program = program
        self.upstream = up.Upstream()
        self.plan = None             # what the plan's address answers; None: an answer
        self.upstream.default = self.answer

    def answer(self, request):
        if "/plan/" in request.line and self.plan:
            return up.plain(self.plan, 429)
        return up.plain(ANSWER)

    def asked(self, before=0):
        return [r.line.split("/")[1] for r in self.upstream.requests[before:]]

    def chat(self, server, key, model="glm-4.7"):
        """Its answer, and where it was asked for."""
        before = len(self.upstream.requests)
        answer = server.request("POST", "/v1/chat/completions", ask(model), key)
        return answer, self.asked(before)

    def one_key(self, paid="no-plan"):
        server = harness.Server(self.program, ONE_KEY.format(port=self.upstream.port, paid=paid), env={"TEST_UPSTREAM_KEY": "upid.upsecret"})
        return server, server.key()["key"]

    def a_plan_that_is_used_up_is_not_replaced_by_money(self):
        self.plan = USED_UP
        server, key = self.one_key()
        try:
            for _ in range(2):
                answer, asked = self.chat(server, key)
                assert (answer.status, asked) == (429, ["plan"]), (answer.status, asked)
                message = answer.json["error"]["message"]
                assert "money/glm-4.7" in message and "GLMGATE_PAID=spill" in message, message
            answer, asked = self.chat(server, key, "money/glm-4.7")
            assert (answer.status, asked) == (200, ["money"]), (answer.status, asked)
        finally:
            server.close()

    def money_that_may_be_spent_is_spent_within_the_request(self):
        self.plan = USED_UP
        server, key = self.one_key("spill")
        try:
            for expected in (["plan", "money"], ["money"]):
                answer, asked = self.chat(server, key)
                assert (answer.status, asked) == (200, expected), (answer.status, asked)
        finally:
            server.close()

    def a_key_without_a_plan_is_asked_for_one_once(self):
        self.plan = NO_PLAN
        server, key = self.one_key()
        try:
            for expected in (["plan", "money"], ["money"], ["money"]):
                answer, asked = self.chat(server, key)
                assert (answer.status, asked) == (200, expected), (answer.status, asked)
            answer, asked = self.chat(server, key, "plan/glm-4.7")
            assert (answer.status, asked) == (429, ["plan"]), (answer.status, asked)
            assert "no Coding Plan" in answer.json["error"]["message"], answer.body
            server.cli("reload", "--config", str(server.config))
            assert self.chat(server, key)[1] == ["plan", "money"], "a reload asks again"
        finally:
            server.close()

    def money_only_when_asked(self):
        self.plan = NO_PLAN
        server, key = self.one_key("asked")
        try:
            answer, asked = self.chat(server, key)
            assert (answer.status, asked) == (429, ["plan"]), (answer.status, asked)
            answer, asked = self.chat(server, key, "zai/glm-4.7")
            assert (answer.status, asked) == (200, ["money"]), (answer.status, asked)
        finally:
            server.close()

    def an_engine_is_asked_what_it_has(self):
        listed = []

        def answer(request):
            if request.line.startswith("GET"):
                listed.append(request)
                return up.plain({"object": "list", "data": [{"id": "zai-org/GLM-4.7", "object": "model", "max_model_len": 4096}]})
            return up.plain(ANSWER)
        engine = up.Upstream()
        engine.default = answer
        config = """
[upstream.box]
url = "http://127.0.0.1:{port}/v1"
key_env = "TEST_UPSTREAM_KEY"
[upstream.messages]
url = "http://127.0.0.1:{port}/a"
speaks = ["anthropic_messages"]
[upstream.hangs]
url = "http://127.0.0.1:{hangs}/v1"
""".format(port=engine.port, hangs=self.hanging_port())
        server = harness.Server(self.program, config, env={"TEST_UPSTREAM_KEY": "up-secret"})
        try:
            key = server.cli("keys", "create", "--user", "t", "--json").stdout.split('"key":"')[1].split('"')[0]
            time.sleep(1)
            started = time.monotonic()
            models = server.request("GET", "/v1/models", key=key).json["data"]
            assert time.monotonic() - started < 6 * harness.SLOW, "one that hangs holds up the list"
            assert [m["id"] for m in models] == ["zai-org/GLM-4.7"] and models[0]["max_input_tokens"] == 4096, models
            assert [r.line.split()[1] for r in listed] == ["/v1/models", "/a/v1/models?limit=1000"], [r.line for r in listed]
            assert listed[0].headers["authorization"] == "Bearer up-secret" and "anthropic-version" in listed[1].headers
            assert server.request("GET", "/v1/models", key=key).json["data"] == models and len(listed) == 2, "kept for a while"
            for name, status in (("zai-org/GLM-4.7", 200), ("box%2Fzai-org%2FGLM-4.7", 200), ("anything", 200), ("zhipu/glm-4.7", 404)):
                assert server.request("GET", "/v1/models/" + name, key=key).status == status, name
        finally:
            server.close()
            engine.close()

    def hanging_port(self):
        self.silent = socket.socket()
        self.silent.bind(("127.0.0.1", 0))
        self.silent.listen()
        return self.silent.getsockname()[1]

    def metrics_are_for_this_machine_or_who_has_the_token(self):
        config = '[metrics]\ntoken_env = "TEST_TOKEN"\n'
        for extra, env, headers, status in [("", {}, [], 200), ("", {}, [("X-Forwarded-For", "10.0.0.1")], 403),
                                            ("[metrics]\nopen = true\n", {}, [("X-Forwarded-For", "10.0.0.1")], 200),
                                            (config, {"TEST_TOKEN": "t0"}, [], 401), (config, {"TEST_TOKEN": "t0"}, [("Authorization", "Bearer t1")], 401),
                                            (config, {"TEST_TOKEN": "t0"}, [("Authorization", "Bearer t0"), ("Via", "1.1 x")], 200)]:
            server = harness.Server(self.program, extra, env=env, args=["--sandbox"])
            try:
                answer = server.request("GET", "/metrics", headers=headers)
                assert answer.status == status, (extra, headers, answer.status)
            finally:
                server.close()

    def metrics_may_have_a_listener_of_their_own(self):
        server = harness.Server(self.program, '[metrics]\nlisten = "127.0.0.1:0"\n', args=["--sandbox"])
        try:
            assert server.request("GET", "/metrics").status == 404
            port = int(server.log().split("metrics: http://127.0.0.1:")[1].split("/")[0])
            server.port = port
            assert server.request("GET", "/metrics").status == 200
            assert server.request("GET", "/readyz").status == 200
            assert server.request("POST", "/v1/chat/completions", ask()).status == 404
        finally:
            assert server.close() == 0

    def a_second_start_tells_how_to_get_a_key(self):
        server = harness.Server(self.program, args=["--sandbox"])
        try:
            server.stop()
            server.start()
            assert "1 key; `glmgate keys create --user NAME --data " in server.log(), server.log()
        finally:
            server.close()

    def the_log_says_who_where_and_when(self):
        self.plan = USED_UP
        config = ONE_KEY.format(port=self.upstream.port, paid="spill") + '[log]\nlevel = "debug"\nformat = "{}"\n'
        for form in ("json", "logfmt"):
            server = harness.Server(self.program, config.format(form), env={"TEST_UPSTREAM_KEY": "upid.upsecret"})
            try:
                key = server.key("ada")["key"]
                assert self.chat(server, key)[0].status == 200
                server.request("POST", "/s/money/v1/messages?secret=canary-query", {"model": "glm-4.7"}, "sk-wrong")
                server.request("GET", "/canary-path", key=key)
                server.stop()
                log = server.log()
                assert "canary" not in log and "upsecret" not in log and key not in log, log
                if form == "json":
                    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
                    exchanges = [line for line in lines if line["at"] == "exchange"]
                    good, = [line for line in exchanges if line["status"] == 200]
                    bad, = [line for line in exchanges if "{service}" in line["path"]]
                    lost, = [line for line in exchanges if line["status"] == 404]
                    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", good["time"]), good
                    assert good["addr"].startswith("127.0.0.1:") and good["user"] == "ada" and good["path"] == "/v1/chat/completions", good
                    assert bad["path"] == "/s/{service}/v1/messages" and bad["status"] == 401 and "first_ms" not in bad, bad
                    assert lost["path"] == "-" and lost["status"] == 404, lost
                    tried = [(line["try"], line["upstream"], line.get("glm_code")) for line in lines if line["at"] == "attempt"]
                    assert tried == [(1, "plan", "1308"), (2, "money", None)], tried
                else:
                    assert re.search(r"time=\S+\.\d{3}Z level=info at=exchange id=\S+ addr=127.0.0.1:\d+ path=/v1/chat/completions key=\S+ user=ada", log), log
                    assert "level=debug at=attempt" in log and "first_ms=-1" not in log, log
            finally:
                server.close()

    def metrics_tell_of_upstreams_and_money(self):
        self.plan = USED_UP
        server, key = self.one_key("spill")
        try:
            assert self.chat(server, key)[0].status == 200
            page, until = "", time.monotonic() + 2 * harness.SLOW
            while "glmgate_cost_total{" not in page and time.monotonic() < until:  # it is counted once the answer is out
                page = server.request("GET", "/metrics").body.decode()
            for pattern in (r'glmgate_upstream_resting_seconds\{glmgate_upstream="plan"\} [1-9]', r'glmgate_cost_total\{glmgate_upstream="money",.*currency="USD"\} 0\.\d*[1-9]',
                            r'gen_ai_server_request_duration_seconds_bucket\{glmgate_upstream="money",.*le="600"\} 1', r"process_resident_memory_bytes [1-9]",
                            r'glmgate_upstream_slots_in_use\{glmgate_upstream="money"\} 0\n', r'glmgate_build_info\{version="'):
                assert re.search(pattern, page), pattern + "\n" + page
        finally:
            server.close()

    def warnings_have_an_end(self):
        tools = [{"type": f"odd_{i}", "x": 1} for i in range(100)] + [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
        server, key = self.one_key("spill")
        self.plan = None
        try:
            answer = server.request("POST", "/v1/chat/completions", {**ask(), "tools": tools}, key)
            assert answer.status == 200, answer.body
            head = answer.headers["glmgate-warning"].split("\n")
            assert 0 < len(head) <= 21 and head[-1].startswith("and "), head
        finally:
            server.close()

    def the_start_tells_where_keys_are_from(self):
        env = {"ZAI_API_KEY": "\"sk-ant-canary-77\"", "ZHIPU_CODING_API_KEY": "0123456789abcdef.ABCDEFGH"}
        server = harness.Server(self.program, env=env)
        try:
            log = server.log()
            assert "upstreams: zai-coding (ZAI_API_KEY), zhipu-coding (ZHIPU_CODING_API_KEY), zai (ZAI_API_KEY; only if it has no plan)" in log, log
            assert "looks like one of Anthropic" in log and "quotes" in log and "canary" not in log, log
        finally:
            server.close()


def main():
    tests = Tests(sys.argv[1])
    results = harness.Results("routes")
    names = [name for name in vars(Tests) if not name.startswith("_") and name not in ("answer", "asked", "chat", "one_key", "hanging_port")]
    for name in sys.argv[2:] or names:
        results.run(name, getattr(tests, name))
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
