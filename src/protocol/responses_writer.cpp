#include "protocol/responses_writer.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "base/json.h"
#include "protocol/answer_tally.h"
#include "protocol/responses_items.h"

namespace glmgate::protocol {
namespace {

using Kind = OutputItem::Kind;

constexpr std::string_view kDelta = R"(,"delta":)";

std::unexpected<Fault> broken(std::string what) {
  return fail(FaultCode::upstream_broken, std::move(what));
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Items stand in a queue, in the order in which they began. Only the first one goes out; it is
/// closed once another waits behind it and it is known to be whole.
class Writer final : public AnswerWriter {
 public:
  enum class Form : std::uint8_t { streamed, whole };

  Writer(ResponsesWriterOptions options, Form form) : options_(std::move(options)), form_(form) {
    std::string_view base = options_.head.id;
    if (base.starts_with("resp_")) base.remove_prefix(5);
    id_base_ = base;
  }

  Result<void> add(const Delta& delta, std::string& out) override {
    if (ended_) return {};
    begin(out);
    tally_.add(delta);
    switch (delta.kind) {
      case Delta::Kind::begin:
      case Delta::Kind::usage:
        return {};
      case Delta::Kind::stop:
        stop_ = delta.stop;
        return {};
      default:
        break;
    }
    if (stop_) return broken("the model service went on after the end of its answer");
    if (auto taken = take(delta); !taken) return taken;
    return write_out(out);
  }

  Result<std::string> ending() override {
    if (ended_ || !stop_) return broken("the model service's answer has no end");
    const bool cut =
        *stop_ == Stop::max_tokens || *stop_ == Stop::context_window || *stop_ == Stop::refusal;
    std::string out;
    // Before anything is numbered: what is not sent must not be missing.
    for (const OutputItem& item : queue_)
      if (!cut && item.is_buffered() && !write_item(item, "completed", style(), {}))
        return broken("the model service sent a tool call that cannot be carried out");
    begin(out);
    while (!queue_.empty()) {
      close_last(cut, out);
      pop();
    }
    ended_ = true;
    const std::string_view reason = !cut                      ? ""
                                    : *stop_ == Stop::refusal ? "content_filter"
                                                              : "max_output_tokens";
    finish(cut ? ResponseStatus::incomplete : ResponseStatus::completed, reason,
           tally_.usage_or_estimate(options_.input_estimate), out);
    return out;
  }

  std::string fault(const Fault& fault) override {
    std::string out;
    if (ended_) return out;
    begin(out);
    // What waits was never seen by the client; what it saw is closed as the fragment it is.
    if (!queue_.empty() && queue_.front().added) close(queue_.front(), "incomplete", out);
    ended_ = true;
    finish(ResponseStatus::failed, write_response_error(fault), tally_.usage(), out);
    return out;
  }

  std::string ping() override {
    std::string out;
    if (begun_ && !ended_) say_response("response.in_progress", in_progress(), out);
    return out;
  }

  /// The whole form's object, once the answer has ended.
  std::string take_object() { return std::move(object_); }

 private:
  // --- What comes in.

  Result<void> take(const Delta& delta) {
    switch (delta.kind) {
      case Delta::Kind::text:
      case Delta::Kind::refusal:
        if (!delta.text.empty()) take_text(delta.text, delta.kind == Delta::Kind::refusal);
        return {};
      case Delta::Kind::reasoning:
        if (delta.text.empty()) return {};
        think();
        if (queue_.back().parts.empty()) queue_.back().parts.emplace_back();
        queue_.back().parts.back().text += delta.text;
        queue_.back().thinking.add(delta);
        return {};
      case Delta::Kind::redacted:
        think();
        queue_.back().thinking.add(delta);
        return {};
      case Delta::Kind::signature:
        if (!queue_.empty() && queue_.back().kind == Kind::reasoning)
          queue_.back().thinking.add(delta);
        return {};
      case Delta::Kind::call:
        return take_call(delta);
      case Delta::Kind::arguments:
        return take_arguments(delta);
      default:
        return {};
    }
  }

  /// What follows is thinking.
  void think() {
    if (queue_.empty() || queue_.back().kind != Kind::reasoning) push(Kind::reasoning, "rs_");
  }

  void take_text(std::string_view text, bool is_refusal) {
    if (queue_.empty() || queue_.back().kind != Kind::message) push(Kind::message, "msg_");
    std::vector<OutputItem::Part>& parts = queue_.back().parts;
    if (parts.empty() || parts.back().is_refusal != is_refusal) parts.push_back({is_refusal, {}});
    parts.back().text += text;
  }

  Result<void> take_call(const Delta& delta) {
    if (delta.call != calls_.size() || delta.name.empty())
      return broken("the model service sent a tool call out of order");
    const auto known = options_.names.find(delta.name);
    const ClientTool tool =
        known == options_.names.end()
            ? ClientTool{ClientTool::Kind::function, std::string(delta.name), {}}
            : known->second;
    push(Kind::call, prefix(tool.kind));
    OutputItem& item = queue_.back();
    item.tool = tool;
    item.number = calls_.size();
    item.call_id = delta.id;
    if (item.call_id.empty() || !call_ids_.insert(item.call_id).second)
      item.call_id = "call_" + id_base_ + "_" + std::to_string(calls_.size());
    calls_.push_back(&item);
    return {};
  }

  static std::string_view prefix(ClientTool::Kind kind) {
    switch (kind) {
      case ClientTool::Kind::custom:
        return "ctc_";
      case ClientTool::Kind::local_shell:
        return "lsh_";
      case ClientTool::Kind::shell:
        return "sh_";
      case ClientTool::Kind::apply_patch:
        return "apc_";
      default:
        return "fc_";
    }
  }

  Result<void> take_arguments(const Delta& delta) {
    if (delta.call >= calls_.size())
      return broken("the model service sent arguments of no tool call");
    OutputItem* const item = calls_[delta.call];
    if (item == nullptr) {
      if (is_blank(delta.text)) return {};
      return broken("the model service went on with a tool call that was complete");
    }
    item->arguments += delta.text;
    item->end.feed(delta.text);
    return {};
  }

  void push(Kind kind, std::string_view id_prefix) {
    OutputItem& item = queue_.emplace_back();
    item.kind = kind;
    item.id = std::string(id_prefix) + id_base_ + "_" + std::to_string(item_count_++);
  }

  void pop() {
    if (queue_.front().kind == Kind::call) calls_[queue_.front().number] = nullptr;
    queue_.pop_front();
  }

  // --- What goes out.

  Result<void> write_out(std::string& out) {
    while (!queue_.empty()) {
      OutputItem& first = queue_.front();
      catch_up(first, out);
      const bool is_whole = first.kind != Kind::call || first.end.seen();
      if (queue_.size() == 1 || !is_whole) return {};
      if (!close(first, "completed", out))
        return broken("the model service sent a tool call that cannot be carried out");
      pop();
    }
    return {};
  }

  /// Closes the first item when nothing more comes.
  void close_last(bool cut, std::string& out) {
    OutputItem& item = queue_.front();
    const bool is_last = queue_.size() == 1;
    if (item.kind != Kind::call) {
      close(item, cut && is_last ? "incomplete" : "completed", out);
      return;
    }
    if (cut && !item.end.seen()) {
      // Half of a custom call is not shown: its input is run as it stands.
      if (!item.is_buffered()) close(item, "incomplete", out);
      return;
    }
    if (!item.is_buffered() && is_blank(item.arguments)) item.arguments += "{}";
    close(item, "completed", out);  // of a cut answer, a hosted call that says nothing is left out
  }

  /// Always there, asked for or not: without it a client cannot bring the thinking back.
  std::string seal_of(ThinkingBlocks& thinking) const {
    const bool is_signed = thinking.has_signature();
    const std::string blocks = thinking.take();
    return is_signed ? options_.seal->seal_blocks(blocks)
                     : options_.seal->seal(thinking_text(blocks), ThinkingSeal::Text::carried);
  }

  /// False if the item cannot be said; then nothing went out.
  bool close(OutputItem& item, std::string_view status, std::string& out) {
    std::string seal;
    const bool whole = status == "completed";
    if (item.kind == Kind::reasoning && whole && options_.seal != nullptr)
      seal = seal_of(item.thinking);
    const auto done = write_item(item, status, style(), seal);
    if (!done) return false;
    if (form_ == Form::streamed) tell_closed(item, *done, out);
    (items_json_ += items_json_.empty() ? "" : ",") += *done;
    ++output_index_;
    return true;
  }

  void tell_closed(OutputItem& item, const std::string& done, std::string& out) {
    if (item.is_buffered()) add_item(item, out);
    catch_up(item, out);
    if (item.kind == Kind::call)
      close_call(item, out);
    else if (item.parts_added > 0)
      close_part(item, out);
    say("response.output_item.done", R"("output_index":)" + index() + R"(,"item":)" + done, out);
  }

  void add_item(OutputItem& item, std::string& out) {
    if (item.added) return;
    item.added = true;
    const auto begun = write_item(item, "in_progress", style(), {});
    say("response.output_item.added",
        R"("output_index":)" + index() + R"(,"item":)" + begun.value_or("null"), out);
  }

  /// Sends what came of the first item since the last time.
  void catch_up(OutputItem& item, std::string& out) {
    if (item.is_buffered() || form_ == Form::whole) return;
    add_item(item, out);
    if (item.kind == Kind::call) {
      const auto fresh = std::string_view(item.arguments).substr(item.arguments_sent);
      if (fresh.empty()) return;
      say("response.function_call_arguments.delta",
          where(item) + std::string(kDelta) + json::quote(fresh), out);
      item.arguments_sent = item.arguments.size();
      return;
    }
    if (item.kind == Kind::reasoning && options_.hides_thinking) return;
    for (std::size_t i = item.parts_added == 0 ? 0 : item.parts_added - 1; i < item.parts.size();
         ++i) {
      if (i >= item.parts_added) {
        if (item.parts_added > 0) close_part(item, out);
        ++item.parts_added;
        open_part(item, out);
      }
      OutputItem::Part& part = item.parts[i];
      const auto fresh = std::string_view(part.text).substr(part.sent);
      if (fresh.empty()) continue;
      part.sent = part.text.size();
      std::string fields = place(item) + std::string(kDelta) + json::quote(fresh);
      if (text_event(item) == "response.output_text") fields += R"(,"logprobs":[])";
      say(std::string(text_event(item)) + ".delta", fields, out);
    }
  }

  // --- Parts: of messages, of summaries, of raw thinking. The last one added is the open one.

  const OutputItem::Part& open(const OutputItem& item) const {
    return item.parts[item.parts_added - 1];
  }

  bool is_summary(const OutputItem& item) const {
    return item.kind == Kind::reasoning && !options_.raw_thinking;
  }

  std::string_view text_event(const OutputItem& item) const {
    if (is_summary(item)) return "response.reasoning_summary_text";
    if (item.kind == Kind::reasoning) return "response.reasoning_text";
    return open(item).is_refusal ? "response.refusal" : "response.output_text";
  }

  std::string part_json(const OutputItem& item, std::string_view text) const {
    if (item.kind == Kind::message) return write_part(open(item).is_refusal, text);
    return R"({"type":")" + std::string(is_summary(item) ? "summary_text" : "reasoning_text") +
           R"(","text":)" + json::quote(text) + "}";
  }

