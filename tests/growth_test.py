#!/usr/bin/env python3
"""What a client or an upstream sends costs CPU in proportion to its size, whatever its shape.

usage: growth_test.py PROGRAM [--only WORDS] [--sizes 1,2,4,8] [--list]

Each shape is sent at several sizes, in MB, and the program's CPU time is read from /proc. A shape fails if its cost grows much faster
than its size, or if 1 MB holds a worker for longer than it may. Other processes do not count. What is suspicious is measured again, and
then without the system's share: what a fresh page costs depends on which pages the system has.
"""
import json
import math
import os
import pathlib
import socket
import sys
import threading
import time

import harness

MB = 1_000_000
FLOOR = 0.04                     # seconds of CPU below which a ratio says nothing
STEEPEST = 2.5                   # from one size to its double, of all sizes together; linear is 2
STEEPEST_STEP = 3.2              # of the last two: full caches make some steps dearer
PATIENCE = 0.1 * harness.SLOW    # seconds of CPU for 1 MB
ANSWER_PATIENCE = 4 * PATIENCE   # of an upstream's answer, which is read in pieces: others are served between them
ENOUGH_RUNS = 5                  # for their own CPU, which is counted in ticks
MOST_RUNS = 30
MOST_SPENT = 60                  # seconds of CPU, of one shape
TICKS = os.sysconf("SC_CLK_TCK")
MOST_HELD = 2                    # times max_body_memory: the last one let in may overdraw it

CONFIG = """
[server]
workers = 1
[responses]
store = true
[upstream.chat]
url = "http://127.0.0.1:{port}/v1"
speaks = ["openai_chat"]
[upstream.messages]
url = "http://127.0.0.1:{port}/v1"
speaks = ["anthropic_messages"]
[upstream.responses]
url = "http://127.0.0.1:{port}/v1"
speaks = ["openai_responses"]
[upstream.play]
provider = "sandbox"
[sandbox]
first_token = "0ms"
tokens_per_second = 0
"""


# Bodies: `whole(element, size)` is one of about `size` bytes with the element in it as often as it takes. `#` in an element is its number.

