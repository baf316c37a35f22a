#include "sandbox/schema.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sandbox/pattern.h"

namespace glmgate::sandbox {
namespace {

constexpr int kDeepest = 24;
constexpr int kWilling = 6;    // up to here also what is not required
constexpr int kMostHops = 16;  // of $ref and of nested allOf/anyOf
constexpr std::size_t kMostItems = 64;
constexpr std::size_t kMostNodes =
    4'000;  // of the whole example: a small schema can ask for a huge value
constexpr std::size_t kMostText = 10'000;
constexpr std::size_t kLongestHint = 256;  // of a name that tells what stands in it
// What work is counted in: the bytes of texts, and for what goes with each value as much again.
constexpr std::size_t kValueWork = 32;
constexpr std::size_t kStepWork = 16;  // of a pattern

std::string_view view(const json::value& text) {
  const auto& s = text.get_string();
  return {s.data(), s.size()};
}

std::string_view view(const json::object::value_type& member) {
  return {member.key().data(), member.key().size()};
}

const json::value* find_given(const json::object& in, std::string_view key) {
  return in.if_contains({key.data(), key.size()});
}

std::optional<double> number(const json::object& schema, std::string_view key) {
  const json::value* found = find_given(schema, key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->to_number<double>();
}

std::size_t size_or(const json::object& schema, std::string_view key, std::size_t otherwise) {
  const auto found = number(schema, key);
  if (!found || !(*found >= 0)) return otherwise;
  return *found > 1e9 ? std::size_t{1'000'000'000} : static_cast<std::size_t>(*found);
}

const json::array* find_array(const json::object& schema, std::string_view key) {
  const json::value* found = find_given(schema, key);
  return found == nullptr ? nullptr : found->if_array();
}

const json::object* find_object(const json::object& schema, std::string_view key) {
  const json::value* found = find_given(schema, key);
  return found == nullptr ? nullptr : found->if_object();
}

/// What a property of this name usually holds. Harmless if an agent really acts on it.
std::string_view text_for(std::string_view name) {
  struct Row {
    std::string_view part;
    std::string_view text;
  };
  static constexpr Row kRows[] = {
      {"command", "echo sandbox"},
      {"cmd", "echo sandbox"},
      {"url", "https://example.com/"},
      {"path", "sandbox.txt"},
      {"file", "sandbox.txt"},
      {"city", "Oslo"},
      {"location", "Oslo"},
      {"place", "Oslo"},
      {"country", "Norway"},
      {"email", "sandbox@example.com"},
      {"date", "2026-01-02"},
      {"language", "en"},
      {"unit", "celsius"},
      {"name", "Sandbox"},
      {"title", "Sandbox"},
      {"query", "sandbox"},
      {"pattern", "sandbox"},
  };
  std::string lower(name.substr(0, kLongestHint));
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  for (const Row& row : kRows)
    if (lower.find(row.part) != std::string::npos) return row.text;
  return "sandbox";
}

std::string_view text_of_format(std::string_view format) {
  struct Row {
    std::string_view format;
    std::string_view text;
  };
  static constexpr Row kRows[] = {
      {"date-time", "2026-01-02T03:04:05Z"},
      {"date", "2026-01-02"},
      {"time", "03:04:05Z"},
      {"duration", "PT1H"},
      {"email", "sandbox@example.com"},
      {"idn-email", "sandbox@example.com"},
      {"hostname", "example.com"},
      {"idn-hostname", "example.com"},
      {"ipv4", "192.0.2.1"},
      {"ipv6", "2001:db8::1"},
      {"uri", "https://example.com/"},
      {"url", "https://example.com/"},
      {"iri", "https://example.com/"},
      {"uri-reference", "/sandbox"},
      {"uuid", "00000000-0000-4000-8000-000000000001"},
      {"regex", "sandbox"},
      {"json-pointer", "/sandbox"},
      {"byte", "c2FuZGJveA=="},
  };
  for (const Row& row : kRows)
    if (row.format == format) return row.text;
  return {};
}

/// "a~1b%25" of a JSON pointer in a URI fragment, back to "a/b%".
std::string unescape_pointer(std::string_view part) {
  const auto hex = [](char c) {
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
  };
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '~' && i + 1 < part.size()) {
      text += part[++i] == '1' ? '/' : '~';
    } else if (part[i] == '%' && i + 2 < part.size() && hex(part[i + 1]) >= 0 &&
               hex(part[i + 2]) >= 0) {
      text += static_cast<char>(hex(part[i + 1]) * 16 + hex(part[i + 2]));
      i += 2;
    } else {
      text += part[i];
    }
  }
  return text;
}

class Synthesiser {
 public:
  Synthesiser(const json::value& root, Dice dice, std::size_t work)
      : root_(root), dice_(dice), left_(work + work_of(root)) {}

