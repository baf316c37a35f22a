// What readers of answers, plain and streamed, have in common. Private to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/usage.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {

/// Without spaces, tabs and line ends around it.
std::string_view trimmed(std::string_view text);

/// Fault{upstream_broken}.
std::unexpected<Fault> broken(std::string what, std::string for_us = {});

/// Of a chat stream that ends with [DONE] but without a finish_reason, behind an object that is no
/// piece of an answer: whatever that meant, the answer is not known to be whole.
std::unexpected<Fault> ended_by_stray();

/// The data of a stream's event, scanned into `tape`, which `data` must outlive. Fault unless it is
/// a JSON object.
Result<JsonView> scan_event(JsonTape& tape, std::string_view data);

/// A count of tokens; nothing if it is absent or cannot be one.
std::optional<std::int64_t> read_count(JsonView count);

/// A usage object; nothing if it is absent or cannot be true: counts missing, negative, fractional,
/// beyond 2^53, or all zero.
std::optional<Usage> read_usage(JsonView usage);

/// The same as JSON.
/// @param cache_written  of its input, what was put into a cache: a member that OpenAI's has not,
///                       and there only if it is not 0
std::string write_chat_usage(const Usage& usage, std::int64_t cache_written);

/// True for {"error": ...} and for the flat forms, when nothing of an answer stands beside it.
bool is_error_body(JsonView root);

/// The text in a message or delta: content, reasoning, refusal, arguments of tool calls.
std::int64_t count_text(JsonView message);

/// What an OpenAI client may see for a finish reason that is not null: the word itself or another
/// of OpenAI's words. Fault if it means that the answer is no answer: the inference broke off, or
/// not even a beginning fitted the context.
/// @param text_bytes  text delivered before or with it. Source: wire-protocols 3.10.
Result<std::string_view> openai_finish_reason(JsonView reason, std::int64_t text_bytes);

}  // namespace glmgate::protocol
