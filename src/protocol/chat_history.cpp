// The conversation of a chat request as Anthropic's messages (wire-protocols 3.5, 1.3).
#include <map>
#include <set>
#include <vector>

#include "base/json.h"
#include "protocol/argument_text.h"
#include "protocol/call_pairs.h"
#include "protocol/chat_parts.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"

namespace glmgate::protocol {
namespace {

/// Bytes of escaped text without the space at its end.
std::string_view without_end_space(std::string_view escaped) {
  for (;;) {
    if (escaped.ends_with(' ')) {
      escaped.remove_suffix(1);
      continue;
    }
    const bool may_be_escape =
        escaped.ends_with('n') || escaped.ends_with('r') || escaped.ends_with('t');
    if (!may_be_escape) return escaped;
    const std::string_view before = escaped.substr(0, escaped.size() - 1);
    const auto solid = before.find_last_not_of('\\');
    const std::size_t backslashes =
        before.size() - (solid == std::string_view::npos ? 0 : solid + 1);
    if (backslashes % 2 == 0) return escaped;  // the letter itself, perhaps behind a backslash
    escaped.remove_suffix(2);
  }
}

/// The JSON object that a call's arguments are; Fault: path within the call's function. A model
/// wrote them, and its client cannot take them back: what can be mended must not end the session.
/// @param mended  set if it was: a key that stood twice, half a character
Result<std::string> read_arguments(JsonView arguments, bool& mended) {
  if (!arguments.given()) return std::string("{}");
  if (arguments.is(JsonType::object)) return std::string(arguments.raw());
  std::string text = arguments.string().value_or("");
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return std::string("{}");
  auto tape = JsonTape::scan(text, {.depth = kArgumentDepth});
  if (!tape) {
    tape = JsonTape::scan(text, {.depth = kArgumentDepth, .rigor = JsonRigor::upstream});
    mended = tape.has_value();
  }
  if (!tape) return wrong(".arguments", "a JSON object, and is " + tape.error().for_client);
  const JsonView root = tape->root(text);
  if (!root.given()) return std::string("{}");
  if (!root.is(JsonType::object)) return wrong(".arguments", "a JSON object");
  return mended ? strict_json(root) : std::string(root.raw());
}

class Retelling {
 public:
  explicit Retelling(ChatTranslation& t)
      : t_(t), newest_(newest_of_chat(t.root.find("messages"))) {}

  Result<void> add(JsonView message, std::size_t index) {
    index_ = index;
    const JsonView role = message.find("role");
    if (role.equals("assistant")) return add_assistant(message);
    if (role.equals("system") || role.equals("developer")) return add_system(message);
    pairs_.user_speaks();
    if (role.equals("tool")) return add_result(message, message.find("tool_call_id"));
    if (role.equals("function")) return add_result(message, {});
    return add_user(message);
  }

  Result<void> finish() {
    if (auto answered = pairs_.finish(); !answered) return answered;
    end_user();
    end_assistant();
    if (!t_.messages.empty()) return {};
    t_.messages = kContinue;  // a system prompt alone is no request there
    t_.warnings.add("changed", "messages[0]");
    return {};
  }

 private:
  static constexpr std::string_view kContinue =
      R"json({"role":"user","content":[{"type":"text","text":"(continue)"}]})json";

  std::string path() const { return at_index("messages", index_); }

  void say(std::string_view role, std::string_view blocks) {
    append_element(t_.messages, R"({"role":")" + std::string(role) + R"(","content":[)" +
                                    std::string(blocks) + "]}");
  }

  void end_user() {
    std::string blocks;
    for (const std::string& id : called_)
      if (const auto found = results_.find(id); found != results_.end())
        append_element(blocks, found->second);
    results_.clear();
    called_.clear();
    sent_ids_.clear();
    for (std::string* said : {&held_text_, &user_}) {
      if (!said->empty()) append_element(blocks, *said);
      said->clear();
    }
    if (!blocks.empty()) say("user", blocks);
    if (!held_system_.empty()) append_element(t_.messages, held_system_);
    held_system_.clear();
  }

  void end_assistant() {
    if (assistant_.empty()) return;
    if (t_.messages.empty()) {
      t_.messages = kContinue;
      t_.warnings.add("changed", "messages[0]");
    }
    say("assistant", assistant_);
    assistant_.clear();
    t_.goes_on_without_thinking = !called_.empty() && !begins_with_thinking_;
    begins_with_thinking_ = false;
  }