  json::value make(const json::value& schema, std::string_view name, int depth) {
    if (++nodes_ > kMostNodes || depth > kDeepest || !spend(kValueWork)) return nullptr;
    const json::object* given = schema.if_object();
    if (given == nullptr) return json::string_view("sandbox");  // `true`, or not a schema
    if (is_plain(*given)) return make_by(*given, name, depth);
    return make_by(flatten(*given, 0), name, depth);
  }

 private:
  json::value make_by(const json::object& flat, std::string_view name, int depth) {
    if (const json::value* fixed = choose_given(flat))
      return spend_on(*fixed) ? *fixed : json::value(nullptr);
    const std::string type = choose_type(flat);
    if (type == "object") return make_object(flat, depth);
    if (type == "array") return make_array(flat, name, depth);
    if (type == "integer") return make_number(flat, true);
    if (type == "number") return make_number(flat, false);
    if (type == "boolean") return dice_.roll(2) == 0;
    if (type == "null") return nullptr;
    return make_text(flat, name);
  }

  /// Takes `work` from what is left; false, and nothing is left, if there was not enough.
  bool spend(std::size_t work) {
    const bool enough = work <= left_;
    left_ = enough ? left_ - work : 0;
    return enough;
  }

  /// The same for a copy of `value`.
  bool spend_on(const json::value& value) {
    if (const json::object* object = value.if_object())
      return spend(kValueWork) && std::ranges::all_of(*object, [this](const auto& member) {
               return spend(member.key().size()) && spend_on(member.value());
             });
    if (const json::array* array = value.if_array())
      return spend(kValueWork) && std::ranges::all_of(*array, [this](const json::value& each) {
               return spend_on(each);
             });
    return spend(kValueWork + (value.is_string() ? value.get_string().size() : 0));
  }

  static std::size_t work_of(const json::value& value) {
    Synthesiser meter;
    meter.spend_on(value);
    return std::numeric_limits<std::size_t>::max() / 2 - meter.left_;
  }

  Synthesiser() : root_(kNothing), dice_(0), left_(std::numeric_limits<std::size_t>::max() / 2) {}

  static bool is_reference(const json::object& schema, std::string_view key) {
    const json::value* ref = key == "$ref" ? find_given(schema, key) : nullptr;
    return ref != nullptr && ref->is_string();
  }
  static bool is_composed(const json::object& schema, std::string_view key) {
    return (key == "allOf" || key == "anyOf" || key == "oneOf") &&
           find_array(schema, key) != nullptr;
  }
  static bool is_plain(const json::object& schema) {
    for (const std::string_view key : {"$ref", "allOf", "anyOf", "oneOf"})
      if (is_reference(schema, key) || is_composed(schema, key)) return false;
    return true;
  }

  /// The schema without $ref, allOf, anyOf and oneOf: what they say stands in it, as far as the
  /// work allows.
  json::object flatten(const json::object& schema, int hops) {
    json::object flat;
    for (const auto& [key, value] : schema) {
      if (is_reference(schema, key) || is_composed(schema, key)) continue;
      if (!spend(key.size()) || !spend_on(value)) return flat;
      flat[key] = value;
    }
    if (hops > kMostHops || ++nodes_ > kMostNodes) return flat;
    if (is_reference(schema, "$ref")) {
      const json::value* target = resolve(view(*find_given(schema, "$ref")));
      if (target != nullptr && target->is_object())
        merge(flat, flatten(target->get_object(), hops + 1));
    }
    if (const json::array* all = find_array(schema, "allOf"))
      for (const json::value& each : *all) {
        if (!spend(kValueWork)) return flat;
        if (each.is_object()) merge(flat, flatten(each.get_object(), hops + 1));
      }
    for (const char* key : {"anyOf", "oneOf"})
      if (const json::array* choices = find_array(schema, key)) {
        for (const json::value& each : *choices)
          if (!spend(kValueWork)) {
            return flat;
          } else if (each.is_object() && !is_null_type(each.get_object())) {
            merge(flat, flatten(each.get_object(), hops + 1));
            break;
          }
        if (flat.empty() && !choices->empty()) flat["type"] = "null";
      }
    return flat;
  }

