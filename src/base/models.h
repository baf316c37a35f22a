// The model catalogue: data/models.json read once. What a null there means ("not found in any
// source") is an empty optional or 0 here, never a guess.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.h"

namespace glmgate {

/// Price of a million tokens, in micro-units. `cached` falls back to `input` when no source gives
/// it.
struct TokenPrice {
  std::int64_t input = 0;
  std::int64_t cached = 0;
  std::int64_t output = 0;
};

/// One tier of a price that depends on the size of the request; bounds are in tokens, `below` is
/// exclusive, 0 = none.
struct PriceTier {
  std::int64_t input_from = 0;
  std::int64_t input_below = 0;
  std::int64_t output_from = 0;
  std::int64_t output_below = 0;
  TokenPrice price;
};

enum class ThinkingMode : std::uint8_t { unknown, none, automatic, compulsory, forced };

struct Model {
  std::string id;
  std::string display_name;
  std::string kind;       ///< "chat", "image", ...
  bool on_zai = false;    ///< served by api.z.ai
  bool on_zhipu = false;  ///< served by open.bigmodel.cn
  std::optional<bool> in_coding_plan;
  bool takes_images = false;
  std::int64_t context_window = 0;
  std::int64_t max_output = 0;
  std::int64_t default_max_tokens = 0;
  ThinkingMode thinking = ThinkingMode::unknown;
  bool knows_reasoning_effort = false;
  bool streams_arguments = false;  ///< knows tool_stream
  std::optional<TokenPrice> usd;
  std::vector<PriceTier> cny;  ///< one entry without bounds if the price is flat; empty if unknown
  std::int64_t weight_milli = 2000;  ///< thousandths; seed 003's table
  std::int64_t released = 0;         ///< Unix seconds; 0 if unknown
  std::string status;                ///< active, legacy, deprecating, unlisted
};

/// All models, in the order of the file. Read on first use; a broken file is a bug and aborts.
std::span<const Model> model_catalogue();
const Model* find_model(std::string_view id);  ///< exact, lower-case id

inline constexpr std::int64_t kDefaultWeightMilli =
    2000;  ///< "unknown models default to 2x" (seed 003)

}  // namespace glmgate
