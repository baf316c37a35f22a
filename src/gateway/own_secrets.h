// Our credentials at an upstream, in every form one may come back in: what an upstream quotes of
// them no client sees.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "base/secret.h"

namespace glmgate::gateway {

class OwnSecrets {
 public:
  /// @param key    as configured; may be empty
  /// @param token  made of it and sent ("Bearer ..." or bare); may be empty
  OwnSecrets(const Secret& key, std::string_view token);

  /// True also for text that hides its letters behind \u escapes: nobody needs those in JSON.
  bool may_be_in(std::string_view text) const;
  void remove_from(std::string& text) const;
  void remove_from(Fault& fault) const;

 private:
  void add(std::string_view form);
  std::vector<std::string> forms_;  ///< longest first
};

}  // namespace glmgate::gateway
