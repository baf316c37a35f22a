// `GET /v1/models` in one superset document, so that OpenAI and Anthropic clients need no content
// negotiation (wire-protocols 1.12).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace glmgate::protocol {

struct ModelEntry {
  std::string id;  ///< may contain '/'
  std::string display_name;
  std::string owned_by;      ///< "z-ai", "sandbox", the engine's name
  std::int64_t created = 0;  ///< Unix seconds; 0 if unknown
  std::int64_t context_window = 0;
  std::int64_t max_output = 0;
};

struct ModelsPage {
  std::optional<std::int64_t> limit;  ///< 1..1000; absent: all (OpenAI clients do not page)
  std::string_view after_id;
  std::string_view before_id;
};

/// The list document, and one element of it.
std::string write_models(std::span<const ModelEntry> models, const ModelsPage& page);
std::string write_model(const ModelEntry& model);

/// What an upstream lists as its own: OpenAI's and Anthropic's `data`, Ollama's `models`, or the
/// bare array; vLLM's max_model_len is the window. Ids that are no names (too long, control bytes)
/// are left out, and what is past the thousandth. Nothing if it is no list.
std::optional<std::vector<ModelEntry>> read_models(std::string_view body);

/// The closest known id within a small edit distance, or empty: for "did you mean".
std::string_view find_near_miss(std::string_view id, std::span<const ModelEntry> models);

}  // namespace glmgate::protocol
