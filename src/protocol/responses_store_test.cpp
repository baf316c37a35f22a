#include "protocol/responses_store.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/json.h"
#include "protocol/responses_request.h"
#include "protocol/responses_to_chat.h"

namespace glmgate::protocol {
namespace {

constexpr UtcMillis kNow = 1'790'000'000'000;

StoredResponse stored(const std::string& id, const std::string& previous = "",
                      std::size_t filling = 1) {
  return {id, previous, R"({"id":"in_)" + id + R"(","role":"user","content":"q"})",
          R"({"id":"msg_)" + id + R"(","type":"message","role":"assistant","content":")" +
              std::string(filling, 'x') + R"("})",
          R"({"id":")" + id + "\"}"};
}

Body body(const std::string& text) { return std::move(*Body::read(text, {})); }

constexpr std::size_t kMost = 1'000'000;

std::optional<std::string> history(ResponsesStore& store, std::string_view tenant,
                                   std::string_view id, UtcMillis now) {
  auto found = store.find_history(tenant, id, kMost, now);
  EXPECT_TRUE(found.has_value());
  return found.value_or(std::nullopt);
}

TEST(responses_store, keeps_finds_and_removes_for_each_tenant_by_itself) {
  ResponsesStore store({});
  ASSERT_TRUE(store.put("a", stored("r1"), kNow));
  EXPECT_EQ(store.find("a", "r1", kNow)->response, R"({"id":"r1"})");
  EXPECT_FALSE(store.find("b", "r1", kNow));
  EXPECT_FALSE(history(store, "b", "r1", kNow));
  EXPECT_FALSE(store.find_item("b", "msg_r1", kNow));
  EXPECT_FALSE(store.remove("b", "r1", kNow));
  EXPECT_EQ(store.find_item("a", "msg_r1", kNow), stored("r1").output);
  EXPECT_FALSE(store.find_item("a", "msg_r2", kNow));
  StoredResponse two = stored("r2");
  two.output = R"( {"id":"i1"} , {"x":1}, {"id":"i2"})";
  ASSERT_TRUE(store.put("a", two, kNow));
  EXPECT_EQ(store.find_item("a", "i2", kNow), R"({"id":"i2"})");
  EXPECT_TRUE(store.remove("a", "r2", kNow));
  EXPECT_TRUE(store.remove("a", "r1", kNow));
  EXPECT_FALSE(store.remove("a", "r1", kNow));
  EXPECT_FALSE(store.find_item("a", "msg_r1", kNow));
  EXPECT_EQ(store.bytes(), 0U);
}

TEST(responses_store, a_conversation_is_found_whole_or_not_at_all) {
  ResponsesStore store({});
  store.put("a", stored("r1"), kNow);
  store.put("a", stored("r2", "r1"), kNow);
  store.put("a", stored("r3", "r2"), kNow);
  const auto one = [](const StoredResponse& of) { return of.input + "," + of.output; };
  EXPECT_EQ(history(store, "a", "r2", kNow), one(stored("r1")) + "," + one(stored("r2")));
  EXPECT_EQ(history(store, "a", "r3", kNow),
            one(stored("r1")) + "," + one(stored("r2")) + "," + one(stored("r3")));
  store.remove("a", "r1", kNow);
  EXPECT_FALSE(history(store, "a", "r3", kNow));
  store.put("a", stored("r1", "r3"), kNow);  // round in a circle
  EXPECT_FALSE(history(store, "a", "r3", kNow));
}

