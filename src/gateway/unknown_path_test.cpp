#include "gateway/unknown_path.h"

#include <gtest/gtest.h>

namespace glmgate::gateway {
namespace {

TEST(unknown_path, what_glm_has_and_we_have_not_yet_is_named) {
  struct Case {
    const char* path;
    const char* named;
  };
  const Case cases[] = {
      {"/api/paas/v4/tokenizer", "`/tokenizer`"},
      {"/api/paas/v4/web_search", "`/web_search`"},
      {"/api/coding/paas/v4/reader", "`/reader`"},
      {"/api/paas/v4/layout_parsing", "`/layout_parsing`"},
      {"/v1/audio/transcriptions", "`/audio`"},
      {"/v1/images/generations", "`/images`"},
      {"/api/paas/v4/videos/generations", "`/videos`"},
      {"/api/paas/v4/async-result/123", "`/async-result`"},
      {"/api/paas/v4/async/chat/completions", "`/async`"},
      {"/api/v1/agents", "`/agents`"},
      {"/v1/files/file-1/content", "`/files`"},
      {"/v1/embeddings", "`/embeddings`"},
      {"/s/zai/v1/embeddings/", "`/embeddings`"},
      {"/api/paas/v4/rerank", "`/rerank`"},
      {"/v1/moderations", "`/moderations`"},
      {"/v1/batches", "`/batches`"},
      {"/v1/messages/batches/b1", "`/messages/batches`"},
      {"/api/mcp/web_reader/mcp", "`/api/mcp`"},
      {"/api/monitor/usage/quota/limit", "`/api/monitor`"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.path);
    const std::string text = unknown_path_text(c.path);
    EXPECT_TRUE(text.starts_with(c.named)) << text;
    EXPECT_NE(text.find("not in this version of glmgate yet"), std::string::npos);
  }
}

TEST(unknown_path, a_near_miss_is_told) {
  struct Case {
    const char* path;
    const char* told;
  };
  const Case cases[] = {
      {"/v1/chat/completion", "`/v1/chat/completions`"},
      {"/v1/chat/complettions", "`/v1/chat/completions`"},
      {"/api/paas/v4/chat/completion", "`/v1/chat/completions`"},
      {"/v1/mesages", "`/v1/messages`"},
      {"/v1/model", "`/v1/models`"},
      {"/v1/response", "`/v1/responses`"},
      {"/v1/messages/count_token", "`/v1/messages/count_tokens`"},
  };
  for (const Case& c : cases)
    EXPECT_NE(unknown_path_text(c.path).find(std::string("Did you mean ") + c.told),
              std::string::npos)
        << unknown_path_text(c.path);
  for (const std::string& path : {std::string("/"), std::string(""), std::string("/s"),
                                  std::string("/s/x"), std::string("/wp-admin/setup.php"),
                                  std::string(100'000, '/'), "/v1/" + std::string(99'999, 'a')})
    EXPECT_EQ(unknown_path_text(path),
              "There is nothing at this path. Chat is at /v1/chat/completions.");
}

}  // namespace
}  // namespace glmgate::gateway
