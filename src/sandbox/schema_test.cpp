#include "sandbox/schema.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <optional>
#include <regex>
#include <string>
#include <string_view>

#include "sandbox/pattern.h"

namespace glmgate::sandbox {
namespace {

json::value parsed(std::string_view text) {
  const auto value = json::parse(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value ? *value : json::value();
}

double bound(const json::value& schema, std::string_view key, double otherwise) {
  const json::value* found = json::find(schema, key);
  return found == nullptr || !found->is_number() ? otherwise : found->to_number<double>();
}

bool has_type(const json::value& v, const json::value& type) {
  if (type.is_array()) {
    for (const json::value& each : type.get_array())
      if (has_type(v, each)) return true;
    return false;
  }
  const auto name = std::string(type.as_string());
  if (name == "integer") return v.is_int64();
  if (name == "number") return v.is_number();
  if (name == "string") return v.is_string();
  if (name == "boolean") return v.is_bool();
  if (name == "array") return v.is_array();
  if (name == "object") return v.is_object();
  return name == "null" && v.is_null();
}

/// Why `v` does not conform to `schema`; empty if it does. A second, plainer reading of the same
/// keywords.
std::string complaint(const json::value& root, const json::value& schema, const json::value& v) {
  if (!schema.is_object()) return {};
  if (const auto* ref = json::find(schema, "$ref")) {
    boost::json::error_code error;
    const json::value* target = root.find_pointer(ref->as_string().subview(1), error);
    return target == nullptr ? "no " + std::string(ref->as_string()) : complaint(root, *target, v);
  }
  if (const auto* all = json::find(schema, "allOf"))
    for (const json::value& each : all->as_array())
      if (auto why = complaint(root, each, v); !why.empty()) return why;
  for (const char* key : {"anyOf", "oneOf"})
    if (const auto* choices = json::find(schema, key)) {
      bool any = false;
      for (const json::value& each : choices->as_array())
        any = any || complaint(root, each, v).empty();
      if (!any) return std::string(key) + ": none";
    }
  if (const auto* type = json::find(schema, "type"); type != nullptr && !has_type(v, *type))
    return "type of " + json::serialize(v);
  if (const auto* fixed = json::find(schema, "const"); fixed != nullptr && *fixed != v)
    return "const";
  if (const auto* values = json::find(schema, "enum")) {
    bool any = false;
    for (const json::value& each : values->as_array()) any = any || each == v;
    if (!any) return "enum";
  }
  if (v.is_number()) {
    const auto x = v.to_number<double>();
    if (x < bound(schema, "minimum", -1e300) || x > bound(schema, "maximum", 1e300))
      return "range of " + json::serialize(v);
    if (x <= bound(schema, "exclusiveMinimum", -1e300) ||
        x >= bound(schema, "exclusiveMaximum", 1e300))
      return "open range of " + json::serialize(v);
    if (const double step = bound(schema, "multipleOf", 0);
        step > 0 && std::abs(std::remainder(x, step)) > 1e-9)
      return "multipleOf " + json::serialize(v);
  }
  if (v.is_string()) {
    const std::string text(v.get_string());
    if (static_cast<double>(text.size()) < bound(schema, "minLength", 0) ||
        static_cast<double>(text.size()) > bound(schema, "maxLength", 1e9))
      return "length of " + text;
    if (const auto* pattern = json::find(schema, "pattern");
        pattern != nullptr &&
        !std::regex_search(text, std::regex(std::string(pattern->as_string()))))
      return "pattern: " + text;
  }
  if (const auto* list = v.if_array()) {
    if (static_cast<double>(list->size()) < bound(schema, "minItems", 0) ||
        static_cast<double>(list->size()) > bound(schema, "maxItems", 1e9))
      return "items count";
    const auto* first = json::find(schema, "prefixItems");
    for (std::size_t i = 0; i < list->size(); ++i) {
      const json::value* item = first != nullptr && i < first->as_array().size()
                                    ? &first->as_array()[i]
                                    : json::find(schema, "items");
      if (item != nullptr)
        if (auto why = complaint(root, *item, (*list)[i]); !why.empty())
          return "[" + std::to_string(i) + "] " + why;
      if (json::find(schema, "uniqueItems") != nullptr)
        for (std::size_t j = 0; j < i; ++j)
          if ((*list)[i] == (*list)[j]) return "uniqueItems";
    }
    if (const auto* wanted = json::find(schema, "contains")) {
      bool any = false;
      for (const json::value& each : *list) any = any || complaint(root, *wanted, each).empty();
      if (!any) return "contains";
    }
  }
  if (const auto* members = v.if_object()) {
    if (static_cast<double>(members->size()) < bound(schema, "minProperties", 0))
      return "minProperties";
    if (const auto* required = json::find(schema, "required"))
      for (const json::value& name : required->as_array())
        if (!members->contains(name.as_string()))
          return "required " + std::string(name.as_string());
    if (const auto* needs = json::find(schema, "dependentRequired"))
      for (const auto& [name, names] : needs->as_object())
        for (const json::value& each : names.as_array())
          if (members->contains(name) && !members->contains(each.as_string()))
            return "dependentRequired";
    const auto* properties = json::find(schema, "properties");
    const auto* others = json::find(schema, "additionalProperties");
    for (const auto& [name, member] : *members) {
      const json::value* rule =
          properties == nullptr ? nullptr : properties->as_object().if_contains(name);
      if (rule == nullptr && others != nullptr && others->is_bool() && !others->get_bool())
        return "extra " + std::string(name);
      if (rule == nullptr) rule = others;
      if (rule != nullptr)
        if (auto why = complaint(root, *rule, member); !why.empty())
          return "." + std::string(name) + " " + why;
    }
  }
  return {};
}

TEST(schema, examples_conform) {
  struct Case {
    const char* name;
    const char* schema;
  };
  const Case cases[] = {
      {"empty", "{}"},
      {"string", R"({"type":"string"})"},
      {"text with lengths", R"({"type":"string","minLength":40,"maxLength":45})"},
      {"short text", R"({"type":"string","maxLength":2})"},
      {"enum", R"({"type":"string","enum":["a","b","c"]})"},
      {"enum without type", R"({"enum":[1,"x",null,{"a":1}]})"},
      {"const", R"({"const":{"a":[1,2]}})"},
      {"integer", R"({"type":"integer"})"},
      {"integer in a range", R"({"type":"integer","minimum":100,"maximum":103})"},
      {"negative integer", R"({"type":"integer","maximum":-5})"},
      {"open integer range", R"({"type":"integer","exclusiveMinimum":9,"exclusiveMaximum":11})"},
      {"multiple", R"({"type":"integer","multipleOf":7,"minimum":50})"},
      {"fractional multiple", R"({"type":"number","multipleOf":0.25,"minimum":3.1,"maximum":3.3})"},
      {"number", R"({"type":"number","minimum":0,"maximum":1})"},
      {"open number range", R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.001})"},
      {"boolean", R"({"type":"boolean"})"},
      {"null", R"({"type":"null"})"},
      {"list of types", R"({"type":["null","integer"]})"},
      {"nullable by anyOf", R"({"anyOf":[{"type":"null"},{"type":"string","minLength":3}]})"},
      {"oneOf", R"({"oneOf":[{"type":"integer","minimum":5},{"type":"string"}]})"},
      {"allOf",
       R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"string"}},"required":["b"]}]})"},
      {"allOf narrows",
       R"({"type":"integer","minimum":1,"allOf":[{"minimum":500},{"maximum":510}]})"},
      {"nested",
       R"({"type":"object","properties":{"user":{"type":"object","properties":{"tags":{"type":"array","items":{"type":"string","enum":["x","y"]},"minItems":2}},"required":["tags"],"additionalProperties":false}},"required":["user"],"additionalProperties":false})"},
      {"no required list",
       R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"array","items":{"type":"number"}}}})"},
      {"empty required list",
       R"({"type":"object","properties":{"a":{"type":"integer"}},"required":[]})"},
      {"required without a property", R"({"type":"object","required":["ghost"]})"},
      {"additional properties",
       R"({"type":"object","additionalProperties":{"type":"integer"},"minProperties":3})"},
      {"dependent",
       R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"}},"required":["a"],"dependentRequired":{"a":["b"],"b":["c"]}})"},
      {"array bounds", R"({"type":"array","items":{"type":"integer"},"minItems":3,"maxItems":4})"},
      {"empty array", R"({"type":"array","maxItems":0})"},
      {"unique numbers",
       R"({"type":"array","items":{"type":"integer"},"minItems":5,"uniqueItems":true})"},
      {"unique enum",
       R"({"type":"array","items":{"enum":["a","b","c"]},"minItems":3,"uniqueItems":true})"},
      {"unique texts",
       R"({"type":"array","items":{"type":"string"},"minItems":4,"uniqueItems":true})"},
      {"tuple",
       R"({"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false})"},
      {"contains", R"({"type":"array","contains":{"const":7}})"},
      {"reference",
       R"({"$defs":{"a/b":{"type":"integer","minimum":3}},"type":"object","properties":{"n":{"$ref":"#/$defs/a~1b"}},"required":["n"]})"},
      {"recursive tree",
       R"({"$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["v","kids"]}},"$ref":"#/$defs/node"})"},
      {"pattern", R"({"type":"string","pattern":"^[A-Z]{3}-\\d{4}(-(alpha|beta))?$"})"},
      {"pattern with lengths",
       R"({"type":"string","pattern":"^[a-z]+$","minLength":8,"maxLength":16})"},
      {"type guessed from keywords",
       R"({"properties":{"a":{"minimum":3},"b":{"items":{"type":"null"}}},"required":["a","b"]})"},
      {"default",
       R"({"type":"object","properties":{"limit":{"type":"integer","default":10,"minimum":10,"maximum":10}},"required":["limit"]})"},
  };
  for (const Case& c : cases)
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      SCOPED_TRACE(std::string(c.name) + " seed " + std::to_string(seed));
      const json::value schema = parsed(c.schema);
      const json::value example = example_of(schema, Dice(seed));
      EXPECT_EQ(complaint(schema, schema, example), "") << json::serialize(example);
      EXPECT_EQ(example, example_of(schema, Dice(seed)));
    }
}

