#include "protocol/responses_stream.h"

#include <algorithm>
#include <utility>

#include "protocol/answer_parts.h"
#include "protocol/body.h"
#include "protocol/sse.h"

namespace glmgate::protocol {
namespace {

/// As answer_parts.h: read_usage(), in the words of Responses.
std::optional<Usage> read_responses_usage(JsonView usage) {
  const auto input = read_count(usage.find("input_tokens"));
  const auto output = read_count(usage.find("output_tokens"));
  if (!input || !output || (*input == 0 && *output == 0)) return std::nullopt;
  const auto cached = read_count(usage.find("input_tokens_details").find("cached_tokens"));
  const auto reasoning = read_count(usage.find("output_tokens_details").find("reasoning_tokens"));
  Usage out;
  out.input = *input;
  out.output = *output;
  out.cached = std::min(cached.value_or(0), out.input);
  out.reasoning = std::min(reasoning.value_or(0), out.output);
  return out;
}

/// The error of a failed response, or an error body, as the Fault it means.
Fault read_failure(JsonView holder, const ResponsesPassOptions& options) {
  const JsonView error = holder.find("error");
  const std::string body =
      error.given() ? R"({"error":)" + std::string(error.raw()) + "}" : std::string(holder.raw());
  return read_upstream_fault(200, {}, body, options.place, options.now);
}

/// The text in an output item.
std::size_t text_of_item(JsonView item) {
  std::size_t bytes = item.find("arguments").text_bytes() + item.find("input").text_bytes();
  for (const std::string_view list : {"content", "summary"})
    for (JsonView part = item.find(list).first(); part.present(); part = part.after())
      bytes += part.find("text").text_bytes() + part.find("refusal").text_bytes();
  return bytes;
}

class PassStream final : public AnswerStream {
 public:
  PassStream(ResponsesPassOptions options, std::size_t max_event_bytes)
      : options_(std::move(options)), reader_(max_event_bytes) {}

  Result<void> feed(std::string_view bytes, std::string& out) override {
    if (complete_) return {};
    return reader_.feed(bytes,
                        [this, &out](const SseEvent& event) { return on_event(event, out); });
  }

  Result<void> finish() override {
    if (complete_) return {};
    std::string lost;  // what would have been relayed cannot be, without an end
    auto read =
        reader_.finish([this, &lost](const SseEvent& event) { return on_event(event, lost); });
    if (!read || complete_) return read;
    return broken("the model service ended its answer before it was complete");
  }

  bool started() const override { return started_; }
  bool complete() const override { return complete_; }
  std::string take_ending() override { return std::exchange(ending_, {}); }
  const std::optional<Usage>& usage() const override { return usage_; }
  std::string_view model() const override { return model_; }
  std::int64_t text_bytes() const override { return text_bytes_; }

  /// A comment: an event of ours would need a number that the upstream will give to its own.
  std::string ping() override { return std::string(ping_of(Protocol::openai_responses)); }

  std::string fault(const Fault& fault) override {
    ResponseHead head = options_.head;
    if (!id_.empty()) head.id = id_;
    if (!model_.empty()) head.model = model_;
    std::string out;
    append_response_event(
        out, "response.failed", next_sequence_,
        R"("response":)" + write_response_object(head, ResponseStatus::failed, {}, usage_,
                                                 write_response_error(fault)));
    return out;
  }

 private:
  Result<void> on_event(const SseEvent& event, std::string& out) {
    if (complete_ || event.data.starts_with("[DONE]")) return {};
    if (auto scanned = tape_.rescan(event.data, {.rigor = JsonRigor::upstream}); !scanned)
      return broken("the model service sent an event that is not JSON",
                    std::move(scanned.error().for_client));
    const JsonView root = tape_.root(event.data);
    if (!root.is(JsonType::object))
      return broken("the model service sent an event that is no object");
    const std::string type = root.find("type").string().value_or(std::string(event.type));
    // Not of the protocol, and strict clients die of it. While nothing else comes, the relay pings.
    if (type == "keepalive" || type == "ping") return {};
    const JsonView response = root.find("response");
    read_response(response);
    if (type == "error" || (!type.starts_with("response.") && is_error_body(root)))
      return fail(read_failure(root, options_));
    if (type == "response.failed") return fail(read_failure(response, options_));
    next_sequence_ = static_cast<std::uint64_t>(
        std::max<std::int64_t>(root.find("sequence_number").integer().value_or(-1), -1) + 1);
    if (type == "response.completed" || type == "response.incomplete") {
      started_ = complete_ = true;
      end_with_blank_line(ending_ += event.raw);
      return {};
    }
    const bool is_preface =
        type == "response.created" || type == "response.in_progress" || type == "response.queued";
    started_ = started_ || !is_preface;
    if (type.ends_with(".delta"))
      text_bytes_ += static_cast<std::int64_t>(root.find("delta").text_bytes());
    end_with_blank_line(out += event.raw);
    return {};
  }

  void read_response(JsonView response) {
    if (!response.given()) return;
    if (id_.empty()) id_ = response.find("id").string().value_or("");
    if (model_.empty()) model_ = response.find("model").string().value_or("");
    if (const auto reported = read_responses_usage(response.find("usage"))) usage_ = reported;
  }

  ResponsesPassOptions options_;
  SseReader reader_;
  JsonTape tape_;  // of the event at hand
  std::string id_;
  std::string model_;
  std::optional<Usage> usage_;
  std::int64_t text_bytes_ = 0;
  std::uint64_t next_sequence_ = 0;
  bool started_ = false;
  bool complete_ = false;
  std::string ending_;
};

}  // namespace

std::unique_ptr<AnswerStream> make_responses_stream(ResponsesPassOptions options,
                                                    std::size_t max_event_bytes) {
  return std::make_unique<PassStream>(std::move(options), max_event_bytes);
}

Result<PlainAnswer> read_responses_answer(std::string body, const ResponsesPassOptions& options) {
  auto read = Body::read(std::move(body), {.rigor = JsonRigor::upstream});
  if (!read)
    return broken("the model service gave an answer that is not JSON",
                  std::move(read.error().for_client));
  const JsonView root = read->root();
  const JsonView status = root.find("status");
  const JsonView output = root.find("output");
  if (!output.given() && is_error_body(root)) return fail(read_failure(root, options));
  if (status.equals("failed")) return fail(read_failure(root, options));
  if (!output.is(JsonType::array)) return broken("the model service gave an answer without output");
  if (status.given() && !status.equals("completed") && !status.equals("incomplete"))
    return broken("the model service gave an answer that is not complete");
  PlainAnswer answer;
  answer.usage = read_responses_usage(root.find("usage"));
  answer.model = root.find("model").string().value_or("");
  for (JsonView item = output.first(); item.present(); item = item.after())
    answer.text_bytes += static_cast<std::int64_t>(text_of_item(item));
  answer.body = std::move(*read).spliced();
  return answer;
}

}  // namespace glmgate::protocol
