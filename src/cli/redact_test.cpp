#include "cli/redact.h"

#include <gtest/gtest.h>

namespace glmgate::cli {
namespace {

TEST(redact, hides_keys_and_nothing_else) {
  const std::string id = "0123456789abcdef0123456789abcdef";
  struct Case {
    std::string text;
    std::string shown;
  };
  const Case cases[] = {
      {"names " + id + ".ABCDEFGHIJKLMNOP, which", "names [hidden], which"},
      {"is `" + id + "`.", "is `[hidden]`."},
      {"export X=" + id + "1", "export X=[hidden]"},
      {"sk-k4TqAAAAAAAAAAAAAAAA_-b", "[hidden]"},
      {"a sk-ant-api03-abc_def-ghi b", "a [hidden] b"},
      {"eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.abc", "[hidden]"},
      {"https://me:pw@host/v1", "https://[hidden]@host/v1"},
      {"http://me:p/w@host:1/v1 and", "http://[hidden]@host:1/v1 and"},
      {"/tmp/" + id + "/glmgate.toml", "/tmp/" + id + "/glmgate.toml"},
      {"/x/" + id + ".ABCDEFGHIJKLMNOP", "/x/[hidden]"},
      {"https://api.z.ai/api/coding/paas/v4", "https://api.z.ai/api/coding/paas/v4"},
      {"ZHIPU_CODING_API_KEY is not set", "ZHIPU_CODING_API_KEY is not set"},
      {"first_byte_timeout_of_everything_1", "first_byte_timeout_of_everything_1"},
      {"claude-3-5-sonnet-20241022", "claude-3-5-sonnet-20241022"},
      {"glmgate-test-ab12cd34", "glmgate-test-ab12cd34"},
      {"2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z"},
      {"a = b", "a = b"},
      {"", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(redacted(c.text), c.shown) << c.text;
}

TEST(redact, a_masked_line_keeps_its_length) {
  struct Case {
    const char* line;
    const char* shown;
  };
  const Case cases[] = {
      {"key = hunter2", "key = *******"},
      {"  api_key: \"hunter2\",", "  api_key: \"*******\","},
      {"key_env = ZAI_API_KEY", "key_env = ZAI_API_KEY"},
      {"key_file = /etc/zai.key", "key_file = /etc/zai.key"},
      {"password=p#w d", "password=*** d"},
      {"listen = 127.0.0.1:80", "listen = 127.0.0.1:80"},
      {"no sign", "no sign"},
  };
  for (const Case& c : cases) EXPECT_EQ(masked_line(c.line), c.shown);
}

TEST(redact, printable_text_commands_no_terminal) {
  EXPECT_EQ(printable("a\x1b[2J\r\x07"), "a\\x1b[2J\\x0d\\x07");
  EXPECT_EQ(printable("Zo\u00eb \u4e2d\nb"), "Zo\u00eb \u4e2d\nb");
  EXPECT_EQ(printable("\xff\xc3\xa9\xc3"), "\\xff\u00e9\\xc3");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");
}

}  // namespace
}  // namespace glmgate::cli