  static bool is_null_type(const json::object& schema) {
    const json::value* type = find_given(schema, "type");
    return type != nullptr && type->is_string() && view(*type) == "null";
  }

  /// Adds `more` to `into`: properties are united, required lists joined, the narrower bound and
  /// the first word win.
  void merge(json::object& into, const json::object& more) {
    for (const auto& [key, value] : more) {
      json::value* old = into.if_contains(key);
      if (!spend(kValueWork)) return;
      if (old == nullptr) {
        if (spend(key.size()) && spend_on(value)) into[key] = value;
      } else if (key == "properties" && old->is_object() && value.is_object()) {
        for (const auto& [name, property] : value.get_object())
          merge_property(old->get_object(), name, property);
      } else if (key == "required" && old->is_array() && value.is_array()) {
        join(old->get_array(), value.get_array());
      } else if (old->is_number() && value.is_number() && key != "multipleOf") {
        const bool lower_bound = key.starts_with("min") || key.starts_with("exclusiveMin");
        const bool value_is_more = value.to_number<double>() > old->to_number<double>();
        if (lower_bound == value_is_more) *old = value;
      }
    }
  }

  void merge_property(json::object& properties, json::string_view name, const json::value& more) {
    json::value* old = properties.if_contains(name);
    if (!spend(kValueWork)) return;
    if (old != nullptr && old->is_object() && more.is_object())
      merge(old->get_object(), more.get_object());
    else if (old == nullptr && spend(name.size()) && spend_on(more))
      properties[name] = more;
  }

  /// Names that are not there yet, each once.
  void join(json::array& names, const json::array& more) {
    if (!spend(kValueWork * (names.size() + more.size()))) return;
    names.reserve(names.size() + more.size());  // what `known` views stays where it is
    std::unordered_set<std::string_view> known;
    for (const json::value& name : names)
      if (name.is_string()) known.insert(view(name));
    for (const json::value& name : more)
      if (name.is_string() && !known.contains(view(name)) && spend_on(name)) {
        names.push_back(name);
        known.insert(view(names.back()));
      }
  }

  const json::value* resolve(std::string_view ref) {
    if (!ref.starts_with('#') || !spend(ref.size())) return nullptr;
    const json::value* at = &root_;
    ref.remove_prefix(1);
    while (at != nullptr && ref.starts_with('/')) {
      ref.remove_prefix(1);
      const std::size_t end = std::min(ref.find('/'), ref.size());
      const std::string part = unescape_pointer(ref.substr(0, end));
      ref.remove_prefix(end);
      if (const json::array* list = at->if_array()) {
        std::size_t index = 0;
        for (const char c : part)
          index = c >= '0' && c <= '9' && index < 100'000
                      ? index * 10 + static_cast<std::size_t>(c - '0')
                      : 1'000'000;
        at = list->if_contains(index);
      } else {
        at = json::find(*at, part);
      }
    }
    return ref.empty() ? at : nullptr;
  }

  /// A value the schema itself gives, if it gives any.
  const json::value* choose_given(const json::object& schema) {
    if (const json::value* fixed = find_given(schema, "const")) return fixed;
    if (const json::array* values = find_array(schema, "enum");
        values != nullptr && !values->empty())
      return &(*values)[dice_.roll(values->size())];
    if (const json::value* usual = find_given(schema, "default");
        usual != nullptr && !usual->is_null())
      return usual;
    if (const json::array* examples = find_array(schema, "examples");
        examples != nullptr && !examples->empty())
      return &examples->front();
    return nullptr;
  }

  std::string choose_type(const json::object& schema) {
    if (const json::value* type = find_given(schema, "type")) {
      if (type->is_string()) return std::string(view(*type));
      if (type->is_array()) {
        for (const json::value& each : type->get_array())
          if (!spend(kValueWork) || (each.is_string() && view(each) != "null"))
            return each.is_string() ? std::string(view(each)) : "null";
        return "null";
      }
    }
    struct Hint {
      const char* key;
      const char* type;
    };
    static constexpr Hint kHints[] = {{"properties", "object"},
                                      {"required", "object"},
                                      {"additionalProperties", "object"},
                                      {"minProperties", "object"},
                                      {"items", "array"},
                                      {"prefixItems", "array"},
                                      {"contains", "array"},
                                      {"minItems", "array"},
                                      {"minimum", "number"},
                                      {"maximum", "number"},
                                      {"exclusiveMinimum", "number"},
                                      {"exclusiveMaximum", "number"},
                                      {"multipleOf", "number"}};
    for (const Hint& hint : kHints)
      if (schema.contains(hint.key)) return hint.type;
    return "string";
  }

