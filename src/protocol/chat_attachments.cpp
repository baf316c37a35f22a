// Images and files of chat messages as Anthropic's blocks.
#include <optional>

#include "base/json.h"
#include "protocol/chat_parts.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"

namespace glmgate::protocol {
namespace {

/// The bytes of an image say better what it is than its label: what they begin with, in base64.
std::string_view sniff_image(std::string_view base64) {
  struct Magic {
    std::string_view begin;
    std::string_view media_type;
  };
  constexpr Magic kMagic[] = {{"iVBORw0KGgo", "image/png"},
                              {"/9j/", "image/jpeg"},
                              {"R0lGOD", "image/gif"},
                              {"UklGR", "image/webp"}};
  for (const Magic& magic : kMagic)
    if (base64.starts_with(magic.begin)) return magic.media_type;
  return {};
}

bool is_known_image(std::string_view media_type) {
  return media_type == "image/png" || media_type == "image/jpeg" || media_type == "image/gif" ||
         media_type == "image/webp";
}

/// data:MEDIA;base64,DATA; nothing if it is no such URL.
struct DataUrl {
  std::string_view media_type;
  std::string_view base64;
};
std::optional<DataUrl> read_data_url(std::string_view url) {
  if (!url.starts_with("data:")) return std::nullopt;
  const auto comma = url.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  std::string_view head = url.substr(5, comma - 5);
  if (!head.ends_with(";base64")) return std::nullopt;
  head.remove_suffix(7);
  return DataUrl{head.substr(0, head.find(';')), url.substr(comma + 1)};
}

bool is_address(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

std::string base64_source(std::string_view media_type, std::string_view base64) {
  return R"({"type":"base64","media_type":")" + std::string(media_type) + R"(","data":)" +
         json::quote(base64) + "}";
}

std::string block_of(std::string_view type, std::string_view source) {
  return R"({"type":")" + std::string(type) + R"(","source":)" + std::string(source) + "}";
}

std::string url_source(std::string_view url) {
  return R"({"type":"url","url":)" + json::quote(url) + "}";
}

/// An https URL, a data URL, or the base64 alone, as Z.AI's SDK sends it.
Result<std::string> read_image(const ChatTranslation& t, JsonView part) {
  if (!t.target.takes_images) return unsupported("", unreadable(Medium::image, t.target.model));
  const JsonView image = part.find("image_url");
  const JsonView field = image.is(JsonType::object) ? image.find("url") : image;
  const std::string url = field.string().value_or("");
  const std::string path = image.is(JsonType::object) ? ".image_url.url" : ".image_url";
  if (is_address(url)) return block_of("image", url_source(url));
  const auto data = read_data_url(url);
  const std::string_view base64 = data ? data->base64 : std::string_view(url);
  std::string_view media_type = sniff_image(base64);
  if (media_type.empty() && data)
    media_type = data->media_type == "image/jpg" ? "image/jpeg" : data->media_type;
  if (!is_known_image(media_type))
    return wrong(path, "an http(s) URL, or a data URL of a PNG, JPEG, GIF or WebP image");
  return block_of("image", base64_source(media_type, base64));
}

Result<std::string> read_file(JsonView part) {
  const JsonView file = part.find("file");
  const std::string url = file.find("file_data").string().value_or("");
  const auto data = read_data_url(url);
  const std::string_view base64 = data ? data->base64 : std::string_view(url);
  const bool is_pdf =
      base64.starts_with(kPdfBase64) || (data && data->media_type == "application/pdf");
  if (!is_pdf) return unsupported(".file", "cannot be sent: only PDF files with their data are");
  std::string block = block_of("document", base64_source("application/pdf", base64));
  const JsonView name = file.find("filename");
  if (name.is(JsonType::string) && !name.equals("")) {
    block.pop_back();
    append_member(block, "title", name.raw());
    block += '}';
  }
  return block;
}

}  // namespace

Result<std::string> read_attachment(ChatTranslation& t, JsonView part) {
  const JsonView type = part.find("type");
  if (type.equals("image_url") || type.equals("input_image")) return read_image(t, part);
  if (type.equals("file")) return read_file(part);
  if (type.equals("input_audio") || type.equals("video_url"))
    return unsupported(".type", "cannot be sent: this upstream takes neither sound nor video");
  if (type.equals("file_url")) {
    const JsonView file = part.find("file_url");
    const std::string url =
        (file.is(JsonType::object) ? file.find("url") : file).string().value_or("");
    if (!is_address(url)) return wrong(".file_url.url", "an http(s) URL");
    return block_of("document", url_source(url));
  }
  return unsupported(".type", "is none that this upstream takes: text, image_url, file, file_url");
}

}  // namespace glmgate::protocol
