#include "protocol/body.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/json.h"
#include "protocol/growth_test.h"

namespace glmgate::protocol {
namespace {

Body read(std::string text) {
  auto body = Body::read(std::move(text), {});
  EXPECT_TRUE(body.has_value());
  return std::move(*body);
}

TEST(body, only_an_object_is_a_body) {
  for (const char* text : {"[]", "1", "\"a\"", "null", "", "{} {}", "{\"a\":1,\"a\":2}"}) {
    const auto body = Body::read(text, {});
    ASSERT_FALSE(body.has_value()) << text;
    EXPECT_EQ(body.error().code, FaultCode::bad_json);
  }
}

TEST(body, splices_change_what_they_name_and_nothing_else) {
  struct Case {
    const char* name;
    const char* in;
    std::function<void(Body&)> act;
    const char* out;
  };
  const auto at = [](Body& b, const char* key) { return b.root().find(key); };
  const Case cases[] = {
      {"nothing", "{ \"a\" : 1.50 }", [](Body&) {}, "{ \"a\" : 1.50 }"},
      {"replace", R"({"a": 1 ,"b":2})", [](Body& b) { b.set("a", "10"); }, R"({"a": 10 ,"b":2})"},
      {"replace an escaped key", R"({"\u0061":1})", [](Body& b) { b.set("a", "2"); },
       R"({"\u0061":2})"},
      {"append", R"({"a":1 })", [](Body& b) { b.set("b", "2"); }, R"({"a":1,"b":2 })"},
      {"append to nothing", "{ }", [](Body& b) { b.set("b", "2"); }, R"({"b":2 })"},
      {"append quotes the key", "{}", [](Body& b) { b.set("a\"b", "2"); }, R"({"a\"b":2})"},
      {"append twice, the later wins", "{}",
       [](Body& b) { b.set("b", "2"), b.set("b", "3"), b.set("c", "4"); }, R"({"b":3,"c":4})"},
      {"append and take back", R"({"a":1})", [](Body& b) { b.set("b", "2"), b.remove("b"); },
       R"({"a":1})"},
      {"remove the only one", R"({ "a" : 1 })", [](Body& b) { b.remove("a"); }, "{  }"},
      {"remove the first", R"({"a":1, "b":2})", [](Body& b) { b.remove("a"); }, R"({"b":2})"},
      {"remove the middle", R"({"a":1,"b":2,"c":3})", [](Body& b) { b.remove("b"); },
       R"({"a":1,"c":3})"},
      {"remove the last", R"({"a":1 , "b":2 })", [](Body& b) { b.remove("b"); }, R"({"a":1 })"},
      {"remove the first two", R"({"a":1,"b":2,"c":3})",
       [](Body& b) { b.remove("b"), b.remove("a"); }, R"({"c":3})"},
      {"remove the last two", R"({"a":1,"b":2,"c":3})",
       [](Body& b) { b.remove("b"), b.remove("c"); }, R"({"a":1})"},
      {"remove both ends", R"({"a":1,"b":2,"c":3})", [](Body& b) { b.remove("c"), b.remove("a"); },
       R"({"b":2})"},
      {"remove all, append", R"({"a":1,"b":2})",
       [](Body& b) { b.remove("a"), b.remove("b"), b.set("c", "3"); }, R"({"c":3})"},
      {"remove the last, append", R"({"a":1,"b":2})",
       [](Body& b) { b.remove("b"), b.set("c", "3"); }, R"({"a":1,"c":3})"},
      {"remove what is absent", R"({"a":1})", [](Body& b) { b.remove("x"); }, R"({"a":1})"},
      {"set after remove", R"({"a":1,"b":2})", [](Body& b) { b.remove("a"), b.set("a", "9"); },
       R"({"a":9,"b":2})"},
      {"remove after set", R"({"a":1,"b":2})", [](Body& b) { b.set("a", "9"), b.remove("a"); },
       R"({"b":2})"},
      {"nested", R"({"m":[{"role":"developer","x":{"y":1}}]})",
       [&](Body& b) {
         const JsonView first = at(b, "m").first();
         b.replace(first.find("role"), "\"system\"");
         b.remove_member(first.find("x"), "y");
         b.set_member(first, "z", "0");
       },
       R"({"m":[{"role":"system","x":{},"z":0}]})"},
      {"a replaced last value and an append", R"({"a":1})",
       [](Body& b) { b.set("a", "22"), b.set("b", "3"); }, R"({"a":22,"b":3})"},
      {"inside what is removed", R"({"a":{"b":1},"c":2})",
       [&](Body& b) {
         b.set_member(at(b, "a"), "b", "7"), b.set_member(at(b, "a"), "d", "8"), b.remove("a");
       },
       R"({"c":2})"},
      {"inside what is replaced", R"({"a":{"b":1},"c":2})",
       [&](Body& b) { b.remove_member(at(b, "a"), "b"), b.set("a", "0"); }, R"({"a":0,"c":2})"},
      {"elements", R"({"l":[1, 2 ,3]})",
       [&](Body& b) {
         b.remove_value(at(b, "l").first()), b.remove_value(at(b, "l").first().after().after());
       },
       R"({"l":[2]})"},
      {"prepend", R"({"l":[1]})", [&](Body& b) { b.prepend(at(b, "l"), "0"); }, R"({"l":[0,1]})"},
      {"prepend to nothing", R"({"l":[ ]})", [&](Body& b) { b.prepend(at(b, "l"), "0"); },
       R"({"l":[0 ]})"},
      {"prepend and remove", R"({"l":[1,2]})",
       [&](Body& b) { b.prepend(at(b, "l"), "0"), b.remove_value(at(b, "l").first()); },
       R"({"l":[0,2]})"},
      {"prepend and remove all", R"({"l":[1]})",
       [&](Body& b) { b.prepend(at(b, "l"), "0"), b.remove_value(at(b, "l").first()); },
       R"({"l":[0]})"},
      {"prepend before a replaced one", R"({"l":[1]})",
       [&](Body& b) { b.replace(at(b, "l").first(), "7"), b.prepend(at(b, "l"), "0"); },
       R"({"l":[0,7]})"},
      {"forget", R"({"a":1})", [](Body& b) { b.set("a", "2"), b.forget_splices(); }, R"({"a":1})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Body body = read(c.in);
    c.act(body);
    EXPECT_EQ(body.spliced(), c.out);
    EXPECT_EQ(body.bytes(), c.in);
  }
}

TEST(body, every_choice_of_removed_members_leaves_an_object_of_the_others) {
  constexpr std::size_t kMembers = 6;
  const std::string text = R"({"a":1, "b" :[2],"c":{"x":3} ,"d":"4","e":null,"f":6})";
  for (unsigned chosen = 0; chosen < 1U << kMembers; ++chosen)
    for (const bool appends : {false, true}) {
      Body body = read(text);
      json::object expected;
      for (std::size_t i = 0; i < kMembers; ++i) {
        const std::string key(1, static_cast<char>('a' + i));
        if ((chosen >> i & 1U) != 0)
          body.remove(key);
        else
          expected[key] = *json::parse(body.root().find(key).raw());
      }
      if (appends) body.set("new", "7"), expected["new"] = 7;
      const auto result = json::parse(body.spliced());
      ASSERT_TRUE(result.has_value()) << body.spliced();
      EXPECT_EQ(*result, json::value(expected)) << body.spliced();
    }
}

TEST(body, a_member_is_added_as_fast_whatever_else_is) {
  std::string elements = "{}";
  for (int i = 1; i < 100'000; ++i) elements += ",{}";
  const Body untouched = read("{\"a\":[" + elements + "]}");
  const double seconds = growth::cpu_seconds([&] {
    Body body = read(std::string(untouched.bytes()));
    for (JsonView each = body.root().find("a").first(); each.present(); each = each.after())
      body.set_member(each, "b", "1");
    EXPECT_EQ(body.spliced().size(), body.bytes().size() + 100'000 * 5);
  });
  EXPECT_LT(seconds, growth::kLimit);
}

TEST(body, keeps_its_splices_when_moved) {
  Body body = read(R"({"a":1})");
  body.set("a", "2");
  Body moved = std::move(body);
  EXPECT_EQ(moved.spliced(), R"({"a":2})");
  EXPECT_EQ(moved.root().find("a").integer(), 1);
}

}  // namespace
}  // namespace glmgate::protocol