TEST(schema, formats_look_like_themselves) {
  struct Case {
    const char* format;
    const char* pattern;
  };
  const Case cases[] = {{"date-time", R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"},
                        {"date", R"(\d{4}-\d\d-\d\d)"},
                        {"email", R"([^@]+@[^@]+\.[a-z]+)"},
                        {"uuid", R"([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"},
                        {"uri", R"(https://.+)"},
                        {"ipv4", R"((\d+\.){3}\d+)"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.format);
    const json::value example = example_of(
        parsed(R"({"type":"string","format":")" + std::string(c.format) + R"("})"), Dice(1));
    EXPECT_TRUE(std::regex_match(std::string(example.as_string()), std::regex(c.pattern)))
        << example;
  }
}

TEST(schema, hostile_schemas_end_soon) {
  const char* cases[] = {
      R"({"$ref":"#"})",
      R"({"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}},"required":["a","b","c"]})",
      R"({"allOf":[{"$ref":"#"},{"$ref":"#"},{"$ref":"#"}]})",
      R"({"type":"array","minItems":1000000000,"items":{"$ref":"#"}})",
      R"({"type":"string","minLength":1e18})",
      R"-({"type":"string","pattern":"((((a{255}){255}){255}){255})"})-",
      R"({"type":"string","pattern":"((){255}){255}"})",
      R"({"type":"object","minProperties":1e12})",
      R"({"type":"integer","minimum":1e308,"multipleOf":1e308})",
      R"({"type":"integer","minimum":5,"maximum":1})",
      R"({"type":"nonsense"})",
      R"({"anyOf":[]})",
      R"({"anyOf":[{"type":"null"}]})",
      R"({"enum":[]})",
      R"({"type":[]})",
      R"({"properties":5,"required":5,"items":5,"minimum":"x","$ref":7})",
  };
  for (const char* text : cases) {
    SCOPED_TRACE(text);
    const json::value example = example_of(parsed(text), Dice(1));
    const std::string printed = json::serialize(example);
    EXPECT_TRUE(json::parse(printed).has_value()) << printed;
    EXPECT_LT(printed.size(), 400'000U);
  }
}