def filled(head, element, tail, size, between=","):
    room = size - len(head) - len(tail)
    each = len((element + between).encode())
    if "#" in element:
        before, after = element.split("#", 1)
        count = max(1, room // (each + 6))
        if "#" in after:
            inner = [element.replace("#", str(i)) for i in range(count)]
        else:
            inner = [f"{before}{i}{after}" for i in range(count)]
        return head + between.join(inner) + tail
    return head + between.join([element] * max(1, room // each)) + tail


def text(escaped, head="", tail=""):
    """A JSON string made of one piece."""
    return lambda a, z, size: filled(a + '"' + head, escaped, tail + '"' + z, size, "")


def array(element):
    return lambda a, z, size: filled(a + "[", element, "]" + z, size)


def members(element):
    return lambda a, z, size: filled(a + "{", element, "}" + z, size)


def deep(a, z, size):
    return filled(a + "[", "[" * 40 + "]" * 40, "]" + z, size)


def number(a, z, size):
    return filled(a, "1", z, size, "")


# JSON values of any kind: for fields nobody reads.
VALUES = {
    "letters": text("a"),
    "line ends": text("\\n"),
    "accents": text("\\u00e9"),
    "pairs": text("\\ud83d\\ude00"),
    "backslashes": text("\\\\"),
    "characters": text("漢"),
    "spaces": lambda a, z, size: filled(a + "[", " ", "]" + z, size, ""),
    "numbers": array("1.5e3"),
    "digits": number,
    "keys": members('"k#":1'),
    "escaped keys": members('"\\u0061#":1'),
    "alike keys": members('"' + "k" * 200 + '#":1'),
    "small objects": array('{"a":1,"b":2}'),
    "objects of 17": array("{" + ",".join(f'"k{i}":1' for i in range(17)) + "}"),
    "depth": deep,
    "empty arrays": array("[]"),
}

CALL = '{"id":"c#","type":"function","function":{"name":"f","arguments":"{}"}}'
SCHEMA = {
    "properties": lambda a, z, size: filled(a + '{"type":"object","properties":{', '"p#":{"type":"string"}', "}}" + z, size),
    "required": lambda a, z, size: filled(a + '{"type":"object","required":[', '"p#"', "]}" + z, size),
    "dependents": lambda a, z, size: filled(a + '{"type":"object","required":["p0"],"dependentRequired":{', '"p#":["p#","q#"]', "}}" + z, size),
    "all of": lambda a, z, size: filled(a + '{"$defs":{"a":{"type":"object","required":["x"]}},"allOf":[', '{"$ref":"#/$defs/a"}'.replace("#", "\\u0023"), "]}" + z, size),
    "enum": lambda a, z, size: filled(a + '{"type":"array","minItems":64,"items":{"type":"array","minItems":64,"items":{"enum":[', '"v#"', "]}}}" + z, size),
    "const": lambda a, z, size: filled(a + '{"type":"array","minItems":64,"items":{"type":"array","minItems":64,"items":{"const":"', "v", '"}}}' + z, size, ""),
    "pattern": lambda a, z, size: filled(a + '{"type":"string","pattern":"[', "a", ']{200}"}' + z, size, ""),
    "any of": lambda a, z, size: filled(a + '{"anyOf":[', '{"type":"null"}', "]}" + z, size),
}

SAY = '{"role":"user","content":"hi"}'


def chat_shapes():
    head, tail = '{"model":"MODEL","max_tokens":9,"messages":[', "]}"
    user = head + '{"role":"user","content":'
    past = head + SAY + ',{"role":"assistant","content":"x","tool_calls":'
    about = '{"model":"MODEL","max_tokens":9,"messages":[' + SAY + "],"
    named = '{"type":"function","function":{"name":"f","parameters":{}}}'
    shapes = {
        "messages": lambda size: filled(head, SAY, tail, size),
        "systems": lambda size: filled(head + SAY + ",", '{"role":"system","content":"hi"}', tail, size),
        "assistants": lambda size: filled(head + SAY + ",", '{"role":"assistant"}', tail, size),
        "large messages": lambda size: filled(head, '{"role":"user","content":"' + "a" * 2000 + '"}', tail, size),
        "parts": lambda size: array('{"type":"text","text":"a"}')(user, "}" + tail, size),
        "images": lambda size: array('{"type":"image_url","image_url":{"url":"https://x/#"}}')(user, "}" + tail, size),
        "system parts": lambda size: array('{"type":"text","text":"a"}')(head + '{"role":"system","content":', "}," + SAY + tail, size),
        "unknown parts": lambda size: array('{"type":"hologram#"}')(user, "}" + tail, size),
        "calls": lambda size: array(CALL)(past, "}," + SAY + tail, size),
        "calls without type": lambda size: array('{"function":{"name":"f"}}')(past, "}," + SAY + tail, size),
        "calls with objects": lambda size: array('{"id":"c#","function":{"name":"f","arguments":{"a":1}}}')(past, "}," + SAY + tail, size),
        "calls of other names": lambda size: array('{"id":"c#","function":{"name":"n/#"}}')(past, "}," + SAY + tail, size),
        "long arguments": lambda size: filled(past + '[{"id":"c","function":{"name":"f","arguments":"{\\"a\\":[', "1", ']}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}' + tail, size),
        "results": lambda size: filled(head + SAY + ',{"role":"assistant","content":"x","tool_calls":[', CALL,
                                       "]}," + ",".join('{"role":"tool","tool_call_id":"c%d","content":"r"}' % i for i in range(9000)) + tail, size),
        "thinking blocks": lambda size: array('{"type":"thinking","thinking":"t","signature":"s"}')(head + SAY + ',{"role":"assistant","content":"x","thinking_blocks":', "}," + SAY + tail, size),
        "tools": lambda size: array('{"type":"function","function":{"name":"f#","parameters":{}}}')(about + '"tools":', "}", size),
        "other tools": lambda size: array('{"type":"other#"}')(about + '"tools":', "}", size),
        "functions": lambda size: array('{"name":"f#"}')(about + '"functions":', "}", size),
        "chosen tools": lambda size: array('{"type":"function","function":{"name":"g#"}}')(
            about + '"tools":[' + named + ',{"type":"function","function":{"name":"h",' + ",".join('"m%d":1' % i for i in range(20000)) + '}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":', "}}}", size),
        "stop": lambda size: array('"s#"')(about + '"stop":', "}", size),
        "long stop": lambda size: text("s")(about + '"stop":', "}", size),
        "fields": lambda size: filled(about, '"k#":1', "}", size),
        "long model": lambda size: text("m")('{"messages":[' + SAY + '],"model":', "}", size),
        "keys of a message": lambda size: filled(head + '{"role":"user","content":"a",', '"k#":1', "}" + tail, size),
        "escaped type": lambda size: text("\\u0061")(user + '[{"text":"a","type":', "}]}" + tail, size),
        "escaped key": lambda size: filled(head + '{"role":"user","content":"a","', "\\u0061", '":1}' + tail, size, ""),
    }
    for name, value in VALUES.items():
        shapes["content of " + name] = lambda size, value=value: value(user, "}" + tail, size)
        shapes["metadata of " + name] = lambda size, value=value: value(about + '"metadata":', "}", size)
    for name, value in SCHEMA.items():
        shapes["tool with " + name] = lambda size, value=value: value(about + '"tool_choice":"required","tools":[{"type":"function","function":{"name":"call_it","parameters":', "}}]}", size)
        shapes["format with " + name] = lambda size, value=value: value(about + '"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":', "}}}", size)
    return shapes


def messages_shapes():
    head, tail = '{"model":"MODEL","max_tokens":9,"messages":[', "]}"
    user = head + '{"role":"user","content":'
    past = head + SAY + ',{"role":"assistant","content":'
    about = '{"model":"MODEL","max_tokens":9,"messages":[' + SAY + "],"
    use = '{"type":"tool_use","id":"u#","name":"f","input":{}}'

    def pairs(size):
        count = size // 110
        uses = ",".join('{"type":"tool_use","id":"u%d","name":"f","input":{}}' % i for i in range(count))
        results = ",".join('{"type":"tool_result","tool_use_id":"u%d","content":"r"}' % i for i in range(count))
        return past + "[" + uses + ']},{"role":"user","content":[' + results + "]}" + tail

    shapes = {
        "messages": lambda size: filled(head, SAY, tail, size),
        "systems": lambda size: filled(head + SAY + ",", '{"role":"system","content":"hi"}', tail, size),
        "assistants": lambda size: filled(head + SAY + ",", '{"role":"assistant","content":"a"}', tail, size),
        "blocks": lambda size: array('{"type":"text","text":"a"}')(user, "}" + tail, size),
        "images": lambda size: array('{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}')(user, "}" + tail, size),
        "documents": lambda size: array('{"type":"document","title":"t","source":{"type":"text","data":"d"}}')(user, "}" + tail, size),
        "document of blocks": lambda size: array('{"type":"text","text":"a"}')(user + '[{"type":"document","source":{"type":"content","content":', "}}]}" + tail, size),
        "search results": lambda size: array('{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"a"}]}')(user, "}" + tail, size),
        "unknown blocks": lambda size: array('{"type":"hologram#"}')(user, "}" + tail, size),
        "uses": lambda size: array(use)(past, "}" + tail, size),
        "uses and results": pairs,
        "uses of other names": lambda size: array('{"type":"tool_use","id":"u#","name":"n/#","input":{}}')(past, "}" + tail, size),
        "result of blocks": lambda size: array('{"type":"text","text":"a"}')(
            past + '[{"type":"tool_use","id":"u","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"u","content":', "}]}" + tail, size),
        "result of images": lambda size: array('{"type":"image","source":{"type":"url","url":"https://x/"}}')(
            past + '[{"type":"tool_use","id":"u","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"u","content":', "}]}" + tail, size),
        "thinking": lambda size: array('{"type":"thinking","thinking":"t","signature":"s"}')(past, "}," + SAY + tail, size),
        "server uses": lambda size: array('{"type":"server_tool_use","id":"s#","name":"web_search","input":{"query":"q"}}')(past, "}," + SAY + tail, size),
        "web results": lambda size: array('{"type":"web_search_result","url":"u","title":"t"}')(past + '[{"type":"web_search_tool_result","tool_use_id":"s","content":', "}]}," + SAY + tail, size),
        "system blocks": lambda size: array('{"type":"text","text":"a"}')(about + '"system":', "}", size),
        "tools": lambda size: array('{"name":"f#","input_schema":{}}')(about + '"tools":', "}", size),
        "server tools": lambda size: array('{"type":"web_search_2025#","name":"s#"}')(about + '"tools":', "}", size),
        "stops": lambda size: array('"s#"')(about + '"stop_sequences":', "}", size),
        "long stop": lambda size: array('"' + "s" * 100_000 + '"')(about + '"stop_sequences":', "}", size),
        "escaped name": lambda size: text("\\u0061")(about + '"tools":[{"input_schema":{},"name":', "}]}", size),
        "escaped type": lambda size: text("\\u0061")(user + '[{"text":"a","type":', "}]}" + tail, size),
    }
    for name, value in VALUES.items():
        shapes["content of " + name] = lambda size, value=value: value(user, "}" + tail, size)
        shapes["input of " + name] = lambda size, value=value: value(
            past + '[{"type":"tool_use","id":"u","name":"f","input":{"a":', '}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"u","content":"r"}]}' + tail, size)
        shapes["metadata of " + name] = lambda size, value=value: value(about + '"metadata":', "}", size)
    for name, value in SCHEMA.items():
        shapes["tool with " + name] = lambda size, value=value: value(about + '"tool_choice":{"type":"any"},"tools":[{"name":"call_it","input_schema":', "}]}", size)
    return shapes


def complete_shapes():
    head = '{"model":"MODEL","max_tokens_to_sample":9,"prompt":'
    return {
        "humans": lambda size: text("\\n\\nHuman:")(head, "}", size),
        "assistants": lambda size: text("\\n\\nAssistant:", "\\n\\nHuman: a")(head, "}", size),
        "both": lambda size: text("\\n\\nHuman: a\\n\\nAssistant: b")(head, "}", size),
        "line ends": lambda size: text("\\n", "\\n\\nHuman: a")(head, "}", size),
        "stops": lambda size: array('"s#"')(head + '"\\n\\nHuman: a","stop_sequences":', "}", size),
        "letters": lambda size: text("a", "\\n\\nHuman: ")(head, "}", size),
        "keys": lambda size: filled(head + '"a",', '"k#":1', "}", size),
        "metadata": lambda size: members('"k#":1')(head + '"a","metadata":', "}", size),
    }


def responses_shapes():
    head, tail = '{"model":"MODEL","input":[', "]}"
    user = head + '{"type":"message","role":"user","content":'
    about = '{"model":"MODEL","input":"hi",'
    item = '{"type":"message","role":"user","content":"a"}'

    def pairs(size):
        count = size // 140
        calls = ",".join('{"type":"function_call","call_id":"u%d","name":"f","arguments":"{}"}' % i for i in range(count))
        return head + calls + "," + ",".join('{"type":"function_call_output","call_id":"u%d","output":"r"}' % i for i in range(count)) + tail

    shapes = {
        "items": lambda size: filled(head, item, tail, size),
        "parts": lambda size: array('{"type":"input_text","text":"a"}')(user, "}" + tail, size),
        "images": lambda size: array('{"type":"input_image","image_url":"https://x/#"}')(user, "}" + tail, size),
        "calls and outputs": pairs,
        "output of parts": lambda size: array('{"type":"input_text","text":"a"}')(
            head + item + ',{"type":"function_call","call_id":"u","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"u","output":', "}" + tail, size),
        "arguments": lambda size: text("{", "{")(head + item + ',{"type":"function_call","call_id":"u","name":"f","arguments":', '},{"type":"function_call_output","call_id":"u","output":"r"}' + tail, size),
        "reasoning": lambda size: filled(head, '{"type":"reasoning","summary":[]}', "," + item + tail, size),
        "sealed": lambda size: text("A")(head + '{"type":"reasoning","summary":[],"encrypted_content":', "}," + item + tail, size),
        "references": lambda size: filled(head, '{"type":"item_reference","id":"m#"}', tail, size),
        "loaded tools": lambda size: array('{"type":"function","name":"f#"}')(head + item + ',{"type":"additional_tools","tools":', "}" + tail, size),
        "tools": lambda size: array('{"type":"function","name":"f#"}')(about + '"tools":', "}", size),
        "namespaces": lambda size: array('{"type":"namespace","name":"n#","tools":[]}')(about + '"tools":', "}", size),
        "namespace": lambda size: array('{"type":"function","name":"f#"}')(about + '"tools":[{"type":"namespace","name":"n","tools":', "}]}", size),
        "chosen tools": lambda size: array('{"type":"function","name":"f"}')(about + '"tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":', "}}", size),
        "grammar": lambda size: text("a")(about + '"tools":[{"type":"custom","name":"c","format":{"type":"grammar","syntax":"lark","definition":', "}}]}", size),
        "include": lambda size: array('"i#"')(about + '"include":', "}", size),
        "fields": lambda size: filled(about, '"k#":1', "}", size),
    }
    for name, value in VALUES.items():
        shapes["instructions of " + name] = lambda size, value=value: value(about + '"instructions":', "}", size)
        shapes["content of " + name] = lambda size, value=value: value(user, "}" + tail, size)
        shapes["metadata of " + name] = lambda size, value=value: value(about + '"metadata":', "}", size)
    for name, value in SCHEMA.items():
        shapes["tool with " + name] = lambda size, value=value: value(about + '"tool_choice":"required","tools":[{"type":"function","name":"call_it","parameters":', "}]}", size)
        shapes["format with " + name] = lambda size, value=value: value(about + '"text":{"format":{"type":"json_schema","name":"n","schema":', "}}}", size)
    return shapes


# What upstreams answer. Each gives the bytes after the head: a body, or events.

def event(data, kind=None):
    return (f"event: {kind}\n" if kind else "") + f"data: {data}\n\n"


def chat_chunk(delta):
    return event('{"choices":[{"index":0,"delta":' + delta + "}]}")


CHAT_END = event('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}') + event("[DONE]")


def chat_streams():
    begin = chat_chunk('{"role":"assistant","content":"x"}')
    one = '{"index":#,"id":"c#","type":"function","function":{"name":"f","arguments":"{}"}}'
    return {
        "letters": lambda size: filled(begin, chat_chunk('{"content":"a"}'), CHAT_END, size, ""),
        "calls": lambda size: filled(begin, chat_chunk('{"tool_calls":[' + one + "]}"), CHAT_END, size, ""),
        "calls at once": lambda size: filled(begin + 'data: {"choices":[{"index":0,"delta":{"tool_calls":[', one, "]}}]}\n\n" + CHAT_END, size),
        "calls of one id": lambda size: filled(begin, chat_chunk('{"tool_calls":[{"index":#,"id":"c","function":{"name":"f","arguments":"{}"}}]}'), CHAT_END, size, ""),
        "small arguments": lambda size: filled(begin + chat_chunk('{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\\"a\\":\\""}}]}'),
                                               chat_chunk('{"tool_calls":[{"index":0,"function":{"arguments":"a"}}]}'),
                                               chat_chunk('{"tool_calls":[{"index":0,"function":{"arguments":"\\"}"}}]}') + CHAT_END, size, ""),
        "two calls by turns": lambda size: filled(begin + chat_chunk('{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\\"a\\":\\""}},{"index":1,"id":"d","function":{"name":"f","arguments":"{\\"a\\":\\""}}]}'),
                                                  chat_chunk('{"tool_calls":[{"index":0,"function":{"arguments":"a"}},{"index":1,"function":{"arguments":"a"}}]}'),
                                                  chat_chunk('{"tool_calls":[{"index":0,"function":{"arguments":"\\"}"}},{"index":1,"function":{"arguments":"\\"}"}}]}') + CHAT_END, size, ""),
        "text and thought by turns": lambda size: filled(begin, chat_chunk('{"reasoning_content":"a"}') + chat_chunk('{"content":"b"}'), CHAT_END, size, ""),
        "choices": lambda size: filled('data: {"choices":[', '{"index":#,"delta":{"content":"a"}}', "]}\n\n" + CHAT_END, size),
        "long name": lambda size: filled(begin + 'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"', "a", '","arguments":"{}"}}]}}]}\n\n' + CHAT_END, size, ""),
        "depth": lambda size: filled(begin + 'data: {"x":[', "[" * 40 + "]" * 40, "]}\n\n" + CHAT_END, size),
        "comments": lambda size: filled(begin, ": a\n\n", CHAT_END, size, ""),
        "empty lines": lambda size: filled(begin, "\n", CHAT_END, size, ""),
        "data lines": lambda size: filled(begin + 'data: {"x":[\n', "data: 1,\n", "data: 1]}\n\n" + CHAT_END, size, ""),
        "one text": lambda size: filled(begin + 'data: {"choices":[{"index":0,"delta":{"content":"', "\\u00e9", '"}}]}\n\n' + CHAT_END, size, ""),
    }


def chat_wholes():
    one = '{"id":"c#","type":"function","function":{"name":"f","arguments":"{}"}}'
    head, tail = '{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":', '}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    return {
        "text": lambda size: text("a")(head, tail, size),
        "escapes": lambda size: text("\\u00e9")(head, tail, size),
        "calls": lambda size: filled(head + '"x","tool_calls":[', one, "]" + tail, size),
        "choices": lambda size: filled('{"choices":[', '{"index":#,"message":{"content":"a"},"finish_reason":"stop"}', "]}", size),
        "keys": lambda size: filled(head + '"x",', '"k#":1', tail, size),
        "depth": lambda size: deep(head + '"x","y":', tail, size),
    }


def messages_streams():
    begin = event('{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"m","usage":{"input_tokens":1,"output_tokens":1}}}', "message_start")
    end = event('{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}', "message_delta") + event('{"type":"message_stop"}', "message_stop")

    def block(body, delta):
        return (event('{"type":"content_block_start","index":#,"content_block":' + body + "}", "content_block_start")
                + event('{"type":"content_block_delta","index":#,"delta":' + delta + "}", "content_block_delta")
                + event('{"type":"content_block_stop","index":#}', "content_block_stop"))

    first = event('{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}', "content_block_start")
    return {
        "letters": lambda size: filled(begin + first, event('{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}', "content_block_delta"),
                                       event('{"type":"content_block_stop","index":0}', "content_block_stop") + end, size, ""),
        "texts": lambda size: filled(begin, block('{"type":"text","text":""}', '{"type":"text_delta","text":"a"}'), end, size, ""),
        "calls": lambda size: filled(begin, block('{"type":"tool_use","id":"u#","name":"f","input":{}}', '{"type":"input_json_delta","partial_json":"{}"}'), end, size, ""),
        "thoughts": lambda size: filled(begin, block('{"type":"thinking","thinking":""}', '{"type":"thinking_delta","thinking":"a"}'), end, size, ""),
        "pings": lambda size: filled(begin, event('{"type":"ping"}', "ping"), end, size, ""),
    }


def messages_wholes():
    head, tail = '{"id":"m","type":"message","role":"assistant","model":"m","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1},"content":[', "]}"
    return {
        "texts": lambda size: filled(head, '{"type":"text","text":"a"}', tail, size),
        "calls": lambda size: filled(head, '{"type":"tool_use","id":"u#","name":"f","input":{}}', tail, size),
        "thoughts": lambda size: filled(head, '{"type":"thinking","thinking":"a","signature":"s"}', tail, size),
        "one text": lambda size: text("a")(head + '{"type":"text","text":', "}" + tail, size),
    }


def responses_streams():
    begin = event('{"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","status":"in_progress","output":[]}}', "response.created")
    end = event('{"type":"response.completed","sequence_number":1,"response":{"id":"r","object":"response","status":"completed","output":[],"usage":{"input_tokens":1,"output_tokens":1}}}', "response.completed")
    return {
        "letters": lambda size: filled(begin, event('{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"a"}', "response.output_text.delta"), end, size, ""),
        "items": lambda size: filled(begin + event('{"type":"response.output_text.delta","delta":"a"}'),
                                     "", 'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r","object":"response","status":"completed","usage":{"input_tokens":1,"output_tokens":1},"output":['
                                     + ",".join('{"type":"message","id":"m%d","content":[]}' % i for i in range(size // 50)) + "]}}\n\n", 0),
    }


ANSWERS = {
    ("chat", True): chat_streams, ("chat", False): chat_wholes,
    ("messages", True): messages_streams, ("messages", False): messages_wholes,
    ("responses", True): responses_streams,
}


class Upstream:
    """Takes any request, and answers with `body` if there is one, else shortly in the path's protocol."""

    def __init__(self, waits=False):
        self.body = None
        self.waits = waits          # streams begin, and go on
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        buffer = bytearray(1 << 20)
        with connection:
            try:
                while self.one_request(connection, buffer):
                    pass
            except OSError:
                pass

    def one_request(self, connection, buffer):
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                return False
            head += data
        head, rest = head.split(b"\r\n\r\n", 1)
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        start, left = rest, length - len(rest)
        while left > 0:
            count = connection.recv_into(buffer, min(left, len(buffer)))
            if count == 0:
                return False
            left -= count
            start = start or bytes(buffer[:count])
        path = head.split(b" ", 2)[1].decode()
        stream = b"text/event-stream" in head
        body = (self.body or short_answer(path, stream)).encode()
        if self.waits:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + chat_chunk('{"content":"x"}').encode())
            connection.recv(1)
            return False
        kind = b"text/event-stream" if stream else b"application/json"
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return True


def short_answer(path, stream):
    if path.endswith("/messages"):
        return (messages_streams if stream else messages_wholes)()["texts"](1)
    if path.endswith("/responses"):
        whole = '{"id":"r","object":"response","status":"completed","output":[],"usage":{"input_tokens":1,"output_tokens":1}}'
        return responses_streams()["letters"](1) if stream else whole
    return (chat_streams()["letters"] if stream else chat_wholes()["text"])(1)


PATHS = {
    "chat": "/v1/chat/completions", "native": "/api/paas/v4/chat/completions", "messages": "/v1/messages", "count": "/v1/messages/count_tokens",
    "complete": "/v1/complete", "responses": "/v1/responses", "cursor": "/v1/chat/completions",
}
# Who asks, in which shapes, and where it goes.
ROUTES = [
    ("chat", chat_shapes, ["chat", "messages", "play"]),
    ("native", chat_shapes, ["chat"]),
    ("messages", messages_shapes, ["chat", "messages", "play"]),
    ("count", messages_shapes, ["messages"]),
    ("complete", complete_shapes, ["chat", "messages", "play"]),
    ("responses", responses_shapes, ["chat", "messages", "responses", "play"]),
    ("cursor", responses_shapes, ["chat"]),
]
ASKS = {
    "chat": '{"model":"MODEL","max_tokens":9,"stream":STREAM,"messages":[' + SAY + "]}",
    "messages": '{"model":"MODEL","max_tokens":9,"stream":STREAM,"messages":[' + SAY + '],"stop_sequences":["zz","z%"]}',
    "complete": '{"model":"MODEL","max_tokens_to_sample":9,"stream":STREAM,"prompt":"\\n\\nHuman: a"}',
    "responses": '{"model":"MODEL","stream":STREAM,"input":"hi"}',
}


def told(costs):
    return ", ".join(f"{size} MB: {cost * 1000:.0f} ms" for size, cost in costs.items())


class Growth:
    def __init__(self, program):
        self.upstream = Upstream()
        self.server = harness.Server(program, CONFIG.format(port=self.upstream.port))
        self.key = self.server.key()["key"]

    def cpu(self):
        """Seconds of CPU that the program has used: all, and its own without the system's (to 10 ms)."""
        process = pathlib.Path(f"/proc/{self.server.process.pid}")
        total = 0
        for task in (process / "task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                pass
        own = int((process / "stat").read_text().rsplit(")", 1)[1].split()[11])
        return total / 1e9, own / TICKS

    def cost(self, path, body, answer=None):
        """Of one request, as cpu() has it."""
        self.upstream.body = answer
        before = self.cpu()
        status = self.server.request("POST", path, body, self.key, timeout=120).status
        after = self.cpu()
        assert status != 0, "no answer"
        assert status < 500 or status == 502, f"status {status}"
        return after[0] - before[0], after[1] - before[1]

    def judge(self, measure, sizes):
        """`measure(size)` as cost() has it, for each size in MB; what is wrong with them, or nothing."""
        costs = {size: [] for size in sizes}
        spent = 0
        for runs in range(1, MOST_RUNS + 1):
            for size in sizes:
                costs[size].append(measure(size))
                spent += costs[size][-1][0]
            least = {size: min(total for total, _ in costs[size]) for size in sizes}
            own = {size: sum(own for _, own in costs[size]) / runs for size in sizes}
            wrong = self.too_long(least) or self.too_steep(least, sizes)
            if wrong and runs >= ENOUGH_RUNS:
                wrong = self.too_long(least) or self.too_steep(own, sizes)
            if not wrong or (spent > MOST_SPENT and runs >= ENOUGH_RUNS):
                return wrong
        return wrong

    def too_long(self, costs):
        if 1 in costs and costs[1] > self.patience:
            return f"1 MB may take {self.patience * 1000:.0f} ms: {told(costs)}"
        return ""

    def too_steep(self, costs, sizes):
        for small, large, most in [(sizes[0], sizes[-1], STEEPEST), (sizes[-2], sizes[-1], STEEPEST_STEP)]:
            doublings = math.log2(large / small)
            if costs[large] > FLOOR and costs[large] > max(costs[small], FLOOR / 8) * most ** doublings:
                return f"it grows faster than its size: {told(costs)}"
        return ""

    def ask_shape(self, client, shape, target, sizes):
        self.patience = PATIENCE
        model = "play/glm-4.7" if target == "play" else target + "/m"

        bodies = {size: shape(size * MB).replace("MODEL", model, 1).encode() for size in sizes}
        return self.judge(lambda size: self.cost(PATHS[client], bodies[size]), sizes)

    def answer_shape(self, client, stream, target, shape, sizes):
        body = ASKS[client].replace("MODEL", target + "/m").replace("STREAM", "true" if stream else "false")
        answers = {size: shape(size * MB) for size in sizes}
        self.patience = ANSWER_PATIENCE
        return self.judge(lambda size: self.cost(PATHS[client], body, answers[size]), sizes)

    def stored(self, sizes):
        """A short request that goes on from a long stored conversation."""
        self.patience = PATIENCE
        ids = {}
        for size in sizes:
            body = responses_shapes()["items" if size == 0 else "parts"](size * MB).replace("MODEL", "chat/m")
            answer = self.server.request("POST", PATHS["responses"], body, self.key, timeout=120)
            ids[size] = answer.json["id"]
        return self.judge(lambda size: self.cost(PATHS["responses"], json.dumps({"model": "chat/m", "input": "go on", "previous_response_id": ids[size]})), sizes)


class Memory:
    """What streams that go on keep of their requests is counted, bounded and given back."""

    BODY = 8 * MB
    LIMIT = 40 * MB

    def __init__(self, program):
        self.upstream = Upstream(waits=True)
        config = CONFIG.format(port=self.upstream.port).replace("workers = 1", f'workers = 2\nmax_body_memory = "{self.LIMIT}"')
        self.server = harness.Server(program, config)
        self.key = self.server.key()["key"]

    def resident(self):
        lines = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    def ask(self, path, body):
        """A request whose answer goes on; the socket, and the status."""
        connection = self.server.connect(60)
        head = (f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        try:
            connection.sendall(head + body)
        except OSError:
            pass                    # refused by its head: the answer is there
        return connection, int(connection.recv(64 * 1024).split()[1])

    def large_tools(self):
        tool = '{"type":"function","name":"f","description":"' + "d" * self.BODY + '"}'
        return ('{"model":"chat/m","stream":true,"store":false,"input":"hi","tools":[' + tool + "]}").encode()

    def soon(self, measure, most):
        """What is measured once it is at most so much: garbage is given back now and then."""
        deadline = time.monotonic() + 20 * harness.SLOW
        while measure() > most and time.monotonic() < deadline:
            time.sleep(0.1)
        return measure()

    def is_bounded(self):
        before = self.resident()
        body = self.large_tools()
        asked = [self.ask("/v1/responses", body) for _ in range(12)]
        statuses = [status for _, status in asked]
        kept = self.soon(lambda: self.resident() - before, MOST_HELD * self.LIMIT)
        for connection, _ in asked:
            connection.close()
        assert statuses[0] == 200, statuses
        assert 503 in statuses, f"all of {len(asked)} requests of {self.BODY} bytes were taken: {statuses}"
        assert kept < MOST_HELD * self.LIMIT, f"{kept} bytes are held where {self.LIMIT} are allowed"
        return before

    def is_given_back(self):
        before = self.is_bounded()
        stays = self.soon(lambda: self.resident() - before, self.LIMIT / 2)
        assert stays <= self.LIMIT / 2, f"{stays} bytes stay"
        connection, status = self.ask("/v1/responses", self.large_tools())
        connection.close()
        assert status == 200, f"status {status} when all is over"

    def small_bodies_leave_little(self):
        """An ordinary stream is counted by what it keeps, not by the body it had."""
        text = "x" * self.BODY
        body = ('{"model":"chat/m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"' + text + '"}]}').encode()
        asked = [self.ask("/v1/messages", body) for _ in range(12)]
        for connection, _ in asked:
            connection.close()
        assert [status for _, status in asked] == [200] * 12, [status for _, status in asked]


# Each of these has a reader of its own; the others share one, and what they share is tried once.
READERS = ["chat", "messages", "complete", "responses"]


def is_plain(name):
    """Shapes of a field that every route copies or leaves out."""
    return name.startswith(("metadata of ", "instructions of ", "input of "))


def cases(growth, sizes):
    for client, shapes, targets in ROUTES:
        for name, shape in shapes().items():
            for target in targets if client in READERS and not is_plain(name) else targets[:1]:
                yield f"{client} to {target}: {name}", lambda client=client, shape=shape, target=target: growth.ask_shape(client, shape, target, sizes)
    yield "responses to chat: a stored conversation", lambda: growth.stored(sizes)
    for (target, stream), shapes in ANSWERS.items():
        clients = ["responses"] if target == "responses" else ["chat", "messages", "complete", "responses"]
        for name, shape in shapes().items():
            for client in clients:
                kind = "streams" if stream else "answers"
                yield f"{target} {kind} to {client}: {name}", lambda client=client, stream=stream, target=target, shape=shape: growth.answer_shape(client, stream, target, shape, sizes)


def main():
    arguments = sys.argv[2:]

    def option(name, default):
        return arguments[arguments.index(name) + 1] if name in arguments else default

    sizes = [int(size) for size in option("--sizes", "1,2,4,8").split(",")]
    results = harness.Results("growth")
    growth = Growth(sys.argv[1])
    for name, measure in cases(growth, sizes):
        if option("--only", "") not in name:
            continue
        if "--list" in arguments:
            print(name)
            continue
        try:
            wrong = measure()
        except Exception as error:  # noqa: BLE001 - a case that breaks has failed
            wrong = f"{type(error).__name__}: {error}"
        results.check(name, not wrong, wrong)
    growth.server.close()
    memory = Memory(sys.argv[1])
    for name, test in [("memory is bounded and given back", memory.is_given_back),
                       ("memory of bodies that are gone is not counted", memory.small_bodies_leave_little)]:
        if option("--only", "") in name and "--list" not in arguments:
            results.run(name, test)
    memory.server.close()
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
