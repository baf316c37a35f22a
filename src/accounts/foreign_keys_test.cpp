#include "accounts/foreign_keys.h"

#include <gtest/gtest.h>

#include "accounts/keys.h"

namespace glmgate::accounts {
namespace {

std::string hex(std::size_t count) { return std::string(count, 'a'); }

TEST(foreign_keys, whose_key_it_is_can_be_seen) {
  const std::string glm = hex(32) + "." + std::string(16, 'Q');
  struct Case {
    std::string presented;
    const char* told;  // what is in the text; "" for no text
  };
  const Case cases[] = {
      {glm, "key of Z.AI or Zhipu"},
      {"\"" + glm + "\"", "key of Z.AI or Zhipu"},
      {hex(32), "key of Z.AI or Zhipu"},
      {hex(31) + "." + std::string(16, 'Q'), ""},
      {hex(32) + "." + std::string(15, 'Q'), ""},
      {"sk-ant-api03-abcdefgh", "key of Anthropic"},
      {"sk-proj-abcdefghijk", "key of OpenAI"},
      {"sk-or-v1-abcdefghijk", "key of OpenRouter"},
      {"AIzaSyabcdefghijk", "key of Google"},
      {"gsk_abcdefghijk", "key of Groq"},
      {"hf_abcdefghijk", "key of Hugging Face"},
      {"your-api-key-here", "placeholder"},
      {"YOUR_API_KEY", "placeholder"},
      {"$ZAI_API_KEY", "placeholder"},
      {"sk-xxxxxxxx", "placeholder"},
      {"EMPTY", "placeholder"},
      {"sk-kAbCdEfGhIjK.secret", ""},
      {"sk-key", "placeholder"},
      {"sk-abcdefghijklmnop", ""},
      {"nonsense", ""},
      {"", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.presented);
    const std::string text = tell_foreign_key(c.presented);
    EXPECT_EQ(text.empty(), std::string_view(c.told).empty()) << text;
    EXPECT_NE(text.find(c.told), std::string::npos) << text;
    if (c.presented.size() > 12) {
      EXPECT_EQ(text.find(c.presented.substr(0, 12)), std::string::npos) << "it is repeated";
    }
  }
}

}  // namespace
}  // namespace glmgate::accounts