  void open_part(const OutputItem& item, std::string& out) {
    say(is_summary(item) ? "response.reasoning_summary_part.added" : "response.content_part.added",
        place(item) + R"(,"part":)" + part_json(item, ""), out);
  }

  void close_part(const OutputItem& item, std::string& out) {
    const OutputItem::Part& part = open(item);
    std::string fields = place(item);
    fields += part.is_refusal ? R"(,"refusal":)" : R"(,"text":)";
    fields += json::quote(part.text);
    if (text_event(item) == "response.output_text") fields += R"(,"logprobs":[])";
    say(std::string(text_event(item)) + ".done", fields, out);
    say(is_summary(item) ? "response.reasoning_summary_part.done" : "response.content_part.done",
        place(item) + R"(,"part":)" + part_json(item, part.text), out);
  }

  void close_call(const OutputItem& item, std::string& out) {
    if (item.tool.kind == ClientTool::Kind::custom) {
      const std::string input = json::quote(custom_input(item.arguments));
      if (input != "\"\"")
        say("response.custom_tool_call_input.delta", where(item) + std::string(kDelta) + input,
            out);
      say("response.custom_tool_call_input.done", where(item) + R"(,"input":)" + input, out);
    } else if (!item.is_buffered()) {
      say("response.function_call_arguments.done",
          where(item) + R"(,"name":)" + json::quote(item.tool.name) + R"(,"arguments":)" +
              json::quote(item.arguments),
          out);
    }
  }

