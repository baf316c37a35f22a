#include "gateway/unknown_path.h"

#include <vector>

#include "gateway/endpoints.h"
#include "protocol/models_document.h"

namespace glmgate::gateway {
namespace {

/// Of GLM's and OpenAI's surface, what is not served yet (glm-api 3.7, 5 to 8).
struct Later {
  std::string_view path;  ///< and all below it
  std::string_view what;
};
constexpr Later kLater[] = {
    {"/tokenizer", "the tokenizer"},
    {"/web_search", "web search"},
    {"/web-search", "web search"},
    {"/reader", "the web reader"},
    {"/layout_parsing", "layout parsing (OCR)"},
    {"/ocr", "layout parsing (OCR)"},
    {"/handwriting_ocr", "handwriting OCR"},
    {"/audio", "audio"},
    {"/voice", "voice cloning"},
    {"/images", "images"},
    {"/videos", "videos"},
    {"/async", "asynchronous chat"},
    {"/async-result", "asynchronous results"},
    {"/agents", "agents"},
    {"/assistant", "assistants"},
    {"/assistants", "assistants"},
    {"/threads", "assistants"},
    {"/files", "files"},
    {"/uploads", "files"},
    {"/embeddings", "embeddings"},
    {"/rerank", "rerank"},
    {"/moderations", "moderations"},
    {"/batches", "batches"},
    {"/messages/batches", "batches"},
    {"/fine_tuning", "fine-tuning"},
    {"/fine-tuning", "fine-tuning"},
    {"/application", "applications"},
    {"/knowledge", "knowledge bases"},
    {"/llm-application", "knowledge bases"},
    {"/vector_stores", "vector stores"},
    {"/realtime", "realtime"},
    {"/completions", "text completions"},
    {"/api/monitor", "the plan's usage"},
    {"/api/biz", "subscriptions"},
    {"/api/mcp", "the MCP servers"},
};

bool is_at_or_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

std::string unknown_path_text(std::string_view path) {
  constexpr std::size_t kLongest = 200;  // of a path that is worth a guess
  const std::string_view endpoint = endpoint_of(path);
  for (const Later& later : kLater)
    if (is_at_or_below(endpoint, later.path))
      return "`" + std::string(later.path) + "` (" + std::string(later.what) +
             ") is not in this version of glmgate yet. Ask the provider itself for it.";
  if (endpoint.size() <= kLongest) {
    std::vector<protocol::ModelEntry> known;
    for (const std::string_view each : endpoint_paths()) known.push_back({.id = std::string(each)});
    if (const std::string_view near = protocol::find_near_miss(endpoint, known); !near.empty())
      return "There is nothing at this path. Did you mean `/v1" + std::string(near) + "`?";
  }
  return "There is nothing at this path. Chat is at /v1/chat/completions.";
}

}  // namespace glmgate::gateway
