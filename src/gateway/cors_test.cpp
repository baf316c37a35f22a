#include "gateway/cors.h"

#include <gtest/gtest.h>

#include <vector>

namespace glmgate::gateway {
namespace {

net::Headers request_of(std::string_view origin, std::string_view names = {}) {
  net::Headers headers;
  if (!origin.empty()) headers.add("Origin", origin);
  headers.add("Access-Control-Request-Method", "POST");
  if (!names.empty()) headers.add("Access-Control-Request-Headers", names);
  return headers;
}

TEST(cors, only_who_is_listed_may_read) {
  const std::vector<std::string> listed = {"https://app.example", "http://localhost:*"};
  struct Case {
    const char* origin;
    const std::vector<std::string> allowed;
    const char* told;
  };
  const Case cases[] = {
      {"https://app.example", listed, "https://app.example"},
      {"http://localhost:5173", listed, "http://localhost:5173"},
      {"https://app.example.evil.example", listed, ""},
      {"http://app.example", listed, ""},
      {"null", listed, ""},
      {"", listed, ""},
      {"https://anyone.example", {"*"}, "*"},
      {"https://app.example", {}, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.origin);
    net::Headers answer;
    add_cors(answer, request_of(c.origin), c.allowed);
    EXPECT_EQ(answer.find("access-control-allow-origin"), c.told);
    EXPECT_EQ(answer.has("access-control-expose-headers"), *c.told != '\0');
    EXPECT_EQ(answer.find("vary"), c.allowed.empty() ? "" : "Origin");
    EXPECT_EQ(answer_preflight(request_of(c.origin), c.allowed).has_value(), *c.told != '\0');
  }
}

TEST(cors, a_preflight_allows_the_headers_it_names_and_nothing_else) {
  const std::vector<std::string> all = {"*"};
  const std::string sdk = "authorization,content-type,x-stainless-lang,anthropic-version,x-api-key";
  const auto good = answer_preflight(request_of("https://a.example", sdk), all);
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->find("access-control-allow-headers"), sdk);
  EXPECT_NE(good->find("access-control-allow-methods").find("DELETE"), std::string_view::npos);
  for (const std::string& bad : {std::string("a: b"), std::string(5000, 'a')}) {
    const auto answer = answer_preflight(request_of("https://a.example", bad), all);
    ASSERT_TRUE(answer.has_value());
    EXPECT_FALSE(answer->has("access-control-allow-headers"));
  }
  EXPECT_FALSE(is_preflight("POST", request_of("https://a.example")));
  EXPECT_FALSE(is_preflight("OPTIONS", request_of("")));
}

TEST(cors, an_origin_is_a_scheme_and_a_host) {
  for (const char* good : {"*", "https://a.example", "http://localhost:*", "https://*.a.example"})
    EXPECT_TRUE(is_origin_pattern(good)) << good;
  for (const char* bad : {"", "a.example", "https://", "https://a.example/", "https://A.example",
                          "https://a.example/path", "https://u@a.example", "null"})
    EXPECT_FALSE(is_origin_pattern(bad)) << bad;
}

}  // namespace
}  // namespace glmgate::gateway