  /// What the assistant says ends the user's turn: its calls are answered, and what was said since
  /// then is whole.
  void put_assistant(std::string_view block) {
    if (!user_.empty() || !results_.empty()) end_user();
    append_element(assistant_, block);
  }

  /// Nothing but space is no message there. As the last one it is what shall be answered.
  Result<void> add_user(JsonView message) {
    std::string blocks;
    if (auto added = add_parts(message.find("content"), blocks); !added) return added;
    put_user(blocks, user_);
    if (!blocks.empty()) return {};
    const std::string field = path() + ".content";
    if (!message.after().present() && user_.empty() && results_.empty())
      return wrong(field, "more than space: there is nothing to answer");
    t_.warnings.add("dropped", field);
    return {};
  }

  /// What the user says ends the assistant's turn, unless it is nothing.
  void put_user(std::string_view block, std::string& into) {
    if (block.empty()) return;
    end_assistant();
    append_element(into, block);
  }

  Result<void> add_system(JsonView message) {
    const bool is_leading = t_.messages.empty() && user_.empty() && assistant_.empty();
    std::string text;
    const JsonView content = message.find("content");
    if (content.is(JsonType::string)) text = inside(content);
    std::size_t index = 0;
    for (JsonView part = content.first(); part.present(); part = part.after(), ++index) {
      if (!is_text_part(part))
        return unsupported(path() + "." + at_index("content", index) + ".type",
                           "cannot be sent in a system message: only text can");
      if (!text.empty()) text += "\\n\\n";
      text += inside(part.find("text"));
    }
    if (is_leading) t_.add_system(text);
    if (is_leading || text_block(text).empty()) return {};
    // Behind the results, which must follow their calls.
    const bool waits = !pairs_.all_answered();
    if (t_.target.takes_system_messages)
      append_element(held_system_, R"({"role":"system","content":[)" + text_block(text) + "]}");
    else if (waits)
      append_element(held_text_, text_block("<system>" + text + "</system>"));
    else
      put_user(text_block("<system>" + text + "</system>"), user_);
    if (!t_.target.takes_system_messages || waits) return {};
    end_assistant();
    end_user();
    return {};
  }

  Result<void> add_parts(JsonView content, std::string& into) {
    const auto put = [&into](const std::string& block) {
      if (!block.empty()) append_element(into, block);
    };
    if (content.is(JsonType::string)) put(text_block(inside(content)));
    std::size_t index = 0;
    for (JsonView part = content.first(); part.present(); part = part.after(), ++index) {
      if (is_text_part(part)) {
        put(text_block(inside(part.find("text"))));
        continue;
      }
      auto block = read_attachment(t_, part);
      if (!block && omits(part, block.error())) block = omission(part);
      if (!block) return under(path() + "." + at_index("content", index), std::move(block.error()));
      put(*block);
    }
    return {};
  }

  /// Words may stand for what cannot be carried, but not in what the user says just now.
  bool omits(JsonView part, const Fault& fault) const {
    return fault.code == FaultCode::unsupported_field && medium_of(part) &&
           t_.target.images != MediaPolicy::refuse && !newest_.is(index_);
  }

  std::string omission(JsonView part) {
    t_.warnings.add("changed", "messages[].content[].type");
    return text_block(escaped(omitted(*medium_of(part), t_.target.model)));
  }

  /// @param id  absent for role `function`, from before calls had ids.
  Result<void> add_result(JsonView message, JsonView id) {
    const std::string known = id.string().value_or(legacy_id_);
    if (auto paired = pairs_.answer(known, path() + (id.present() ? ".tool_call_id" : ".role"));
        !paired)
      return paired;
    end_assistant();
    const JsonView content = message.find("content");
    std::string blocks;
    if (auto added = add_parts(content, blocks); !added) return added;
    std::string result = R"({"type":"tool_result","tool_use_id":)" + json::quote(sent_ids_[known]);
    if (!blocks.empty()) result += R"(,"content":[)" + blocks + ']';
    results_.insert_or_assign(known, result + '}');
    return {};
  }

