// What /v1/responses keeps between requests: responses with the input they answered, in memory, for
// each tenant by itself, within limits of time and bytes (wire-protocols 2.8). Whether anything is
// kept is the gateway's matter; it is off by default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "protocol/body.h"

namespace glmgate::protocol {

/// Raw JSON throughout. Items have ids and stand with commas between them, without brackets.
struct StoredResponse {
  std::string id;
  std::string previous;  ///< the response this one went on from; empty if none
  std::string input;     ///< its own input items: stored_input()
  std::string output;    ///< its output items
  std::string response;  ///< the whole object, as GET /v1/responses/{id} answers it
};

struct ResponsesStoreLimits {
  std::chrono::milliseconds keep{std::chrono::hours(24)};  ///< since a response was last used
  std::size_t tenant_bytes = 64 << 20;
  std::size_t total_bytes = 512 << 20;
};

/// Safe to be used by several threads. What was not used for longest goes first; a conversation is
/// used as a whole.
class ResponsesStore {
 public:
  explicit ResponsesStore(const ResponsesStoreLimits& limits) : limits_(limits) {}

  /// False if it is larger than a tenant may have. Another one of the same id is replaced.
  bool put(std::string_view tenant, StoredResponse response, UtcMillis now);
  std::optional<StoredResponse> find(std::string_view tenant, std::string_view id, UtcMillis now);
  bool remove(std::string_view tenant, std::string_view id, UtcMillis now);

  /// All items of the conversation that ends with response `id`, oldest first; nothing if any part
  /// of it is gone. Fault{body_too_large} if they are more than `most` bytes: a small request would
  /// become a large one.
  Result<std::optional<std::string>> find_history(std::string_view tenant, std::string_view id,
                                                  std::size_t most, UtcMillis now);
  /// An output item by its own id.
  std::optional<std::string> find_item(std::string_view tenant, std::string_view item_id,
                                       UtcMillis now);

  std::size_t bytes() const;

 private:
  struct Entry {
    std::string tenant;
    StoredResponse stored;
    std::vector<std::string> item_ids;  // of its output
    std::size_t bytes = 0;
    UtcMillis used = 0;
    std::uint64_t use = 0;  ///< number of its last use
  };
  using Entries = std::list<Entry>;  // the least recently used first
  /// Where in a response's output an item stands.
  struct Place {
    std::string response;
    std::size_t begin;
    std::size_t size;
  };
  struct Tenant {
    std::map<std::string, Entries::iterator, std::less<>> responses;  // by id
    std::map<std::string, Place, std::less<>> items;                  // by item id
    std::map<std::uint64_t, Entries::iterator> by_use;                // the least recent first
    std::size_t bytes = 0;
  };

  Entries::iterator* locate(std::string_view tenant, std::string_view id);
  void touch(Entries::iterator entry, UtcMillis now);
  void drop(Entries::iterator entry);
  void drop_old(UtcMillis now);

  ResponsesStoreLimits limits_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::map<std::string, Tenant, std::less<>> tenants_;
  std::size_t bytes_ = 0;
  std::uint64_t uses_ = 0;
};

/// The input items of a request, each with an id: those without one get one made from
/// `response_id`. A plain string is a message of the user.
std::string stored_input(const Body& body, std::string_view response_id);

/// The request with `history` (find_history) before its input, and without previous_response_id.
std::string with_history(const Body& body, std::string_view history);

/// The request with each item_reference replaced by what `find` has for its id.
/// Fault{not_stored} if it has nothing; Fault{bad_value} if an item is referred to twice and
/// Fault{body_too_large} past `most` bytes: a small request would become a large one.
Result<std::string> with_items(
    const Body& body, std::size_t most,
    const std::function<std::optional<std::string>(std::string_view item_id)>& find);

/// A response object that is over, completed or incomplete, to be put; nothing if it is anything
/// else. `previous` and `input` are the caller's to fill.
std::optional<StoredResponse> read_finished_response(std::string object);
/// The response object in the last event of a stream that ended well; empty if there is none.
std::string read_last_response(std::string_view events);

/// What GET /v1/responses/{id}/input_items is asked for.
struct ItemsPage {
  std::size_t limit = 20;  ///< 1 to 100
  std::string after;       ///< begin behind this id
  bool newest_first = true;
};
/// Its answer.
std::string write_input_items(const StoredResponse& stored, const ItemsPage& page);

/// What DELETE /v1/responses/{id} answers.
std::string write_deleted_response(std::string_view id);

}  // namespace glmgate::protocol
