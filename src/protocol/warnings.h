// What a translation could not keep, for the `glmgate-warning` headers. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace glmgate::protocol {

class Warnings {
 public:
  /// "<what>; field=<field>", once, and made to fit a header whatever a client calls its fields.
  /// Beyond some dozens nobody reads them, and clients take no more than a hundred headers: the
  /// last one says that there were others.
  void add(std::string_view what, std::string_view field);

  std::vector<std::string> take() { return std::move(texts_); }

 private:
  std::vector<std::string> texts_;
};

}  // namespace glmgate::protocol
