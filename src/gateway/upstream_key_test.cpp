#include "gateway/upstream_key.h"

#include <gtest/gtest.h>

namespace glmgate::gateway {
namespace {

const std::string kGood = std::string(32, 'a') + "." + std::string(16, 'B');

TEST(upstream_key, what_came_along_by_mistake_is_taken_off_and_told) {
  const std::string& good = kGood;
  struct Case {
    const char* name;
    std::string written;
    std::vector<std::string> notes;
  };
  const Case cases[] = {
      {"as it should be", good, {}},
      {"a file's line end", good + "\r\n", {}},
      {"blanks", "  " + good + "\t", {"blanks"}},
      {"quotes", "\"" + good + "\"", {"quotes"}},
      {"single quotes with blanks", " '" + good + " ' ", {"quotes", "blanks"}},
      {"scheme", "Bearer " + good, {"Bearer"}},
      {"scheme in quotes", "\"bearer  " + good + "\"\n", {"quotes", "Bearer"}},
      {"byte order mark", "\xEF\xBB\xBF" + good + "\r\n", {"byte order mark"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const UpstreamKey key = read_upstream_key(c.written, ProviderKind::zai);
    EXPECT_EQ(key.key.reveal(), good);
    ASSERT_EQ(key.notes.size(), c.notes.size());
    for (std::size_t i = 0; i < c.notes.size(); ++i)
      EXPECT_NE(key.notes[i].find(c.notes[i]), std::string::npos) << key.notes[i];
  }
}

TEST(upstream_key, what_is_no_key_of_glm_is_told_without_a_piece_of_it) {
  struct Case {
    std::string written;
    const char* says;
  };
  const Case cases[] = {{"sk-ant-abc123", "Anthropic"},
                        {"sk-proj-abc123", "OpenAI"},
                        {"sk-or-v1-abc123", "OpenRouter"},
                        {"sk-abc123.def456", "sk-"},
                        {"your-api-key-here", "placeholder"},
                        {"<key>", "placeholder"},
                        {"x", "id.secret"},
                        {"abc123", "id.secret"},
                        {"", nullptr},
                        {kGood, nullptr}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.written);
    const UpstreamKey key = read_upstream_key(c.written, ProviderKind::zhipu_coding);
    EXPECT_EQ(key.key.reveal(), c.written) << "told, not refused";
    ASSERT_EQ(key.notes.size(), c.says == nullptr ? 0U : 1U);
    if (c.says == nullptr) continue;
    EXPECT_NE(key.notes[0].find(c.says), std::string::npos) << key.notes[0];
    EXPECT_EQ(key.notes[0].find("abc123"), std::string::npos);
    EXPECT_TRUE(read_upstream_key(c.written, ProviderKind::engine).notes.empty());
  }
}

}  // namespace
}  // namespace glmgate::gateway
