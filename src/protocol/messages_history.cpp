// The system prompt and the conversation of Anthropic's messages as chat messages (wire-protocols
// 3.2).
#include <algorithm>

#include "protocol/complaint.h"
#include "protocol/json_write.h"
#include "protocol/request_parts.h"

namespace glmgate::protocol {
namespace {

/// Claude Code's line about who pays. It changes with every request, and at the beginning of the
/// prompt that costs the whole cached prefix.
constexpr std::string_view kBillingHeader = "x-anthropic-billing-header:";

bool is_billing(JsonView block) { return inside(block.find("text")).starts_with(kBillingHeader); }

std::string with_role(std::string_view role, std::string_view content) {
  return R"({"role":")" + std::string(role) + R"(","content":)" + std::string(content) + "}";
}

bool looks_like_an_error(std::string_view text) {
  constexpr std::string_view kWords[] = {"error",     "exception", "failed",
                                         "traceback", "fatal",     "<tool_use_error"};
  const auto begins = [&](std::string_view word) {
    return text.size() >= word.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
             return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
           });
  };
  return std::ranges::any_of(kWords, begins);
}

/// Content of a tool message. Chat's tool messages are text: images go to the user message behind
/// them, unless the upstream takes them here.
class ToolContent : public BlockSink {
 public:
  ToolContent(const MessagesRules& rules, UserContent& user, std::string_view id,
              std::size_t& images)
      : rules_(rules), user_(user), id_(id), images_(images) {}

  void text(std::string_view escaped) override {
    if (escaped.empty()) return;
    if (!text_.empty()) text_ += "\\n";
    text_ += escaped;
  }

  void attach(std::string_view what, std::string_view part) override {
    if (rules_.tool_image_parts) return append_element(parts_, part);
    text("[see attached " + std::string(what) + " " + std::to_string(++images_) + "]");
    if (!announced_)
      user_.text((what == "image" ? "Image from tool call " : "File from tool call ") +
                 std::string(id_) + ":");
    announced_ = true;
    user_.attach(what, part);
  }

  /// OpenAI has no place for is_error: the words must say it.
  std::string take(bool is_error) {
    if (is_error && text_.empty()) text_ = "(no output)";
    if (is_error && !looks_like_an_error(text_)) text_.insert(0, "Error: ");
    if (parts_.empty()) return '"' + text_ + '"';
    const std::string first = text_.empty() ? "" : R"({"type":"text","text":")" + text_ + "\"},";
    return '[' + first + parts_ + ']';
  }

 private:
  const MessagesRules& rules_;
  UserContent& user_;
  std::string_view id_;
  std::size_t& images_;
  std::string text_;
  std::string parts_;
  bool announced_ = false;
};

class History {
 public:
  explicit History(MessagesTranslation& t) : t_(t) {}

  Result<void> add(JsonView message) {
    const JsonView role = message.find("role");
    if (role.equals("assistant")) return add_assistant(message);
    if (role.equals("user")) return add_user(message);
    add_system(message);
    return {};
  }

  void finish() {
    end_turn();
    waiting_ = 0;
    release();
  }

 private:
  /// Says `message`, or keeps it until every call has its tool message: nothing may stand between.
  void say(std::string_view message) {
    if (waiting_ == 0) return t_.say(message);
    append_element(held_, message);
  }

  void release() {
    if (waiting_ == 0 && !held_.empty()) t_.say(held_);
    if (waiting_ == 0) held_.clear();
  }

  void add_system(JsonView message) {
    if (t_.rules.mid_system == MessagesRules::MidSystem::fold) return;
    const std::string text = joined_texts(t_, message.find("content"), "\\n\\n");
    if (text.empty()) return;
    const std::string said =
        t_.rules.mid_system == MessagesRules::MidSystem::user
            ? with_role("user", "\"<system-reminder>\\n" + text + "\\n</system-reminder>\"")
            : with_role("system", '"' + text + '"');
    if (!calls_.empty()) return append_element(held_, said);
    end_turn();
    say(said);
  }