TEST(responses_store, forgets_what_was_not_used_for_long) {
  ResponsesStore store({.keep = std::chrono::seconds(10)});
  store.put("a", stored("r1"), kNow);
  store.put("a", stored("r2"), kNow);
  EXPECT_TRUE(store.find("a", "r1", kNow + 9'000));
  EXPECT_TRUE(store.find("a", "r1", kNow + 18'000));
  EXPECT_FALSE(store.find("a", "r2", kNow + 18'000));
  EXPECT_FALSE(store.find("a", "r1", kNow + 30'000));
  EXPECT_EQ(store.bytes(), 0U);
}

TEST(responses_store, stays_within_its_bytes) {
  ResponsesStore store({.tenant_bytes = 12'000, .total_bytes = 20'000});
  EXPECT_FALSE(store.put("a", stored("big", "", 20'000), kNow));
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(store.put("a", stored("a" + std::to_string(i), "", 3000), kNow + i));
    ASSERT_LE(store.bytes(), 12'000U);
  }
  EXPECT_FALSE(store.find("a", "a96", kNow));
  EXPECT_TRUE(store.find("a", "a97", kNow));  // used, so it outlives a98
  ASSERT_TRUE(store.put("a", stored("more", "", 3000), kNow));
  EXPECT_TRUE(store.find("a", "a97", kNow));
  EXPECT_FALSE(store.find("a", "a98", kNow));
  // Another tenant's growth drops the oldest of all, but not before the whole is full.
  ASSERT_TRUE(store.put("b", stored("b1", "", 3000), kNow));
  EXPECT_TRUE(store.find("a", "a99", kNow));
  for (int i = 2; i < 9; ++i) store.put("b", stored("b" + std::to_string(i), "", 3000), kNow);
  EXPECT_LE(store.bytes(), 20'000U);
  // The same id again replaces, and does not add.
  ResponsesStore one({});
  one.put("a", stored("r"), kNow);
  const std::size_t bytes = one.bytes();
  one.put("a", stored("r"), kNow);
  EXPECT_EQ(one.bytes(), bytes);
}

TEST(responses_store, threads_may_share_it) {
  ResponsesStore store({.tenant_bytes = 100'000, .total_bytes = 100'000});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&store, t] {
      for (int i = 0; i < 300; ++i) {
        const std::string id = "r" + std::to_string(t) + "_" + std::to_string(i);
        store.put("a", stored(id), kNow + i);
        history(store, "a", id, kNow + i);
        store.find_item("a", "msg_" + id, kNow + i);
        if (i % 3 == 0) store.remove("a", id, kNow + i);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(store.bytes(), 100'000U);
}

TEST(responses_store, history_comes_before_the_new_input) {
  struct Case {
    const char* name;
    std::string request, expected;
  };
  const Case cases[] = {
      {"a string", R"({"model":"m","previous_response_id":"r","input":"hi","x":1.0})",
       R"({"model":"m","x":1.0,"input":[H,{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}]})"},
      {"items", R"({"input":[ {"a":1} ],"previous_response_id":"r"})",
       R"({"input":[H, {"a":1} ]})"},
      {"no input", R"({"model":"m","previous_response_id":"r"})", R"({"model":"m","input":[H]})"},
      {"an empty one", R"({"input":[],"previous_response_id":"r"})", R"({"input":[H]})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(with_history(body(c.request), "H"), c.expected);
  }
}

TEST(responses_store, a_stored_turn_goes_on) {
  ResponsesStore store({});
  const Body first = body(R"({"model":"m","input":"one"})");
  store.put(
      "a",
      {"resp_1", "", stored_input(first, "resp_1"),
       R"({"id":"msg_1_0","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"two","annotations":[]}]})",
       "{}"},
      kNow);
  const Body second = body(
      R"({"model":"m","previous_response_id":"resp_1","input":[{"role":"user","content":"three"}]})");
  EXPECT_EQ(responses_to_chat(second, {}).error().code, FaultCode::previous_response_not_found);
  const auto before = history(store, "a", previous_response_id(second), kNow);
  ASSERT_TRUE(before);
  const auto draft = responses_to_chat(body(with_history(second, *before)), {});
  ASSERT_TRUE(draft);
  EXPECT_EQ(
      draft->body,
      R"({"model":"m","messages":[{"role":"user","content":"one"},{"role":"assistant","content":"two"},{"role":"user","content":"three"}]})");
}

TEST(responses_store, input_is_stored_as_it_will_be_listed) {
  struct Case {
    const char* input;
    const char* stored;
  };
  const Case cases[] = {
      {R"("hi")",
       R"({"id":"in_r_0","type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]})"},
      {R"([{"role":"user","content":"hi"}])",
       R"({"id":"in_r_0","type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]})"},
      {R"([{"role":"assistant","content":"yes","id":null}])",
       R"({"id":"in_r_0","type":"message","role":"assistant","content":[{"type":"output_text","text":"yes"}]})"},
      {R"([{"id":"own","type":"function_call_output","call_id":"c","output":"3"}])",
       R"({"id":"own","type":"function_call_output","call_id":"c","output":"3"})"}};
  for (const Case& c : cases)
    EXPECT_EQ(stored_input(body(R"({"input":)" + std::string(c.input) + "}"), "resp_r"), c.stored);
}

TEST(responses_store, references_are_resolved_or_refused) {
  const Body request = body(
      R"({"input":[{"type":"item_reference","id":"i1"}, {"role":"user","content":"x"},{"type":"item_reference","id":"i2"}]})");
  const auto all =
      with_items(request, kMost, [](std::string_view id) -> std::optional<std::string> {
        return "<" + std::string(id) + ">";
      });
  EXPECT_EQ(*all, R"({"input":[<i1>, {"role":"user","content":"x"},<i2>]})");
  const auto none =
      with_items(request, kMost, [](std::string_view id) -> std::optional<std::string> {
        if (id == "i1") return "{}";
        return std::nullopt;
      });
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, FaultCode::not_stored);
  EXPECT_EQ(none.error().param, "input[2].id");
  const auto twice = with_items(
      body(R"({"input":[{"type":"item_reference","id":"i"},{"type":"item_reference","id":"i"}]})"),
      kMost, [](std::string_view) { return std::optional<std::string>("{}"); });
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().param, "input[1].id");
}

TEST(responses_store, a_small_request_does_not_become_larger_than_a_body_may_be) {
  ResponsesStore store({});
  store.put("a", stored("r1"), kNow);
  store.put("a", stored("r2", "r1"), kNow);
  const std::size_t size = history(store, "a", "r2", kNow)->size();
  EXPECT_TRUE(store.find_history("a", "r2", size + 4, kNow).has_value());
  const auto refused = store.find_history("a", "r2", size - 1, kNow);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, FaultCode::body_too_large);
  EXPECT_EQ(refused.error().param, "previous_response_id");
  EXPECT_TRUE(store.find_history("a", "r1", size - 1, kNow).has_value());

  const Body request = body(
      R"({"input":[{"type":"item_reference","id":"i1"},{"type":"item_reference","id":"i2"}]})");
  const auto find = [](std::string_view) -> std::optional<std::string> {
    return '"' + std::string(1'000, 'x') + '"';
  };
  EXPECT_TRUE(with_items(request, 2'100, find).has_value());
  const auto filled = with_items(request, 1'900, find);
  ASSERT_FALSE(filled.has_value());
  EXPECT_EQ(filled.error().code, FaultCode::body_too_large);
  EXPECT_EQ(filled.error().param, "input[1].id");
}

TEST(responses_store, a_long_conversation_of_nothing_ends) {
  ResponsesStore store({});
  for (int i = 0; i <= 10'000; ++i) {
    StoredResponse empty;
    empty.id = "r" + std::to_string(i);
    if (i > 0) empty.previous = "r" + std::to_string(i - 1);
    ASSERT_TRUE(store.put("a", empty, kNow));
  }
  EXPECT_TRUE(store.find_history("a", "r9999", kMost, kNow).has_value());
  EXPECT_FALSE(store.find_history("a", "r10000", kMost, kNow).has_value());
}

TEST(responses_store, lists_input_items_in_pages) {
  StoredResponse response = stored("r1");
  response.input = stored_input(
      body(
          R"({"input":[{"role":"user","content":"a"},{"id":"own","role":"user","content":"b"},{"id":null,"role":"user","content":"c"}]})"),
      "resp_r1");
  const auto list = [&](const ItemsPage& page) {
    const auto value = *json::parse(write_input_items(response, page));
    std::string out;
    for (const auto& item : json::find(value, "data")->as_array())
      out += std::string(json::find_string(item, "id")) + " ";
    return out + std::string(json::find_string(value, "first_id")) + "-" +
           std::string(json::find_string(value, "last_id")) +
           (json::find(value, "has_more")->as_bool() ? "+" : ".");
  };
  EXPECT_EQ(list({}), "in_r1_2 own in_r1_0 in_r1_2-in_r1_0.");
  EXPECT_EQ(list({.newest_first = false}), "in_r1_0 own in_r1_2 in_r1_0-in_r1_2.");
  EXPECT_EQ(list({.limit = 2}), "in_r1_2 own in_r1_2-own+");
  EXPECT_EQ(list({.limit = 2, .after = "own"}), "in_r1_0 in_r1_0-in_r1_0.");
  EXPECT_EQ(list({.after = "other"}), "-.");
  EXPECT_EQ(write_deleted_response("r"), R"({"id":"r","object":"response","deleted":true})");
}

}  // namespace
}  // namespace glmgate::protocol