  std::string index() const { return std::to_string(output_index_); }

  std::string where(const OutputItem& item) const {
    return R"("item_id":)" + json::quote(item.id) + R"(,"output_index":)" + index();
  }

  std::string place(const OutputItem& item) const {
    return where(item) + (is_summary(item) ? R"(,"summary_index":)" : R"(,"content_index":)") +
           std::to_string(item.parts_added - 1);
  }

  ItemStyle style() const { return {options_.hides_thinking, options_.raw_thinking}; }

  // --- The response around the items.

  void begin(std::string& out) {
    if (std::exchange(begun_, true) || form_ == Form::whole) return;
    say_response("response.created", in_progress(), out);
    say_response("response.in_progress", in_progress(), out);
  }

  std::string in_progress() const {
    return write_response_object(options_.head, ResponseStatus::in_progress, {}, std::nullopt, {});
  }

  void finish(ResponseStatus status, std::string_view why, const std::optional<Usage>& usage,
              std::string& out) {
    std::string object = write_response_object(options_.head, status, items_json_, usage, why);
    if (form_ == Form::whole) {
      object_ = std::move(object);
      return;
    }
    say_response(status == ResponseStatus::completed    ? "response.completed"
                 : status == ResponseStatus::incomplete ? "response.incomplete"
                                                        : "response.failed",
                 object, out);
  }