  json::value make_object(const json::object& schema, int depth) {
    json::object made;
    const json::object* properties = find_object(schema, "properties");
    const json::array* required = find_array(schema, "required");
    const auto add = [&](std::string_view name) {
      if (!spend(kValueWork + name.size()) || made.size() >= kMostNodes) return false;
      const json::string_view key(name.data(), name.size());
      if (made.contains(key)) return true;
      const json::value* property = properties == nullptr ? nullptr : find_given(*properties, name);
      if (property == nullptr) property = find_given(schema, "additionalProperties");
      made[key] = property != nullptr && property->is_object() ? make(*property, name, depth + 1)
                                                               : json::value("sandbox");
      return true;
    };
    const std::size_t least = std::min(size_or(schema, "minProperties", 0), kMostItems);
    if (required != nullptr) {
      add_names(*required, add);
    } else if (properties != nullptr && depth < kWilling) {
      for (const auto& member : *properties)
        if (!add(view(member))) break;
    }
    add_dependents(schema, made, add);
    if (properties != nullptr)
      for (const auto& member : *properties)
        if (made.size() >= least || !add(view(member))) break;
    for (std::size_t i = 1; made.size() < least; ++i)
      if (!add("key" + std::to_string(i))) break;
    return made;
  }

  template <typename Add>
  static void add_names(const json::array& names, Add add) {
    for (const json::value& name : names)
      if (name.is_string() && !add(view(name))) return;
  }

  /// What is added may have dependents too: each name is looked at once, in the order in which they
  /// came.
  template <typename Add>
  static void add_dependents(const json::object& schema, const json::object& made, Add add) {
    const json::object* dependents = find_object(schema, "dependentRequired");
    if (dependents == nullptr) return;
    for (std::size_t i = 0; i < made.size(); ++i) {
      const std::string name(view(*(made.begin() + static_cast<std::ptrdiff_t>(i))));
      if (const json::array* needed = find_array(*dependents, name)) add_names(*needed, add);
    }
  }

  json::value make_array(const json::object& schema, std::string_view name, int depth) {
    static const json::value kAnything = json::object();
    json::array made;
    const json::value* items = find_given(schema, "items");
    const json::array* first = find_array(schema, "prefixItems");
    if (first == nullptr && items != nullptr) first = items->if_array();
    if (items != nullptr && !items->is_object()) items = nullptr;
    const bool closed = find_given(schema, "items") != nullptr && items == nullptr &&
                        find_given(schema, "items")->is_bool();
    const std::size_t least = std::min(size_or(schema, "minItems", 0), kMostItems);
    const std::size_t most = size_or(schema, "maxItems", kMostItems);
    std::size_t want = depth >= kWilling ? least : std::max<std::size_t>(least, 1);
    if (first != nullptr) want = std::max(want, std::min(first->size(), kMostItems));
    if (closed && first != nullptr) want = std::min(want, first->size());
    want = std::min(want, most);
    const json::value* contained = find_given(schema, "contains");
    const json::value* unique = find_given(schema, "uniqueItems");
    const bool distinct = unique != nullptr && unique->is_bool() && unique->get_bool();
    while (made.size() < want && nodes_ < kMostNodes && left_ > 0) {
      const json::value* item = items;
      if (first != nullptr && made.size() < first->size())
        item = &(*first)[made.size()];
      else if (contained != nullptr && made.size() == (first == nullptr ? 0 : first->size()))
        item = contained;
      json::value next = make(item == nullptr ? kAnything : *item, name, depth + 1);
      for (int tries = 0; distinct && contains(made, next) && tries < 64; ++tries)
        next = make_other(item == nullptr ? kAnything : *item, name, depth + 1, made.size(),
                          std::move(next));
      made.push_back(std::move(next));
    }
    return made;
  }

  static bool contains(const json::array& list, const json::value& value) {
    return std::ranges::any_of(list, [&](const json::value& each) { return each == value; });
  }

