#include "protocol/responses_parts.h"

#include <optional>

#include "base/base64url.h"
#include "base/json.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"

namespace glmgate::protocol {
namespace {

/// Base64 as data URLs have it.
std::optional<std::string> read_base64(std::string text) {
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  while (text.ends_with('=')) text.pop_back();
  return read_base64url(text);
}

bool is_text(std::string_view bytes) {
  if (bytes.find('\0') != std::string_view::npos) return false;
  return JsonTape::scan(json::quote(bytes), {}).has_value();  // it knows UTF-8
}

/// "data:text/plain;base64,..." or the base64 alone.
std::optional<std::string> decode_file(std::string_view data) {
  if (data.starts_with("data:")) {
    const auto comma = data.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    if (!data.substr(0, comma).ends_with(";base64")) return std::nullopt;
    data.remove_prefix(comma + 1);
  }
  auto bytes = read_base64(std::string(data));
  if (!bytes || !is_text(*bytes)) return std::nullopt;
  return bytes;
}

/// The base64 of a data URL, or all of it.
std::string_view base64_of(std::string_view data) {
  if (!data.starts_with("data:")) return data;
  const auto comma = data.find(',');
  return comma == std::string_view::npos ? std::string_view() : data.substr(comma + 1);
}

bool is_pdf_data(std::string_view data) {
  return data.starts_with("data:application/pdf") || base64_of(data).starts_with(kPdfBase64);
}

Result<std::string> file_text(JsonView part) {
  const std::string data = part.find("file_data").string().value_or("");
  if (is_pdf_data(data))
    return unsupported(".file_data", "is a PDF, which this model cannot read: send its text");
  const auto text = decode_file(data);
  if (!text) return unsupported(".file_data", "can be read only if it is text in base64");
  const std::string name = part.find("filename").string().value_or("");
  const std::string quoted = json::quote(name.empty() ? *text : "[" + name + "]\n" + *text);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

bool is_pdf(JsonView part) {
  return part.find("type").equals("input_file") &&
         is_pdf_data(part.find("file_data").string().value_or(""));
}

std::string chat_pdf(JsonView part) {
  const std::string data = part.find("file_data").string().value_or("");
  std::string out = R"({"type":"file","file":{"file_data":)" +
                    json::quote("data:application/pdf;base64," + std::string(base64_of(data)));
  if (const JsonView name = part.find("filename"); name.is(JsonType::string))
    (out += R"(,"filename":)") += name.raw();
  return out + "}}";
}

std::string chat_image(JsonView part) {
  const JsonView image = part.find("image_url");
  const bool nested = image.is(JsonType::object);
  const JsonView detail = (nested ? image : part).find("detail");
  std::string out = R"({"type":"image_url","image_url":{"url":)";
  out += (nested ? image.find("url") : image).raw();
  // Responses also knows "original", which chat does not.
  const bool is_known = detail.equals("auto") || detail.equals("low") || detail.equals("high");
  if (is_known) (out += R"(,"detail":)") += detail.raw();
  if (detail.equals("original")) out += R"(,"detail":"high")";
  return out + "}}";
}

Result<std::string> part_text(JsonView part) {
  const JsonView type = part.find("type");
  if (type.equals("input_file")) return file_text(part);
  return std::string(between_quotes(part.find(type.equals("refusal") ? "refusal" : "text")));
}

}  // namespace glmgate::protocol
