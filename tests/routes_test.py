#!/usr/bin/env python3
"""Where requests go over time: plans, money, engines' own lists of models."""
import sys

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
    names = [name for name in vars(Tests) if not name.startswith("_") and name not in ("answer", "asked", "chat", "one_key")]
    for name in sys.argv[2:] or names:
        results.run(name, getattr(tests, name))
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
