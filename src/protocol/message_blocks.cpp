// Content blocks of Anthropic's messages, one by one, as pieces of a chat message.
#include <algorithm>
#include <array>

#include "base/json.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"
#include "protocol/request_parts.h"

namespace glmgate::protocol {
namespace {

std::string image_part(std::string_view escaped_url) {
  return R"({"type":"image_url","image_url":{"url":")" + std::string(escaped_url) + "\"}}";
}

Result<std::string> image_url(const MessagesTranslation& t, JsonView source) {
  const JsonView type = source.find("type");
  if (type.equals("url")) return std::string(inside(source.find("url")));
  if (!type.equals("base64"))
    return unsupported(".source.type", "must be base64 or url: files of an account are not known");
  const JsonView media = source.find("media_type");
  const bool is_common =
      media.equals("image/jpeg") || media.equals("image/jpg") || media.equals("image/png");
  if (!is_common && !media.equals("image/gif") && !media.equals("image/webp"))
    return wrong(".source.media_type", "image/jpeg, image/png, image/gif or image/webp");
  if (!is_common && !t.rules.takes_every_image)
    return unsupported(".source.media_type",
                       "cannot be sent: this model takes image/jpeg and image/png");
  std::string url = "data:";
  (url += inside(media)) += ";base64,";
  return url += inside(source.find("data"));
}

Result<void> put_image(MessagesTranslation& t, JsonView block, BlockSink& sink) {
  if (!t.rules.takes_images) return unsupported("", unreadable(Medium::image, t.rules.model));
  const auto url = image_url(t, block.find("source"));
  if (!url) return fail(url.error());
  sink.attach("image", image_part(*url));
  return {};
}

/// Title and context of a document, each a line before its text.
std::string document_head(JsonView block) {
  std::string head;
  for (const std::string_view key : {"title", "context"})
    if (const auto line = inside(block.find(key)); !line.empty()) (head += line) += "\\n";
  return head;
}

Result<void> put_document_content(MessagesTranslation& t, JsonView block, BlockSink& sink) {
  const JsonView content = block.find("source").find("content");
  std::string head = document_head(block);
  if (content.is(JsonType::string)) {
    sink.text(head += inside(content));
    return {};
  }
  std::size_t index = 0;
  for (JsonView piece = content.first(); piece.present(); piece = piece.after(), ++index) {
    if (piece.find("type").equals("text")) {
      sink.text(head += inside(piece.find("text")));
      head.clear();
      continue;
    }
    if (!head.empty()) sink.text(std::string_view(head).substr(0, head.size() - 2));
    head.clear();
    auto put =
        piece.find("type").equals("image") ? put_block(t, piece, sink) : drop_block(t, piece);
    if (!put) return under(".source." + at_index("content", index), std::move(put.error()));
  }
  return {};
}

Result<void> put_document(MessagesTranslation& t, JsonView block, BlockSink& sink) {
  if (block.find("citations").find("enabled").boolean() == true)
    t.warnings.add("dropped", "messages[].content[].citations");
  const JsonView source = block.find("source");
  const JsonView type = source.find("type");
  if (type.equals("content")) return put_document_content(t, block, sink);
  if (type.equals("text")) {
    sink.text(document_head(block) += inside(source.find("data")));
    return {};
  }
  const bool takes_files = t.rules.to_glm && t.rules.takes_images;  // GLM's vision models
  if (!type.equals("url") || !takes_files)
    return unsupported(".source.type", "cannot be sent: this model reads documents as text only");
  if (const std::string head = document_head(block); !head.empty())
    sink.text(std::string_view(head).substr(0, head.size() - 2));
  sink.attach("file", R"({"type":"file_url","file_url":{"url":)" +
                          std::string(source.find("url").raw()) + "}}");
  return {};
}

void put_search_result(MessagesTranslation& t, JsonView block, BlockSink& sink) {
  if (block.find("citations").find("enabled").boolean() == true)
    t.warnings.add("dropped", "messages[].content[].citations");
  std::string text = "[" + std::string(inside(block.find("source"))) + "] ";
  (text += inside(block.find("title"))) += "\\n";
  sink.text(text += joined_texts(t, block.find("content"), "\\n"));
}

}  // namespace

void UserContent::text(std::string_view escaped) {
  if (escaped.empty()) return;
  ++count_;
  if (!parts_.empty()) parts_ += ',';
  parts_ += R"({"type":"text","text":")";
  text_begin_ = parts_.size();
  text_size_ = escaped.size();
  parts_ += escaped;
  parts_ += "\"}";
}

void UserContent::attach(std::string_view /*what*/, std::string_view part) {
  ++count_;
  ++attached_;
  append_element(parts_, part);
}

std::string UserContent::take() {
  const bool is_one_text = count_ == 1 && attached_ == 0;
  std::string out =
      is_one_text ? '"' + parts_.substr(text_begin_, text_size_) + '"' : '[' + parts_ + ']';
  *this = {};
  return out;
}

std::string call_id(JsonView id) {
  if (!inside(id).starts_with("toolu_hx_")) return std::string(id.raw());
  const std::string original = original_call_id(*id.string());
  return is_utf8(original) && !original.empty() ? json::quote(original) : std::string(id.raw());
}

std::string joined_texts(MessagesTranslation& t, JsonView content, std::string_view between) {
  if (content.is(JsonType::string)) return std::string(inside(content));
  std::string out;
  for (JsonView block = content.first(); block.present(); block = block.after()) {
    const std::string_view text = inside(block.find("text"));
    if (!block.find("type").equals("text")) t.warnings.add("dropped", "messages[].content[]");
    if (text.empty()) continue;
    if (!out.empty()) out += between;
    out += text;
  }
  return out;
}

Result<void> drop_block(MessagesTranslation& t, JsonView block) {
  const JsonView type = block.find("type");
  constexpr std::array kNeeded{"container_upload", "mcp_tool_use", "mcp_tool_result",
                               "mcp_tool_listing", "compaction",   "fallback"};
  const auto is_type = [&](std::string_view name) { return type.equals(name); };
  if (std::ranges::any_of(kNeeded, is_type))
    return unsupported(".type",
                       "cannot be sent: only Anthropic's own models know what to do with it");
  t.warnings.add("dropped", "messages[].content[" + type.string().value_or("") + "]");
  return {};
}

Result<void> put_block(MessagesTranslation& t, JsonView block, BlockSink& sink) {
  const JsonView type = block.find("type");
  if (type.equals("text")) {
    if (block.find("citations").first().present())
      t.warnings.add("dropped", "messages[].content[].citations");
    sink.text(inside(block.find("text")));
    return {};
  }
  if (const auto medium = medium_of(block)) {
    auto put = type.equals("image")      ? put_image(t, block, sink)
               : type.equals("document") ? put_document(t, block, sink)
                                         : drop_block(t, block);
    const bool omits = !put && put.error().code == FaultCode::unsupported_field && !t.is_newest &&
                       t.rules.images != MediaPolicy::refuse;
    if (!omits) return put;
    t.warnings.add("changed", "messages[].content[].source");
    sink.text(escaped(omitted(*medium, t.rules.model)));
    return {};
  }
  if (type.equals("search_result")) {
    put_search_result(t, block, sink);
    return {};
  }
  if (type.equals("tool_reference")) {
    const std::string name = t.tool_name(block.find("tool_name"));
    sink.text("Tool " + name.substr(1, name.size() - 2) + " is now available.");
    return {};
  }
  return drop_block(t, block);
}

}  // namespace glmgate::protocol