  /// Another value where all must differ: the next number, the text with a number behind, else new
  /// dice.
  json::value make_other(const json::value& schema, std::string_view name, int depth,
                         std::size_t index, json::value last) {
    const json::object* rules = schema.if_object();
    const bool free = rules == nullptr || (!rules->contains("enum") && !rules->contains("$ref"));
    if (free && last.is_int64()) {
      const double step = rules == nullptr ? 1.0 : number(*rules, "multipleOf").value_or(1.0);
      const std::int64_t by = step >= 1 && step < 9e15 ? std::llround(step) : 1;
      const bool fits = last.get_int64() <= std::numeric_limits<std::int64_t>::max() - by;
      return fits ? last.get_int64() + by : last.get_int64() - by;
    }
    if (free && last.is_string() && rules != nullptr && !rules->contains("pattern") &&
        !rules->contains("format") && !rules->contains("maxLength"))
      return json::value(std::string(view(last)) + std::to_string(index + 1));
    return make(schema, name, depth);
  }

  json::value make_number(const json::object& schema, bool whole) {
    double low = number(schema, "minimum").value_or(-std::numeric_limits<double>::infinity());
    double high = number(schema, "maximum").value_or(std::numeric_limits<double>::infinity());
    const double step = number(schema, "multipleOf").value_or(whole ? 1.0 : 0.0);
    const bool wide = !whole && step <= 0;
    // Draft 4 says exclusiveMinimum: true beside minimum; later drafts give the bound itself.
    const auto exclusive = [&](std::string_view key, double& bound, double sign) {
      const json::value* found = find_given(schema, key);
      if (found == nullptr) return;
      if (found->is_number())
        bound = sign > 0 ? std::max(bound, found->to_number<double>())
                         : std::min(bound, found->to_number<double>());
      else if (!found->is_bool() || !found->get_bool())
        return;
      if (std::isfinite(bound))
        bound =
            wide ? bound : std::nextafter(bound, sign * std::numeric_limits<double>::infinity());
      (sign > 0 ? low_open_ : high_open_) = true;
    };
    low_open_ = high_open_ = false;
    exclusive("exclusiveMinimum", low, 1);
    exclusive("exclusiveMaximum", high, -1);
    double value = static_cast<double>(1 + dice_.roll(9));
    if (step > 0) {
      const double grain = whole ? std::max(1.0, step) : step;
      value *= grain;
      if (value < low) value = std::ceil(low / grain) * grain;
      if (value > high) value = std::floor(high / grain) * grain;
    } else {
      value += 0.5;
      const bool below = low_open_ ? value <= low : value < low;
      const bool above = high_open_ ? value >= high : value > high;
      if (below || above)
        value = std::isfinite(low) && std::isfinite(high) ? low + (high - low) / 2
                : below                                   ? low + 1
                                                          : high - 1;
    }
    if (!std::isfinite(value)) value = std::isfinite(low) ? low : std::isfinite(high) ? high : 0;
    if (std::abs(value) < 9e15 && value == std::floor(value))
      return static_cast<std::int64_t>(value);
    return value;
  }

  json::value make_text(const json::object& schema, std::string_view name) {
    const std::size_t least = std::min(size_or(schema, "minLength", 0), kMostText);
    const std::size_t most = size_or(schema, "maxLength", kMostText);
    if (const json::value* pattern = find_given(schema, "pattern");
        pattern != nullptr && pattern->is_string())
      if (const auto text = matching(view(*pattern), least, most)) return json::value(*text);
    std::string text;
    if (const json::value* format = find_given(schema, "format");
        format != nullptr && format->is_string())
      text = text_of_format(view(*format));
    if (text.empty()) text = text_for(name);
    if (text.size() < least && spend(least)) text.append(least - text.size(), 'x');
    if (text.size() > most) text.resize(most);
    return json::value(text);
  }

  std::optional<std::string> matching(std::string_view pattern, std::size_t least,
                                      std::size_t most) {
    std::size_t steps = left_ / kStepWork;
    auto text = text_matching(pattern, {.least = least, .most = most}, Dice(dice_.roll()), steps);
    left_ = steps * kStepWork;
    return text;
  }

  static inline const json::value kNothing{};

  const json::value& root_;
  Dice dice_;
  std::size_t left_;
  std::size_t nodes_ = 0;
  bool low_open_ = false;
  bool high_open_ = false;
};

}  // namespace

json::value example_of(const json::value& schema, Dice dice, std::size_t work) {
  return Synthesiser(schema, dice, work).make(schema, {}, 0);
}

}  // namespace glmgate::sandbox