  Result<void> add_assistant(JsonView message) {
    if (auto spoken = pairs_.assistant_speaks(); !spoken) return spoken;
    add_thinking(message);
    const bool is_last = !message.after().present();
    const JsonView calls = message.find("tool_calls");
    const bool begins_the_answer =
        is_last && !calls.first().present() && !message.find("function_call").given();
    const auto put = [&](JsonView text) {
      const std::string_view said = inside(text);
      const std::string block = text_block(begins_the_answer ? without_end_space(said) : said);
      if (!block.empty()) put_assistant(block);
    };
    const JsonView content = message.find("content");
    put(content);
    std::size_t index = 0;
    for (JsonView part = content.first(); part.present(); part = part.after(), ++index) {
      const bool is_text = is_text_part(part);
      if (!is_text && !part.find("type").equals("refusal"))
        return unsupported(path() + "." + at_index("content", index) + ".type",
                           "cannot be sent in an assistant message");
      put(part.find(is_text ? "text" : "refusal"));
    }
    index = 0;
    for (JsonView call = calls.first(); call.present(); call = call.after(), ++index)
      if (auto added = add_call(call, index); !added)
        return under(path() + "." + at_index("tool_calls", index), std::move(added.error()));
    return add_legacy_call(message);
  }

  Result<void> add_call(JsonView call, std::size_t index) {
    const JsonView type = call.find("type");
    const JsonView custom = call.find("custom");
    const bool is_custom = type.equals("custom");
    if (type.given() && !type.equals("function") && !is_custom)
      return unsupported(".type", "cannot be sent: only calls of functions are");
    const JsonView called = is_custom ? custom : call.find("function");
    if (is_custom && !called.find("name").is(JsonType::string)) return missing(".custom.name");
    const std::string id = call.find("id").string().value_or("");
    if (auto paired = pairs_.call(id, index_, index); !paired) {
      paired.error().param = ".id";
      paired.error().for_client = ".id must be unique: it stands twice in one turn";
      return paired;
    }
    if (is_custom) {
      const JsonView input = custom.find("input");
      const std::string text = input.is(JsonType::string) ? std::string(input.raw()) : "\"\"";
      put_call(id, called.find("name"), "{\"input\":" + text + "}", ClientTool::Kind::custom);
      return {};
    }
    bool mended = false;
    const auto arguments = read_arguments(called.find("arguments"), mended);
    if (!arguments) return under(".function", arguments.error());
    if (mended)
      t_.warnings.add("changed",
                      path() + "." + at_index("tool_calls", index) + ".function.arguments");
    put_call(id, called.find("name"), *arguments, ClientTool::Kind::function);
    return {};
  }

  Result<void> add_legacy_call(JsonView message) {
    const JsonView call = message.find("function_call");
    if (!call.given() || message.find("tool_calls").first().present()) return {};
    legacy_id_ = "call_" + std::to_string(index_);
    bool mended = false;
    const auto arguments = read_arguments(call.find("arguments"), mended);
    if (!arguments) return under(path() + ".function_call", arguments.error());
    if (mended) t_.warnings.add("changed", path() + ".function_call.arguments");
    put_call(legacy_id_, call.find("name"), *arguments, ClientTool::Kind::function);
    return pairs_.call(legacy_id_, index_, 0);
  }

  /// Anthropic takes each id once. Engines that count the calls of each answer use them again.
  std::string fresh_id(const std::string& id) {
    const std::string fitted = fit_call_id(id);
    std::string fresh = fitted;
    for (std::size_t& times = used_[fitted]; !given_.insert(fresh).second;)
      fresh = fitted + "_" + std::to_string(++times + 1);
    return fresh;
  }

  void put_call(const std::string& id, JsonView name, std::string_view input,
                ClientTool::Kind kind) {
    const std::string tool = t_.tool_name(name, kind);
    const std::string sent = fresh_id(id);
    put_assistant(R"({"type":"tool_use","id":)" + json::quote(sent) + R"(,"name":)" + tool +
                  R"(,"input":)" + std::string(input) + "}");
    t_.called_tools.insert(tool);
    called_.push_back(id);
    sent_ids_.insert_or_assign(id, sent);
  }

  void put_thinking(std::string_view text, std::string_view signature) {
    begins_with_thinking_ = begins_with_thinking_ || assistant_.empty();
    put_assistant(R"({"type":"thinking","thinking":)" + std::string(text) + R"(,"signature":)" +
                  json::quote(signature) + "}");
  }

  /// An upstream that verifies takes only what it signed itself.
  bool is_welcome(std::string_view signature) const {
    if (!t_.target.verifies_thinking) return true;
    return !signature.empty() && !ThinkingSeal::is_ours(signature);
  }

