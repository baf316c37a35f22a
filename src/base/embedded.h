// Files of data/ that the program carries inside itself (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace glmgate::data {

extern const std::string_view kModelsJson;  ///< data/models.json: models, prices, weights
extern const std::string_view kSchema001;   ///< src/accounts/schema/001_first.sql
extern const std::string_view kSchema002;   ///< src/accounts/schema/002_billing.sql

}  // namespace glmgate::data