  void say_response(std::string_view type, const std::string& object, std::string& out) {
    append_response_event(out, type, sequence_++, R"("response":)", object);
  }

  void say(std::string_view type, std::string_view fields, std::string& out) {
    if (form_ == Form::streamed) append_response_event(out, type, sequence_++, fields);
  }

  ResponsesWriterOptions options_;
  Form form_;
  std::string id_base_;
  bool begun_ = false;
  bool ended_ = false;
  std::uint64_t sequence_ = 0;
  AnswerTally tally_;
  std::optional<Stop> stop_;
  std::deque<OutputItem> queue_;
  std::vector<OutputItem*> calls_;  // by Delta::call; null once it went out
  std::set<std::string> call_ids_;
  std::size_t item_count_ = 0;
  std::size_t output_index_ = 0;
  std::string items_json_;  // of the items that are done, comma between them
  std::string object_;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_responses_writer(ResponsesWriterOptions options) {
  return std::make_unique<Writer>(std::move(options), Writer::Form::streamed);
}

Result<std::string> write_responses_answer(
    ResponsesWriterOptions options, const std::function<Result<void>(const OnDelta&)>& play) {
  Writer writer(std::move(options), Writer::Form::whole);
  std::string nothing;
  auto played = play([&](const Delta& delta) { return writer.add(delta, nothing); });
  if (!played) return fail(std::move(played.error()));
  if (auto ended = writer.ending(); !ended) return fail(std::move(ended.error()));
  return writer.take_object();
}

}  // namespace glmgate::protocol