  /// @return whether the block went into the turn.
  bool add_signed(JsonView text, JsonView signature) {
    const std::string sign = signature.string().value_or("");
    if (!text.is(JsonType::string) || !is_welcome(sign)) return false;
    put_thinking(text.raw(), sign);
    return true;
  }

  bool add_block(JsonView block) {
    const JsonView data = block.find("data");
    if (!block.find("type").equals("redacted_thinking") || !data.is(JsonType::string))
      return add_signed(block.find("thinking"), block.find("signature"));
    begins_with_thinking_ = begins_with_thinking_ || assistant_.empty();
    put_assistant(R"({"type":"redacted_thinking","data":)" + std::string(data.raw()) + "}");
    return true;
  }

  /// What the client did not bring back, by the call that it led to.
  bool recall(JsonView message) {
    const std::string id = message.find("tool_calls").first().find("id").string().value_or("");
    const auto blocks = id.empty() || !t_.target.recall ? std::nullopt : t_.target.recall(id);
    if (!blocks) return false;
    const std::string list = "[" + *blocks + "]";
    const auto tape = JsonTape::scan(list, {});
    bool found = false;
    if (tape)
      for (JsonView block = tape->root(list).first(); block.present(); block = block.after())
        found = add_block(block) || found;
    return found;
  }

  /// Signed thinking in the ways that chat clients keep it; else what is remembered of it; else
  /// what has no signature.
  void add_thinking(JsonView message) {
    bool is_there = false;
    std::string_view lost;
    for (JsonView block = message.find("thinking_blocks").first(); block.present();
         block = block.after()) {
      const bool added = add_block(block);
      is_there = is_there || added;
      if (!added) lost = "thinking_blocks";
    }
    if (!is_there && lost.empty())
      for (JsonView detail = message.find("reasoning_details").first(); detail.present();
           detail = detail.after()) {
        if (!detail.find("type").equals("reasoning.text") || !detail.find("signature").given())
          continue;
        const bool added = add_signed(detail.find("text"), detail.find("signature"));
        is_there = is_there || added;
        if (!added) lost = "reasoning_details";
      }
    const JsonView own = message.find("reasoning_content");
    const JsonView plain = own.given() ? own : message.find("reasoning");  // as vLLM names it
    const bool has_plain = plain.is(JsonType::string) && !plain.equals("");
    if (!is_there && (t_.target.verifies_thinking || !has_plain) && recall(message)) return;
    if (!lost.empty()) return t_.warnings.add("dropped", "messages[]." + std::string(lost));
    if (is_there || !has_plain) return;
    if (t_.target.verifies_thinking)
      return t_.warnings.add("dropped", "messages[].reasoning_content");
    put_thinking(plain.raw(),
                 t_.target.seal == nullptr
                     ? std::string()
                     : t_.target.seal->seal(*plain.string(), ThinkingSeal::Text::kept_by_client));
  }

  ChatTranslation& t_;
  NewestUser newest_;
  CallPairs pairs_{"tool_calls"};
  std::size_t index_ = 0;  // of the message at hand
  std::string legacy_id_;
  // The assistant's turn so far, and the user's after it.
  std::string assistant_;
  bool begins_with_thinking_ = false;
  std::vector<std::string> called_;                           // ids, in order
  std::map<std::string, std::string, std::less<>> sent_ids_;  // what they are upstream
  std::map<std::string, std::string, std::less<>> results_;   // blocks by id
  std::string user_;
  // Of the whole conversation.
  std::set<std::string> given_;              // ids upstream
  std::map<std::string, std::size_t> used_;  // how often each was made new
  // System messages that came while calls waited for their results.
  std::string held_text_;
  std::string held_system_;
};

}  // namespace

std::string text_block(std::string_view escaped) {
  if (without_end_space(escaped).empty()) return {};
  return R"({"type":"text","text":")" + std::string(escaped) + "\"}";
}

Result<void> retell_history(ChatTranslation& t) {
  Retelling retelling(t);
  std::size_t index = 0;
  for (JsonView message = t.root.find("messages").first(); message.present();
       message = message.after(), ++index) {
    if (message.find("name").given() && !message.find("role").equals("function"))
      t.warnings.add("dropped", "messages[].name");
    if (auto added = retelling.add(message, index); !added) return added;
  }
  return retelling.finish();
}

}  // namespace glmgate::protocol
