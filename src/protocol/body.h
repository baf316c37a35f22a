// A request body as it came: validated strictly once, then forwarded with splices. What was checked
// is what is forwarded, and what we do not know survives byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {

class Body {
 public:
  /// Validates `bytes` (RFC 8259, UTF-8, depth, no key twice at any depth, top level an object).
  /// Fault{bad_json} says what is wrong and at which byte or key.
  static Result<Body> read(std::string bytes, const JsonLimits& limits);

  Body(Body&&) noexcept = default;
  Body& operator=(Body&&) noexcept = default;

  std::string_view bytes() const { return bytes_; }
  JsonView root() const;  ///< views end when the Body is moved

  /// Splices, in terms of the original bytes. Later calls for the same member win; nothing is
  /// applied until spliced(). Splices inside a value that is itself replaced or removed are lost
  /// with it.
  void set(std::string_view top_level_key,
           std::string_view json);                      ///< replaces or appends a top-level member
  void remove(std::string_view top_level_key);          ///< no effect if absent
  void replace(JsonView value, std::string_view json);  ///< a value anywhere in the body
  void remove_member(JsonView object, std::string_view key);  ///< a member of an object anywhere
  void set_member(JsonView object, std::string_view key,
                  std::string_view json);               ///< as set(), anywhere
  void remove_value(JsonView value);                    ///< an element of an array, or a member
  void prepend(JsonView array, std::string_view json);  ///< a new first element

  /// Forgets all splices: the same body is fitted anew for another upstream.
  void forget_splices();

  /// The body with all splices applied, one pass. Without splices, the original bytes.
  std::string spliced() const&;
  std::string spliced() &&;  ///< the same, without a copy if there is no splice
  bool has_splices() const { return !splices_.empty(); }

 private:
  Body() = default;
  enum class Act : std::uint8_t { replace, remove, append, prepend };
  struct Splice {
    Act act;
    std::uint32_t node;    ///< of the value; for append and prepend of the container
    std::uint32_t parent;  ///< container of the value; JsonView::kNoParent for the root
    std::string key;       ///< append: the new member's key
    std::string text;
  };
  struct Cut {
    std::size_t begin;
    std::size_t end;
    std::string text;
  };
  void note(Act act, JsonView value, std::string_view text);
  std::vector<Cut> cuts() const;
  void cut_container(std::uint32_t container, const std::vector<const Splice*>& of_it,
                     std::vector<Cut>& cuts) const;

  std::string bytes_;
  JsonTape tape_;
  std::vector<Splice> splices_;
};

}  // namespace glmgate::protocol
