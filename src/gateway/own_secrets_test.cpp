#include "gateway/own_secrets.h"

#include <gtest/gtest.h>

namespace glmgate::gateway {
namespace {

const Secret kKey("0123456789abcdef-id.canary-secret-77");
constexpr std::string_view kToken = "Bearer head0.claims0.signature0";

TEST(own_secrets, no_form_of_a_key_or_token_stays) {
  const OwnSecrets secrets(kKey, kToken);
  struct Case {
    const char* text;
    const char* left;
  };
  const Case cases[] = {
      {"bad key 0123456789abcdef-id.canary-secret-77!", "bad key [redacted]!"},
      {"canary-secret-77", "[redacted]"},
      {"canary-secret-77canary-secret-77 x", "[redacted][redacted] x"},
      {"token head0.claims0.signature0.", "token [redacted]."},
      {"signature signature0", "signature [redacted]"},
      {"Basic MDEyMzQ1Njc4OWFiY2RlZi1pZC5jYW5hcnktc2VjcmV0LTc3", "Basic [redacted]"},
      {"Basic OjAxMjM0NTY3ODlhYmNkZWYtaWQuY2FuYXJ5LXNlY3JldC03Nw==", "Basic [redacted]=="},
      {"nothing of it, head0 alone", "nothing of it, head0 alone"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    std::string text = c.text;
    EXPECT_EQ(secrets.may_be_in(text), text != c.left);
    secrets.remove_from(text);
    EXPECT_EQ(text, c.left);
  }
  Fault fault = make_fault(FaultCode::bad_value, "a canary-secret-77", "b.canary-secret-77");
  fault.for_us = "c signature0";
  secrets.remove_from(fault);
  EXPECT_EQ(fault.for_client + fault.param + fault.for_us, "a [redacted]b.[redacted]c [redacted]");
}

TEST(own_secrets, escapes_do_not_hide_them) {
  const OwnSecrets secrets(kKey, {});
  EXPECT_TRUE(secrets.may_be_in(R"({"error":{"message":"\u0063anary-secret-77"}})"));
  EXPECT_FALSE(secrets.may_be_in(R"({"error":{"message":"\u001b[1m \u00e9"}})"));
}

TEST(own_secrets, without_a_key_there_is_nothing_to_hide) {
  const OwnSecrets secrets(Secret{}, {});
  EXPECT_FALSE(secrets.may_be_in(R"(\u0063)"));
  std::string text = "as it was";
  secrets.remove_from(text);
  EXPECT_EQ(text, "as it was");
}

}  // namespace
}  // namespace glmgate::gateway
