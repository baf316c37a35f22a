#include "protocol/responses_request.h"

#include "base/json.h"
#include "protocol/complaint.h"
#include "protocol/json_text.h"
#include "protocol/json_write.h"
#include "protocol/responses_parts.h"
#include "protocol/thinking_seal.h"
#include "protocol/warnings.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kLongestShown = 128;  // of an id that is not found

/// Pictures, and files that are no text, in messages and outputs.
Result<void> fit_media(Body& body, const ResponsesTarget& target, Warnings& warnings) {
  const JsonView input = body.root().find("input");
  const NewestUser newest = newest_of_items(input);
  std::size_t index = 0;
  for (JsonView item = input.first(); item.present(); item = item.after(), ++index) {
    for (const std::string_view key : {"content", "output"}) {
      std::size_t p = 0;
      for (JsonView part = item.find(key).first(); part.present(); part = part.after(), ++p) {
        const auto medium = medium_of(part);
        if (!medium || (*medium == Medium::file && part_text(part))) continue;
        if (target.images == MediaPolicy::refuse || newest.is(index))
          return unsupported(at_index("input", index) + "." + at_index(key, p),
                             unreadable(*medium, target.model));
        body.replace(part, R"({"type":"input_text","text":)" +
                               json::quote(omitted(*medium, target.model)) + "}");
        warnings.add("changed", "input[].content[].type");
      }
    }
  }
  return {};
}

std::string shown(std::string_view id) { return "'" + shorten(id, kLongestShown) + "'"; }

}  // namespace

Result<std::vector<std::string>> fit_responses_request(Body& body, const ResponsesTarget& target) {
  body.forget_splices();
  const JsonView root = body.root();
  Warnings warnings;
  if (!root.find("model").equals(target.model)) body.set("model", json::quote(target.model));
  if (!target.takes_images && target.images != MediaPolicy::pass)
    if (auto fitted = fit_media(body, target, warnings); !fitted)
      return fail(std::move(fitted.error()));
  for (JsonView item = root.find("input").first(); item.present(); item = item.after()) {
    if (!item.find("type").equals("reasoning") ||
        !ThinkingSeal::is_ours(inside(item.find("encrypted_content"))))
      continue;
    body.remove_value(item);
    warnings.add("dropped", "input[].encrypted_content");
  }
  return warnings.take();
}

bool is_responses_body(const Body& body) {
  return body.root().find("input").given() && !body.root().find("messages").given();
}

std::string previous_response_id(const Body& body) {
  return body.root().find("previous_response_id").string().value_or("");
}

bool wants_store(const Body& body) { return body.root().find("store").boolean().value_or(true); }

Result<void> refuse_references(const Body& body) {
  for (const std::string_view key : {"thread", "previous_message_id"})
    if (body.root().find(key).given())
      return unsupported(std::string(key), "is not supported: send the conversation in input");
  if (body.root().find("conversation").given())
    return unsupported("conversation", "is not supported: send the conversation in input");
  if (body.root().find("prompt").given())
    return unsupported("prompt", "is not supported: send its text in instructions");
  if (const std::string id = previous_response_id(body); !id.empty())
    return fail(previous_response_not_found(id));
  std::size_t index = 0;
  for (JsonView item = body.root().find("input").first(); item.present();
       item = item.after(), ++index) {
    const JsonView id = item.find("id");
    if (!item.find("type").equals("item_reference") || is_forgotten_reasoning(inside(id))) continue;
    Fault fault = item_not_found(id.string().value_or(""));
    fault.param = at_index("input", index) + ".id";
    return fail(std::move(fault));
  }
  return {};
}

Fault previous_response_not_found(std::string_view id) {
  return make_fault(FaultCode::previous_response_not_found,
                    "Previous response with id " + shown(id) +
                        " not found. Send the whole conversation in input, or set `store = true` "
                        "under [responses] in glmgate's configuration.",
                    "previous_response_id");
}

Fault item_not_found(std::string_view id) {
  return make_fault(FaultCode::not_stored,
                    "Item with id " + shown(id) +
                        " not found. Items are not persisted when `store` is set to false. Set "
                        "`store: false` in the client, so that it sends whole items, or `store = "
                        "true` under [responses] in glmgate's configuration.",
                    "input");
}

Fault response_not_found(std::string_view id) {
  return make_fault(FaultCode::not_stored, "Response with id " + shown(id) + " not found.");
}

}  // namespace glmgate::protocol