std::string repeated(const std::string& element, int times, const std::string& between = ",") {
  std::string out = element;
  for (int i = 1; i < times; ++i) out += between + element;
  return out;
}

/// `"a0","a1",...`
std::string names(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + '"';
  return out;
}

TEST(schema, a_small_schema_does_not_ask_for_much_more_than_it_is) {
  struct Case {
    const char* name;
    std::string schema;
  };
  const std::string huge(400'000, 'x');
  const auto nested = [](const std::string& inner) {
    const std::string array = R"({"type":"array","minItems":64,"items":)";
    return array + array + inner + "}}";
  };
  std::string chain;
  for (int i = 15'000; i > 0; --i)  // the last one first
    chain += (chain.empty() ? "\"a" : ",\"a") + std::to_string(i - 1) + R"(":["a)" +
             std::to_string(i) + "\"]";
  const Case cases[] = {
      {"a large const many times", nested(R"({"const":")" + huge + R"("})")},
      {"a large enum many times", nested(R"({"enum":[")" + huge + R"("]})")},
      {"a large default many times", nested(R"({"default":[[")" + huge + R"("]]})")},
      {"a reference to itself, with many names", R"({"$ref":"#/$defs/a","$defs":{"a":{"allOf":[)" +
                                                     repeated(R"({"$ref":"#/$defs/a"})", 8) +
                                                     R"(],"required":[)" + names(3'000) + "]}}}"},
      {"a reference to what is large, many times",
       R"({"$defs":{"a":{"description":")" + huge + R"("}},"allOf":[)" +
           repeated(R"({"$ref":"#/$defs/a"})", 2'000) + "]}"},
      {"a chain of dependents", R"({"required":["a0"],"dependentRequired":{)" + chain + "}}"},
      {"many required names many times", nested(R"({"required":[)" + names(60'000) + "]}")},
      {"many properties many times",
       nested(R"({"minProperties":1,"properties":{)" + repeated(R"("a":1)", 1) + "}}")},
      {"many types many times", nested(R"({"type":[)" + repeated(R"("null")", 100'000) + "]}")},
      {"many choices of null many times",
       nested(R"({"anyOf":[)" + repeated(R"({"type":"null"})", 30'000) + "]}")},
      {"a long name many times", R"({"properties":{")" + huge + R"(":)" + nested("{}") + "}}"},
      {"a long reference many times", nested(R"({"$ref":"#/)" + huge + R"("})")},
      {"a long set many times",
       nested(R"({"pattern":"([)" + std::string(200'000, 'a') + R"(]{256}){256}"})")},
      {"a pattern that takes long many times",
       nested(R"-({"pattern":"((((a|b){64}){64}){64})"})-")},
      {"long texts many times", nested(R"({"minLength":10000})")},
      {"distinct items that cannot be",
       nested(R"({"type":"array","minItems":64,"uniqueItems":true,"items":{"const":")" +
              std::string(10'000, 'x') + R"("}})")},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const json::value schema = parsed(c.schema);
    const std::clock_t began = std::clock();
    const std::string printed = json::serialize(example_of(schema, Dice(1)));
    const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, 1.0);  // it was seconds and minutes
    EXPECT_LT(printed.size(), 4'000'000 + 2 * c.schema.size());
  }
}

TEST(schema, the_largest_number_has_none_above_it) {
  const json::value example = example_of(
      parsed(
          R"({"type":"array","minItems":3,"uniqueItems":true,"items":{"const":9223372036854775807}})"),
      Dice(1));
  EXPECT_EQ(example.as_array().size(), 3U);
}

std::optional<std::string> text_matching(std::string_view pattern, std::size_t least,
                                         std::size_t most, Dice dice) {
  std::size_t steps = 1'000'000;
  return sandbox::text_matching(pattern, {.least = least, .most = most}, dice, steps);
}

TEST(pattern, what_it_makes_matches) {
  const char* patterns[] = {"abc",
                            "^a|b$",
                            "[a-c]+x?",
                            R"(^\d{3}-\w{2,4}$)",
                            "(foo|ba[rz]){2}",
                            R"(^(?:\+1)? ?\(\d{3}\)$)",
                            "[^a-zA-Z]{3}",
                            R"([\w.-]+@[\w-]+\.\w{2,})",
                            "^.{5}$",
                            "x*y+?z",
                            R"(\/\\\.)",
                            "[]a]",
                            "[a-]"};
  for (const char* pattern : patterns)
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(std::string(pattern) + " seed " + std::to_string(seed));
      const auto text = text_matching(pattern, 0, 100, Dice(seed));
      ASSERT_TRUE(text.has_value());
      const std::string portable = std::string(pattern) == "[]a]" ? "[\\]a]" : pattern;
      EXPECT_TRUE(std::regex_search(*text, std::regex(portable))) << *text;
    }
}

TEST(pattern, what_it_does_not_know_it_leaves) {
  for (const char* pattern : {"(?=a)b", "(?<!a)b", R"((a)\1)", R"(\bfoo)", "(", ")", "[a", "a{3,1}",
                              "*a", R"(\)", R"([\é])", R"([a-\é])", R"(\p{L})", "a{99999}"}) {
    SCOPED_TRACE(pattern);
    EXPECT_FALSE(text_matching(pattern, 0, 100, Dice(1)).has_value());
  }
  EXPECT_FALSE(text_matching("^abc$", 10, 20, Dice(1)).has_value()) << "no such length";
}

}  // namespace
}  // namespace glmgate::sandbox
