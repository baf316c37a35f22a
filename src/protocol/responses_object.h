// The response object of /v1/responses (wire-protocols 2.6): what the streamed and the whole form,
// an answer's end and its break have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fault.h"
#include "base/usage.h"
#include "protocol/body.h"

namespace glmgate::protocol {

/// What a response says of its request: raw JSON, on one line each.
struct ResponsesEcho {
  std::string instructions = "null";
  std::string max_output_tokens = "null";
  std::string metadata = "{}";
  std::string parallel_tool_calls = "true";
  std::string previous_response_id = "null";
  std::string reasoning = R"({"effort":null,"summary":null})";
  std::string temperature = "1.0";
  std::string text = R"({"format":{"type":"text"}})";
  std::string tool_choice = "\"auto\"";
  std::string tools = "[]";
  std::string top_p = "1.0";
  std::string truncation = "\"disabled\"";
  std::string user = "null";

  std::size_t bytes() const;  ///< of all of it
};

enum class EchoOf : std::uint8_t {
  everything,
  all_but_bulk  ///< no instructions and tools: Codex reads neither, and they would be most of the
                ///< stream
};

/// Of the client's own body, before history is put into it. What has the wrong type is taken as
/// absent.
ResponsesEcho read_responses_echo(const Body& body, EchoOf what = EchoOf::everything);

struct ResponseHead {
  std::string id;                             ///< "resp_..."
  std::int64_t created = 0;                   ///< seconds since the Unix epoch, UTC
  std::string model;                          ///< as the client asked for it
  std::shared_ptr<const ResponsesEcho> echo;  ///< absent: of a request that says nothing
  bool stored = false;                        ///< can be had again by its id
};

enum class ResponseStatus : std::uint8_t { in_progress, completed, incomplete, failed };

/// The object as JSON, on one line.
/// @param output  items as JSON, comma between them
/// @param why     incomplete: the reason's word; failed: the error object; else empty
std::string write_response_object(const ResponseHead& head, ResponseStatus status,
                                  std::string_view output, const std::optional<Usage>& usage,
                                  std::string_view why);

/// {"code","message"} of a response that failed, in the words that Codex acts upon
/// (wire-protocols 2.9, 3.12).
std::string write_response_error(const Fault& fault);

/// `event:` and `data:` of one event. `fields`, with `rest` behind them, are the members after
/// `type` and `sequence_number`.
void append_response_event(std::string& out, std::string_view type, std::uint64_t sequence,
                           std::string_view fields, std::string_view rest = {});

}  // namespace glmgate::protocol
