"""anthropic for Python against a running glmgate. Prints a test's name, and after a tab why it failed."""
import os

import anthropic
from anthropic import Anthropic

sandbox = Anthropic(base_url=os.environ["SANDBOX_URL"], api_key=os.environ["SANDBOX_KEY"], max_retries=0)
scripted = Anthropic(base_url=os.environ["SCRIPTED_URL"], api_key=os.environ["SCRIPTED_KEY"])
HELLO = [{"role": "user", "content": "Hello!"}]
MODEL = "claude-haiku-4-5"
TRANSLATED = os.environ["WAY"] == "translated to glm"


def tool(name):
    return {"name": name, "description": "d", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


def say(directive):
    return [{"role": "user", "content": "sandbox: " + directive}]


def ask(client=sandbox, messages=HELLO, **more):
    return client.messages.create(model=more.pop("model", MODEL), max_tokens=more.pop("max_tokens", 500), messages=messages, **more)


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("nothing was raised")


def plain():
    answer = ask()
    assert answer.type == "message" and answer.role == "assistant"
    assert answer.model == (MODEL if TRANSLATED else "glm-4.5-air")
    assert answer.content[0].type == "text" and answer.content[0].text and answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


def stream():
    with sandbox.messages.stream(model=MODEL, max_tokens=500, messages=HELLO) as events:
        text = "".join(events.text_stream)
        final = events.get_final_message()
    assert text == ask().content[0].text == final.content[0].text
    assert final.stop_reason == "end_turn" and final.usage.output_tokens > 0


def thinking():
    answer = ask(thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000)
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].thinking and answer.content[0].signature.startswith("glm1." if TRANSLATED else "")
    again = ask(messages=HELLO + [{"role": "assistant", "content": answer.content}, {"role": "user", "content": "And?"}],
                thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=2000)
    assert again.stop_reason == "end_turn"


def tools():
    first = say('call get_weather {"city":"Oslo"}')
    answer = ask(messages=first, tools=[tool("get_weather")])
    call = answer.content[0]
    assert answer.stop_reason == "tool_use" and call.name == "get_weather" and call.input == {"city": "Oslo"}
    after = ask(tools=[tool("get_weather")], messages=first + [
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "3 degrees"}]}]}])
    assert after.stop_reason == "end_turn" and "3 degrees" in after.content[0].text


def parallel_tools():
    answer = ask(messages=say('call a {"city":"x"}; call b {"city":"y"}'), tools=[tool("a"), tool("b")])
    assert [(block.name, block.input) for block in answer.content] == [("a", {"city": "x"}), ("b", {"city": "y"})]


def streamed_tools():
    with sandbox.messages.stream(model=MODEL, max_tokens=500, tools=[tool("a"), tool("b")],
                                 messages=say('call a {"city":"x"}; call b {"city":"y"}')) as events:
        final = events.get_final_message()
    assert [(block.name, block.input) for block in final.content] == [("a", {"city": "x"}), ("b", {"city": "y"})]


def tool_runner():
    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """Tells the weather.

        Args:
            city: where
        """
        return f"3 degrees in {city}"

    runner = sandbox.beta.messages.tool_runner(model=MODEL, max_tokens=500, tools=[get_weather],
                                               messages=say('call get_weather {"city":"Oslo"}'))
    final = runner.until_done()
    assert "3 degrees in Oslo" in final.content[0].text, final


def thread_is_refused():
    error = raises(anthropic.BadRequestError, lambda: sandbox.beta.messages.create(
        model=MODEL, max_tokens=500, messages=HELLO, betas=["message-threads-2026-08-12"],
        extra_body={"thread": {"type": "continue", "previous_message_id": "msg_1"}}))
    assert error.body["error"]["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}, error.body


def stop_sequence():
    answer = ask(messages=say('say "one END two"'), stop_sequences=["END"])
    assert (answer.content[0].text, answer.stop_reason, answer.stop_sequence) == ("one ", "stop_sequence", "END")


def max_tokens():
    assert ask(messages=say("length 50"), max_tokens=5).stop_reason == "max_tokens"


def count_tokens():
    assert sandbox.messages.count_tokens(model=MODEL, messages=HELLO).input_tokens > 0


def models():
    ids = [model.id for model in sandbox.models.list(limit=100)]
    assert "glm-4.7" in ids and sandbox.models.retrieve("glm-4.7").id == "glm-4.7"


def wrong_key():
    client = Anthropic(base_url=os.environ["SANDBOX_URL"], api_key="sk-wrong")
    raises(anthropic.AuthenticationError, lambda: ask(client))


def unknown_model():
    error = raises(anthropic.NotFoundError, lambda: ask(model="nope-1"))
    assert error.body["error"]["type"] == "not_found_error"


def bad_request():
    error = raises(anthropic.BadRequestError, lambda: ask(messages=[{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]))
    assert error.body["error"]["type"] == "invalid_request_error"


def retries():
    assert ask(scripted, model="throttled-anthropic-python").content[0].text == "after all"


def no_retries():
    error = raises(anthropic.APIStatusError, lambda: ask(scripted, model="broke-anthropic-python"))
    assert error.status_code == 402 and error.body["error"]["type"] == "billing_error"


def cut():
    def read():
        with scripted.messages.stream(model="cut-anthropic-python", max_tokens=50, messages=HELLO) as events:
            for _ in events:
                pass
    raises(anthropic.APIError, read)


TESTS = {"plain": plain, "stream": stream, "thinking": thinking, "tools": tools, "parallel tools": parallel_tools, "streamed tools": streamed_tools,
         "tool runner": tool_runner, "a thread is refused": thread_is_refused,
         "stop sequence": stop_sequence, "max tokens": max_tokens, "count tokens": count_tokens, "models": models, "wrong key": wrong_key,
         "unknown model": unknown_model, "bad request": bad_request, "429 retries as told": retries,
         "no retry of what will not heal": no_retries, "cut stream raises": cut}

for name, test in TESTS.items():
    if name not in os.environ["TESTS"].split("\n"):
        continue
    try:
        test()
        print(name, flush=True)
    except Exception as error:  # noqa: BLE001
        print(f"{name}\t{type(error).__name__}: {error}".replace("\n", " "), flush=True)