  Result<void> add_user(JsonView message) {
    end_turn();
    const JsonView content = message.find("content");
    UserContent user;
    if (content.is(JsonType::string)) user.text(inside(content));
    if (content.equals("")) t_.warnings.add("dropped", "messages[].content");
    std::size_t images = 0;
    std::size_t index = 0;
    bool answers_calls = false;
    for (JsonView block = content.first(); block.present(); block = block.after(), ++index) {
      warn_of_empty(block);
      answers_calls = answers_calls || block.find("type").equals("tool_result");
      auto put = block.find("type").equals("tool_result") ? add_result(block, user, images)
                                                          : put_block(t_, block, user);
      if (!put) return under(".content" + at_index("", index), std::move(put.error()));
    }
    release();
    if (!user.empty()) {
      say(with_role("user", user.take()));
    } else if (!answers_calls && !message.after().present()) {
      return fail(FaultCode::bad_value, ".content: text content blocks must be non-empty",
                  ".content");
    }
    return {};
  }

  Result<void> add_result(JsonView block, UserContent& user, std::size_t& images) {
    const std::string id = call_id(block.find("tool_use_id"));
    ToolContent result(t_.rules, user, std::string_view(id).substr(1, id.size() - 2), images);
    const JsonView content = block.find("content");
    if (content.is(JsonType::string)) result.text(inside(content));
    std::size_t index = 0;
    for (JsonView piece = content.first(); piece.present(); piece = piece.after(), ++index)
      if (auto put = put_block(t_, piece, result); !put)
        return under(".content" + at_index("", index), std::move(put.error()));
    t_.say(R"({"role":"tool","tool_call_id":)" + id + R"(,"content":)" +
           result.take(block.find("is_error").boolean() == true) + "}");
    if (waiting_ > 0) --waiting_;
    return {};
  }

  /// Assistant messages in a row are one turn: calls of both are answered together.
  Result<void> add_assistant(JsonView message) {
    const JsonView content = message.find("content");
    if (in_turn_ && !text_.empty()) text_ += "\\n\\n";
    in_turn_ = true;
    if (content.is(JsonType::string)) text_ += inside(content);
    std::size_t index = 0;
    for (JsonView block = content.first(); block.present(); block = block.after(), ++index)
      if (auto put = add_assistant_block(block); !put)
        return under(".content" + at_index("", index), std::move(put.error()));
    return {};
  }

  /// Anthropic refuses empty text. Here it is nothing to send.
  void warn_of_empty(JsonView block) {
    if (block.find("text").equals("")) t_.warnings.add("dropped", "messages[].content[].text");
  }

  Result<void> add_assistant_block(JsonView block) {
    const JsonView type = block.find("type");
    if (type.equals("text")) {
      if (block.find("citations").first().present())
        t_.warnings.add("dropped", "messages[].content[].citations");
      warn_of_empty(block);
      text_ += inside(block.find("text"));
    } else if (type.equals("thinking")) {
      add_thinking(block);
    } else if (type.equals("tool_use")) {
      add_call(block);
    } else if (type.equals("server_tool_use")) {
      add_server_call(block);
    } else if (type.equals("web_search_tool_result")) {
      add_search_results(block.find("content"));
    } else if (type.equals("image") || type.equals("document")) {
      return unsupported(".type", "cannot be sent in an assistant message");
    } else {
      return drop_block(t_, block);
    }
    return {};
  }

  /// Only what we sealed is the thinking of a GLM model, word for word.
  void add_thinking(JsonView block) {
    const JsonView signature = block.find("signature");
    if (t_.rules.seal != nullptr && ThinkingSeal::is_ours(inside(signature)))
      if (const auto thought =
              t_.rules.seal->open(*signature.string(), *block.find("thinking").string())) {
        reasoning_ += escaped(*thought);
        return;
      }
    t_.warnings.add("dropped", "messages[].content[].thinking");
  }

