"""What any answer says, and whether a stream keeps its dialect's rules: each reader asserts what a client could rely on.

A reader takes (event name, data) pairs and gives an Answer. `broken`: the stream must have ended with an error.
"""
import json


class Answer:
    def __init__(self):
        self.text = self.thinking = ""
        self.tools = []              # {"id", "name", "input"}; input is JSON, or text if that is not JSON
        self.stop = None

    def tool(self, identifier, name, text):
        assert identifier and name, f"a call without id or name: {identifier!r} {name!r}"
        try:
            text = json.loads(text)
        except ValueError:
            pass
        self.tools.append({"id": identifier, "name": name, "input": text})


def named_events(body):
    """(event name or None, data) of each event; comments left out."""
    events = []
    for block in body.decode().split("\n\n"):
        fields = [line.split(":", 1) for line in block.split("\n") if line and not line.startswith(":")]
        assert all(name in ("event", "data") for name, _ in fields), f"a field besides event and data: {block!r}"
        if fields:
            values = dict((name, value.removeprefix(" ")) for name, value in fields)
            events.append((values.get("event"), values["data"]))
    return events


def dialect_of(path):
    path = path.partition("?")[0]
    return "messages" if path.endswith("/messages") else "complete" if path.endswith("/complete") \
        else "responses" if path.endswith("/responses") else "glm" if "/paas/" in path else "chat"


def read_stream(path, body, broken):
    dialect = dialect_of(path)
    reader = {"messages": messages, "complete": complete, "responses": responses}.get(dialect)
    events = named_events(body)
    return reader(events, broken) if reader else chat(events, broken, dialect == "glm")


def chat(events, broken, is_glm):
    answer, calls, finish, same = Answer(), [], None, None
    assert all(name is None for name, _ in events), "chat events have no names"
    for n, (_, data) in enumerate(events):
        if data == "[DONE]":
            assert n == len(events) - 1 and not broken, "[DONE] before the end, or after an error"
            assert finish, "[DONE] without a finish_reason"
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            assert broken and n == len(events) - 1, "an error that is not the last event"
            continue
        same = same or (chunk["id"], chunk["created"], chunk["model"])
        assert same == (chunk["id"], chunk["created"], chunk["model"]), "id, created and model are one stream's"
        assert is_glm or chunk["object"] == "chat.completion.chunk", "object"
        if not chunk["choices"]:
            assert finish and chunk["usage"], "a chunk without choices is the usage, after the finish"
            continue
        assert not finish, "a choice after the finish"
        assert len(chunk["choices"]) == 1 and chunk["choices"][0]["index"] == 0, "one choice"
        delta = chunk["choices"][0]["delta"]
        answer.text += delta.get("content") or ""
        answer.thinking += delta.get("reasoning_content") or ""
        for call in delta.get("tool_calls") or []:
            if call.get("type") == "custom":
                assert call["index"] == len(calls) and call["id"] and call["custom"]["name"], "a custom call is whole"
                calls.append([call["id"], call["custom"]["name"], call["custom"]["input"]])
                continue
            if call["index"] == len(calls):
                assert call["type"] == "function" and call["id"] and call["function"]["name"], "a call starts with its name"
                calls.append([call["id"], call["function"]["name"], ""])
            else:
                assert call["index"] < len(calls), "calls count up"
                assert "id" not in call and "name" not in call["function"], "id and name come once"
            calls[call["index"]][2] += call["function"].get("arguments") or ""
        finish = chunk["choices"][0].get("finish_reason")
        known = ["stop", "length", "tool_calls", "content_filter"]
        known += ["sensitive", "model_context_window_exceeded"] if is_glm else []
        assert finish is None or finish in known, f"finish_reason {finish}"
    assert broken or events[-1][1] == "[DONE]", "the last event is [DONE]"
    for call in calls:
        answer.tool(*call)
    answer.stop = finish
    return answer


