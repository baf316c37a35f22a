#include <algorithm>
#include <utility>

#include "protocol/answer_parts.h"
#include "protocol/chat_answer.h"

namespace glmgate::protocol {
namespace {

constexpr std::string_view kDone = "[DONE]";

}  // namespace

ChatStream::ChatStream(const ChatAnswerOptions& options, std::size_t max_event_bytes)
    : options_(options), reader_(max_event_bytes), limit_(max_event_bytes) {
  if (options_.client == Protocol::glm)
    options_.include_usage = false;  // the vendor has no such chunk
}

Result<void> ChatStream::feed(std::string_view bytes, std::string& out) {
  if (complete_) return {};
  return reader_.feed(bytes, [this, &out](const SseEvent& event) { return on_event(event, out); });
}

Result<void> ChatStream::finish() {
  if (complete_) return {};
  std::string lost;  // what would have been relayed cannot be, without an end
  auto read =
      reader_.finish([this, &lost](const SseEvent& event) { return on_event(event, lost); });
  if (complete_ || finish_seen_) {
    complete_ = true;  // [DONE] was left out
    return {};
  }
  if (!read) return read;
  return broken("the model service ended its answer before it was complete");
}

Result<void> ChatStream::on_event(const SseEvent& event, std::string& out) {
  if (complete_) return {};
  std::string_view data = trimmed(event.data);
  if (data.find('\n') != std::string_view::npos) {  // some clients read one data line an event
    one_line_ = data;
    std::replace(one_line_.begin(), one_line_.end(), '\n', ' ');
    data = one_line_;
  }
  if (data.empty()) return {};
  if (data.starts_with(kDone)) {
    if (!started_) return broken("the model service ended its answer before it began");
    if (stray_ && !finish_seen_) return ended_by_stray();
    complete_ = true;
    return {};
  }
  const auto root = scan_event(tape_, data);
  if (!root) return fail(root.error());
  if (event.type == "error")
    return fail(read_upstream_fault(200, {}, data, options_.place, options_.now));
  return on_chunk(*root, data, out);
}

Result<void> ChatStream::on_chunk(JsonView root, std::string_view data, std::string& out) {
  JsonView choices;
  JsonView usage;
  bool says_object = false;
  bool may_be_error = false;
  for (JsonView member = root.first(); member.present(); member = member.after()) {
    if (member.key_equals("choices"))
      choices = member;
    else if (member.key_equals("usage"))
      usage = member;
    else if (member.key_equals("object"))
      says_object = member.given();
    else if (member.key_equals("error"))
      may_be_error = true;
    else if (model_.empty() && member.key_equals("model"))
      model_ = member.string().value_or("");
  }
  if ((may_be_error || !choices.given()) && is_error_body(root))
    return fail(read_upstream_fault(200, {}, data, options_.place, options_.now));
  if (!choices.present() && !usage.present()) {
    stray_ = true;
    if (options_.client != Protocol::glm) return {};  // OpenAI's clients read choices in everything
  }

  edits_.clear();
  if (options_.client != Protocol::glm && !says_object && root.first().present())
    edits_.push_back({root.begin() + 1, root.begin() + 1, R"("object":"chat.completion.chunk",)"});
  bool finishes = false;
  if (auto read = on_choices(choices, finishes); !read) return read;
  const bool has_choices = choices.first().present();
  if (has_choices || usage.given()) started_ = true;
  const auto reported = read_usage(usage);
  if (reported) {
    usage_ = reported;
    usage_text_ = usage.raw();
  }

  if (!has_choices && usage.given()) {  // kept back: it belongs behind the finish chunk, or into it
    if (reported) usage_chunk_.clear();
    if (reported) append_event(usage_chunk_, data);
  } else if (finishes && !finish_seen_) {
    hold_finish_chunk(root, data, usage);
  } else {
    append_event(finish_seen_ ? ending_ : out, data);
  }
  if (ending_.size() > limit_) return broken("the model service did not end its answer");
  return {};
}

Result<void> ChatStream::on_choices(JsonView choices, bool& finishes) {
  for (JsonView choice = choices.first(); choice.present(); choice = choice.after()) {
    JsonView reason;
    for (JsonView member = choice.first(); member.present(); member = member.after()) {
      if (member.key_equals("delta")) {
        text_bytes_ += count_text(member);
        if (options_.names != nullptr && !options_.names->empty()) rename_calls(member);
      } else if (member.key_equals("finish_reason")) {
        reason = member;
      }
    }
    if (!reason.given()) continue;
    finishes = true;
    if (options_.client == Protocol::glm) continue;
    const auto word = openai_finish_reason(reason, text_bytes_);
    if (!word) return fail(word.error());
    if (!reason.equals(*word))
      edits_.push_back({reason.begin() + 1, reason.end() - 1, std::string(*word)});
  }
  std::ranges::sort(edits_, {}, &Edit::begin);
  return {};
}

/// The names that the client gave its tools.
void ChatStream::rename_calls(JsonView delta) {
  for (JsonView call = delta.find("tool_calls").first(); call.present(); call = call.after())
    for_renamed_call(*options_.names, call, [this](JsonView name, const std::string& own) {
      edits_.push_back({name.begin(), name.end(), own});
    });
}

void ChatStream::hold_finish_chunk(JsonView root, std::string_view data, JsonView usage) {
  finish_seen_ = true;
  append_event(ending_, data);
  // Places are counted from the end: all edits so far lie before them.
  const std::size_t data_end = ending_.size() - 2;
  const std::size_t usage_end = usage.present() ? usage.end() : root.end() - 1;
  const std::size_t usage_begin = usage.present() ? usage.begin() : usage_end;
  std::size_t behind = data.size() - usage_end;
  for (const Edit& edit : edits_)
    if (edit.begin >= usage_end) behind += edit.text.size() - (edit.end - edit.begin);
  usage_end_ = data_end - behind;
  usage_begin_ = usage_end_ - (usage_end - usage_begin);

  usage_head_ = "{";
  for (const std::string_view key : {"id", "object", "created", "model"}) {
    const JsonView member = root.find(key);
    if (key == "object")
      usage_head_ += R"("object":"chat.completion.chunk",)";
    else if (member.given())
      (((usage_head_ += '"') += key) += "\":") += std::string(member.raw()) + ",";
  }
}

/// `data: ...` with the edits applied.
void ChatStream::append_event(std::string& out, std::string_view data) const {
  out += "data: ";
  std::size_t done = 0;
  for (const Edit& edit : edits_) {
    out += data.substr(done, edit.begin - done);
    out += edit.text;
    done = edit.end;
  }
  out += data.substr(done);
  out += "\n\n";
}

bool ChatStream::started() const { return started_; }

bool ChatStream::complete() const { return complete_; }

bool ChatStream::may_end() const { return finish_seen_; }

std::string ChatStream::take_ending() {
  if (!complete_) return {};
  std::string out = std::exchange(ending_, {});
  if (options_.include_usage) {
    if (!usage_chunk_.empty())
      out += usage_chunk_;
    else if (!usage_head_.empty())
      out += "data: " + usage_head_ + R"("choices":[],"usage":)" +
             (usage_ ? usage_text_ : estimated_usage()) + "}\n\n";
  } else if (!usage_chunk_.empty() && usage_ && finish_seen_) {
    const bool has_one = usage_begin_ != usage_end_;
    out.replace(usage_begin_, usage_end_ - usage_begin_,
                has_one ? usage_text_ : ",\"usage\":" + usage_text_);
  }
  out += "data: [DONE]\n\n";
  return out;
}

/// For a client that asked for usage where the upstream told none.
std::string ChatStream::estimated_usage() const {
  return write_chat_usage(
      {.input = options_.input_estimate, .output = estimate_tokens(text_bytes_), .estimated = true},
      0);
}

const std::optional<Usage>& ChatStream::usage() const { return usage_; }

std::string_view ChatStream::model() const { return model_; }

std::int64_t ChatStream::text_bytes() const { return text_bytes_; }

std::string ChatStream::ping() { return std::string(ping_of(options_.client)); }

std::string ChatStream::fault(const Fault& fault) {
  return write_chat_stream_fault(options_.client, fault);
}

}  // namespace glmgate::protocol
