#include "protocol/top_level.h"

#include <algorithm>

#include "protocol/complaint.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kLongestModel = 160;  // what the ledger holds

/// C0, DEL and C1 in UTF-8. A name goes on the books, into the log and to terminals.
bool has_controls(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next < 0xa0)) return true;
  }
  return false;
}
constexpr std::size_t kMostFields = 1000;  // every reader looks fields up by walking them

bool differs_only_in_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() && a != b &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string bounded(std::string_view must, const Field& field) {
  const auto text = [](double bound) { return std::to_string(static_cast<std::int64_t>(bound)); };
  if (field.most > 1e12) return std::string(must) + " of at least " + text(field.least);
  return std::string(must) + " from " + text(field.least) + " to " + text(field.most);
}

Result<void> check_field(const Field& field, JsonView value) {
  const std::string name(field.name);
  const bool has_bounds = field.least != 0 || field.most != 0;
  const auto in_bounds = [&](double x) {
    return !has_bounds || (x >= field.least && x <= field.most);
  };
  switch (field.shape) {
    case Shape::text:
      if (!value.is(JsonType::string)) return wrong(name, "a string");
      return {};
    case Shape::flag:
      if (!value.boolean()) return wrong(name, "true or false");
      return {};
    case Shape::object:
      if (!value.is(JsonType::object)) return wrong(name, "an object");
      return {};
    case Shape::whole: {
      const auto number = value.integer();
      if (!number || !in_bounds(static_cast<double>(*number)))
        return wrong(name, has_bounds ? bounded("a whole number", field) : "a whole number");
      return {};
    }
    case Shape::number: {
      const auto number = value.number();
      if (!number || !in_bounds(*number)) return wrong(name, bounded("a number", field));
      return {};
    }
    case Shape::special:
      return {};
  }
  return {};
}

}  // namespace

JsonView TopLevel::operator[](std::string_view name) const {
  for (std::size_t i = 0; i < fields_.size(); ++i)
    if (fields_[i].name == name) return values_[i];
  return {};
}

Result<TopLevel> TopLevel::read(JsonView root, std::span<const Field> fields) {
  TopLevel top;
  top.fields_ = fields;
  top.values_.resize(fields.size());
  std::size_t count = 0;
  for (JsonView member = root.first(); member.present(); member = member.after()) {
    const std::string key = member.key();
    if (++count > kMostFields)
      return fail(FaultCode::bad_value, "the body must have at most 1000 fields", key);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (key.size() != fields[i].name.size()) continue;
      if (differs_only_in_case(key, fields[i].name))
        return fail(
            FaultCode::bad_value,
            "the key " + key + " differs from " + std::string(fields[i].name) + " only in case",
            key);
      if (key != fields[i].name) continue;
      if (!member.given()) break;
      top.values_[i] = member;
      if (auto checked = check_field(fields[i], member); !checked)
        return fail(std::move(checked.error()));
      break;
    }
  }
  return top;
}

Result<void> check_model(JsonView model) {
  if (!model.given()) return missing("model");
  if (!model.is(JsonType::string) || model.equals("")) return wrong("model", "the name of a model");
  if (model.text_bytes() > kLongestModel)
    return wrong("model", "the name of a model, of at most 160 bytes");
  if (has_controls(*model.string()))
    return wrong("model", "the name of a model, without control characters");
  return {};
}

Result<void> check_typed_object(std::string_view name, JsonView value) {
  if (!value.given()) return {};
  if (!value.is(JsonType::object)) return wrong(std::string(name), "an object");
  const JsonView type = value.find("type");
  if (type.given() && !type.is(JsonType::string))
    return wrong(std::string(name) + ".type", "a string");
  return {};
}

Result<void> check_stops(std::string_view name, JsonView value) {
  if (auto checked = check_strings(name, value); !checked) return checked;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (JsonView word = value.first(); word.present(); word = word.after()) {
    bytes += word.text_bytes();
    if (++count > kMostStops || bytes > kMostStopBytes)
      return wrong(std::string(name), "at most " + std::to_string(kMostStops) + " strings, and " +
                                          std::to_string(kMostStopBytes) + " bytes in all");
  }
  return {};
}

Result<void> check_strings(std::string_view name, JsonView value) {
  if (!value.given()) return {};
  if (!value.is(JsonType::array)) return wrong(std::string(name), "an array of strings");
  std::size_t index = 0;
  for (JsonView word = value.first(); word.present(); word = word.after(), ++index)
    if (!word.is(JsonType::string)) return wrong(at_index(name, index), "a string");
  return {};
}

}  // namespace glmgate::protocol
