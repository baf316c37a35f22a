#include "protocol/media.h"

namespace glmgate::protocol {
namespace {

struct Row {
  Medium medium;
  std::string_view name;
  std::string_view several;
};
constexpr Row kRows[] = {{Medium::image, "image", "images"},
                         {Medium::video, "video", "videos"},
                         {Medium::audio, "audio", "audio"},
                         {Medium::file, "file", "files other than text"}};

const Row& row_of(Medium medium) { return kRows[static_cast<std::size_t>(medium)]; }

std::string name_of(std::string_view model) {
  return std::string(model.empty() ? "this model" : model);
}

bool has_result(JsonView content) {
  for (JsonView block = content.first(); block.present(); block = block.after())
    if (block.find("type").equals("tool_result")) return true;
  return false;
}

}  // namespace

std::optional<Medium> medium_of(JsonView part) {
  struct Known {
    std::string_view type;
    Medium medium;
  };
  constexpr Known kKnown[] = {
      {"image_url", Medium::image}, {"image", Medium::image},   {"input_image", Medium::image},
      {"video_url", Medium::video}, {"video", Medium::video},   {"input_video", Medium::video},
      {"audio_url", Medium::audio}, {"audio", Medium::audio},   {"input_audio", Medium::audio},
      {"file", Medium::file},       {"file_url", Medium::file}, {"input_file", Medium::file},
      {"document", Medium::file}};
  const JsonView type = part.find("type");
  for (const Known& known : kKnown)
    if (type.equals(known.type)) return known.medium;
  return std::nullopt;
}

std::string omitted(Medium medium, std::string_view model) {
  const Row& row = row_of(medium);
  return "[" + std::string(row.name) + " omitted: " + name_of(model) + " does not read " +
         std::string(row.several) + "]";
}

std::string unreadable(Medium medium, std::string_view model) {
  return "cannot be sent: " + name_of(model) + " does not accept " +
         std::string(row_of(medium).several) + "; ask a model that does, or leave it out";
}

NewestUser newest_of_chat(JsonView messages) {
  NewestUser newest;
  std::size_t index = 0;
  for (JsonView message = messages.first(); message.present(); message = message.after(), ++index) {
    const JsonView role = message.find("role");
    if (role.equals("assistant")) newest.model_speaks();
    if (role.equals("tool") || role.equals("function")) newest.tool_answers();
    if (role.equals("user")) newest.user_speaks(index);
  }
  return newest;
}

NewestUser newest_of_messages(JsonView messages) {
  NewestUser newest;
  std::size_t index = 0;
  for (JsonView message = messages.first(); message.present(); message = message.after(), ++index) {
    const JsonView role = message.find("role");
    if (role.equals("assistant")) newest.model_speaks();
    if (!role.equals("user")) continue;
    if (has_result(message.find("content")))
      newest.tool_answers();
    else
      newest.user_speaks(index);
  }
  return newest;
}

NewestUser newest_of_items(JsonView input) {
  NewestUser newest;
  std::size_t index = 0;
  for (JsonView item = input.first(); item.present(); item = item.after(), ++index) {
    const std::string type = item.find("type").string().value_or("message");
    const JsonView role = item.find("role");
    if (type.ends_with("_output"))
      newest.tool_answers();
    else if (type == "reasoning" || type.ends_with("_call") || role.equals("assistant"))
      newest.model_speaks();
    else if (type == "message" && role.equals("user"))
      newest.user_speaks(index);
  }
  return newest;
}

}  // namespace glmgate::protocol