def messages(events, broken):
    answer, block, pieces, blocks, started, stopped = Answer(), None, "", 0, False, False
    signed = False
    fits = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking"),
            "tool_use": ("input_json_delta", "partial_json")}
    for n, (name, data) in enumerate(events):
        event = json.loads(data)
        kind = event["type"]
        assert name == kind, f"event {name} has type {kind}"
        last = n == len(events) - 1
        if kind == "ping":
            continue
        if kind == "error":
            assert broken and last, "an error that is not the last event"
            assert event["error"]["type"] and event["error"]["message"], "the error says what"
            continue
        assert started != (kind == "message_start"), "message_start comes once, first"
        assert not stopped or kind == "message_stop", "something after message_delta"
        if kind == "message_start":
            message, started = event["message"], True
            assert message["type"] == "message" and message["role"] == "assistant" and message["content"] == [], "message_start"
            assert message["stop_reason"] is None and "output_tokens" in message["usage"], "message_start"
        elif kind == "content_block_start":
            assert block is None and event["index"] == blocks, "one block at a time, counting up"
            block, pieces, signed = event["content_block"], "", False
            assert block["type"] != "tool_use" or block["input"] == {}, "input starts empty"
            assert not (block.get("text") or block.get("thinking")), "a block starts empty"
        elif kind == "content_block_delta":
            assert block and event["index"] == blocks and not signed, "a delta of the open block, before its signature"
            delta = event["delta"]
            if delta["type"] == "signature_delta":
                assert block["type"] == "thinking" and delta["signature"], "a signature of thinking"
                signed = True
                continue
            wanted, field = fits[block["type"]]
            assert delta["type"] == wanted, f"{delta['type']} in a block of {block['type']}"
            pieces += delta[field]
        elif kind == "content_block_stop":
            assert block and event["index"] == blocks, "the open block stops"
            if block["type"] == "text":
                assert pieces, "an empty text block"
                answer.text += pieces
            elif block["type"] == "thinking":
                assert signed, "thinking without a signature"
                answer.thinking += pieces
            elif block["type"] == "tool_use":
                pieces = pieces or "{}"
                assert isinstance(json.loads(pieces), dict), "the input is an object"
                answer.tool(block["id"], block["name"], pieces)
            block, blocks = None, blocks + 1
        elif kind == "message_delta":
            assert block is None, "a block is open"
            answer.stop, stopped = event["delta"]["stop_reason"], True
            assert "output_tokens" in event["usage"], "usage"
            assert (answer.stop == "stop_sequence") == (event["delta"]["stop_sequence"] is not None), "stop_sequence"
            assert answer.stop != "tool_use" or answer.tools, "tool_use without a tool"
        elif kind == "message_stop":
            assert stopped and last, "message_stop is last, after message_delta"
        else:
            raise AssertionError(f"an unknown event {kind}")
    if broken:
        answer.text += pieces if block and block["type"] == "text" else ""
        return answer
    assert json.loads(events[-1][1])["type"] == "message_stop", "the last event is message_stop"
    return answer


def complete(events, broken):
    answer = Answer()
    for n, (name, data) in enumerate(events):
        event = json.loads(data)
        assert name == event["type"] and name in ("completion", "ping", "error"), f"event {name}"
        last = n == len(events) - 1
        if name == "error":
            assert broken and last, "an error that is not the last event"
        if name != "completion":
            continue
        assert answer.stop is None, "something after the end"
        answer.text += event["completion"]
        answer.stop = event["stop_reason"]
        assert answer.stop in (None, "stop_sequence", "max_tokens"), f"stop_reason {answer.stop}"
        assert (event["stop"] is not None) == (answer.stop == "stop_sequence"), "stop"
    assert broken or answer.stop, "no end"
    return answer


