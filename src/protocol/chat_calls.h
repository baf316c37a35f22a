// The tool calls of a chat answer, put together from their fragments as upstreams write them
// (wire-protocols 3.3 and 3.4). Private to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/answer_pieces.h"
#include "protocol/delta.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {

class ChatCalls {
 public:
  /// @param max_waiting  bytes kept for calls whose name has not come yet.
  explicit ChatCalls(std::size_t max_waiting) : max_waiting_(max_waiting) {}

  enum class Entries : std::uint8_t {
    fragments,  ///< of a stream: told apart by index, else id, else they belong to the last call
    whole       ///< each is a call
  };
  /// One entry of `tool_calls`, or a legacy `function_call`. Fault{upstream_broken} for arguments
  /// that are neither text nor an object.
  Result<void> read(JsonView entry, Entries entries, const OnDelta& on_delta);

  /// The answer ended. Fault{upstream_broken} if a call never got its name, unless the model was
  /// cut short: then it is left out.
  Result<void> end(Stop stop, const OnDelta& on_delta);

  std::size_t begun() const { return begun_; }

 private:
  struct Call {
    std::optional<std::int64_t> index;
    std::string id;
    std::string name;
    ArgumentPieces arguments;
    std::string waiting;  // arguments that came before the name
    std::size_t number = 0;
    bool has_arguments = false;
  };
  Call* find(JsonView entry, const std::string& id, const std::string& name);
  Result<void> read_arguments(Call& call, JsonView arguments, const OnDelta& on_delta);
  Result<void> add_arguments(Call& call, std::string_view text, const OnDelta& on_delta);

  std::vector<Call> calls_;
  std::size_t begun_ = 0;
  std::size_t waiting_ = 0;
  std::size_t max_waiting_;
};

}  // namespace glmgate::protocol