  void add_call(JsonView block) {
    if (!calls_.empty()) calls_ += ',';
    ++called_;
    calls_ += R"({"id":)" + call_id(block.find("id")) +
              R"(,"type":"function","function":{"name":)" + t_.tool_name(block.find("name")) +
              R"(,"arguments":)";
    const JsonView input = block.find("input");
    append_quoted_compact(calls_, input.is(JsonType::object) ? input.raw() : "{}");
    calls_ += "}}";
  }

  void add_line(std::string_view escaped_line) {
    if (!text_.empty()) text_ += "\\n";
    text_ += escaped_line;
  }

  void add_server_call(JsonView block) {
    t_.warnings.add("changed", "messages[].content[server_tool_use]");
    if (block.find("name").equals("web_search"))
      add_line("[web search: " + std::string(inside(block.find("input").find("query"))) + "]");
  }

  void add_search_results(JsonView results) {
    for (JsonView result = results.first(); result.present(); result = result.after())
      if (result.find("url").is(JsonType::string))
        add_line(std::string(inside(result.find("title"))) + " \u2014 " +
                 std::string(inside(result.find("url"))));
  }

  void end_turn() {
    in_turn_ = false;
    if (text_.empty() && reasoning_.empty() && calls_.empty()) return;
    std::string said = R"({"role":"assistant","content":)";
    said += text_.empty() && !calls_.empty() ? "null" : '"' + text_ + '"';
    if (!reasoning_.empty()) said += R"(,"reasoning_content":")" + reasoning_ + '"';
    if (!calls_.empty()) said += R"(,"tool_calls":[)" + calls_ + ']';
    said += '}';
    t_.say(said);
    waiting_ += called_;
    called_ = 0;
    text_.clear();
    reasoning_.clear();
    calls_.clear();
  }

  MessagesTranslation& t_;
  std::string held_;         // messages that wait for tool messages
  std::size_t waiting_ = 0;  // calls said and not answered
  // The assistant's turn so far, escaped.
  bool in_turn_ = false;
  std::string text_;
  std::string reasoning_;
  std::string calls_;
  std::size_t called_ = 0;
};

}  // namespace

void MessagesTranslation::say(std::string_view message) { append_element(messages, message); }

Result<void> translate_system(MessagesTranslation& t) {
  const JsonView system = t.root.find("system");
  std::string text;
  const auto add = [&](std::string_view more) {
    if (!text.empty() && !more.empty()) text += "\\n\\n";
    text += more;
  };
  if (system.is(JsonType::string)) add(inside(system));
  for (JsonView block = system.first(); block.present(); block = block.after()) {
    const bool is_first = block.begin() == system.first().begin();
    if (!(is_first && is_billing(block))) add(inside(block.find("text")));
  }
  if (t.rules.mid_system == MessagesRules::MidSystem::fold)
    for (JsonView message = t.root.find("messages").first(); message.present();
         message = message.after())
      if (message.find("role").equals("system"))
        add(joined_texts(t, message.find("content"), "\\n\\n"));
  if (!text.empty()) t.say(with_role("system", '"' + text + '"'));
  return {};
}

Result<void> translate_history(MessagesTranslation& t) {
  History history(t);
  const NewestUser newest = newest_of_messages(t.root.find("messages"));
  std::size_t index = 0;
  JsonView last;
  for (JsonView message = t.root.find("messages").first(); message.present();
       message = message.after(), ++index) {
    t.is_newest = newest.is(index);
    if (auto added = history.add(message); !added)
      return under(at_index("messages", index), std::move(added.error()));
    last = message;
  }
  history.finish();
  if (t.messages.empty()) return wrong("messages", "of at least one message with content in it");
  // GLM may begin anew instead of going on where the client's words end.
  if (t.rules.to_glm && last.find("role").equals("assistant"))
    t.warnings.add("not_enforced", at_index("messages", index - 1));
  return {};
}

}  // namespace glmgate::protocol