class Responses:
    """One event after the other; `output` is what is done."""

    PARTS = {"response.output_text": ("output_text", "text"), "response.refusal": ("refusal", "refusal"),
             "response.reasoning_text": ("reasoning_text", "text"),
             "response.reasoning_summary_text": ("summary_text", "text")}
    CALLS = {"response.function_call_arguments": ("function_call", "arguments"),
             "response.custom_tool_call_input": ("custom_tool_call", "input")}

    def __init__(self):
        self.output, self.item, self.part, self.text, self.response = [], None, None, "", None
        self.counts = {}             # of parts in the open item
        self.has_text = False        # the open part's or call's text is done

    def event(self, n, name, event):
        assert event["type"] == name, f"event {name} has type {event['type']}"
        assert event["sequence_number"] == n, f"sequence_number {event['sequence_number']} of event {n}"
        assert self.response is None, "something after the end"
        assert (n == 0) == (name == "response.created"), "response.created comes once, first"
        if name in ("response.created", "response.in_progress"):
            assert event["response"]["status"] == "in_progress" and event["response"]["output"] == [], name
        elif name in ("response.completed", "response.incomplete", "response.failed"):
            self.end(name, event["response"])
        elif name == "response.output_item.added":
            assert self.item is None and event["output_index"] == len(self.output), "one item at a time, counting up"
            self.item, self.counts, self.text, self.has_text = event["item"], {}, "", False
            assert self.item["id"] and self.item["status"] == "in_progress", "an item starts"
            for list_name in ("content", "summary", "arguments", "input"):
                assert not self.item.get(list_name), f"{list_name} starts empty"
        else:
            assert self.item and event["output_index"] == len(self.output), f"{name} of the open item"
            if name == "response.output_item.done":
                self.end_item(event["item"])
            else:
                assert event["item_id"] == self.item["id"], "item_id"
                self.piece(name, event)

    def piece(self, name, event):
        family, _, verb = name.rpartition(".")
        if name.endswith("_part.added") or name.endswith("_part.done"):
            kind = "summary" if "summary" in name else "content"
            assert event[kind + "_index"] == self.counts.get(kind, 0), f"{kind}_index"
            part = event["part"]
            field = "refusal" if part["type"] == "refusal" else "text"
            if verb == "added":
                assert self.part is None and part[field] == "", "one part at a time, starting empty"
                self.part, self.text, self.has_text = part, "", False
            else:
                assert self.part["type"] == part["type"] and self.has_text and part[field] == self.text, "the part that came"
                self.part = None
                self.counts[kind] = self.counts.get(kind, 0) + 1
            return
        holder, field = (self.PARTS | self.CALLS)[family]
        assert (self.part if family in self.PARTS else self.item)["type"] == holder, f"{name} belongs to what is open"
        assert not self.has_text, "text after its end"
        if verb == "delta":
            self.text += event["delta"]
        else:
            assert verb == "done" and event[field] == self.text, "the text that came"
            self.has_text = True

    def end_item(self, item):
        assert self.part is None, "a part is open"
        assert item["id"] == self.item["id"] and item["type"] == self.item["type"], "the item that was added"
        assert item["status"] in ("completed", "incomplete"), "an item's status"
        for list_name, count in self.counts.items():
            assert len(item[list_name]) == count, f"{list_name} that came"
        field = {"function_call": "arguments", "custom_tool_call": "input"}.get(item["type"])
        assert field is None or (self.has_text and item[field] == self.text), "the arguments that came"
        self.output.append(item)
        self.item = None

    def end(self, name, response):
        assert response["object"] == "response" and response["status"] == name[9:], "the status of the event"
        assert (response["error"] is not None) == (name == "response.failed"), "an error if it failed"
        assert (response["incomplete_details"] is not None) == (name == "response.incomplete"), "incomplete_details"
        if name != "response.failed":
            assert self.item is None, "an item is open"
            assert response["output"] == self.output, "output is the items that were done"
            usage = response["usage"]
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"], "usage"
        self.response = response


def responses(events, broken):
    reader = Responses()
    for n, (name, data) in enumerate(events):
        reader.event(n, name, json.loads(data))
    assert reader.response, "no end"
    assert broken == (reader.response["status"] == "failed"), "the end"
    if not broken:
        return read_document(reader.response)
    answer = read_document({"object": "response", "status": "failed", "output": reader.output})
    answer.text += reader.text if reader.part and reader.part["type"] == "output_text" else ""
    return answer


def read_document(document):
    """A whole answer, in any dialect."""
    answer = Answer()
    if "choices" in document:
        message = document["choices"][0]["message"]
        answer.text, answer.thinking = message.get("content") or "", message.get("reasoning_content") or ""
        answer.stop = document["choices"][0]["finish_reason"]
        for call in message.get("tool_calls") or []:
            if call["type"] == "custom":
                answer.tool(call["id"], call["custom"]["name"], call["custom"]["input"])
            else:
                answer.tool(call["id"], call["function"]["name"], call["function"]["arguments"])
    elif document.get("type") == "message":
        answer.stop = document["stop_reason"]
        for block in document["content"]:
            answer.text += block.get("text", "")
            answer.thinking += block.get("thinking", "")
            if block["type"] == "tool_use":
                answer.tool(block["id"], block["name"], json.dumps(block["input"]))
    elif document.get("type") == "completion":
        answer.text, answer.stop = document["completion"], document["stop_reason"]
    elif document.get("object") == "response":
        answer.stop = (document.get("incomplete_details") or {}).get("reason", document["status"])
        for item in document["output"]:
            parts = item.get("content") or []
            answer.text += "".join(p.get("text", "") for p in parts if p["type"] == "output_text")
            answer.thinking += "".join(p["text"] for p in item.get("summary") or parts if p["type"].startswith(("summ", "reas")))
            if "call_id" in item and not item["type"].endswith("output"):
                answer.tool(item["call_id"], item["name"], item.get("arguments", item.get("input")))
    return answer
