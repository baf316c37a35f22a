// Socket addresses as people write them.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace glmgate::net {

/// Where a server shall listen, as configured.
struct ListenAddress {
  std::string host;  ///< without brackets; "*": all of this machine's addresses
  std::uint16_t port = 0;
  bool is_loopback() const;
  std::string text() const;  ///< "127.0.0.1:4560", "[::1]:4560"
};
/// Reads "127.0.0.1:4560", "[::1]:0", "localhost:80", "*:80". Fault{bad_value}: what is wrong, and
/// a "\nhint: ...". Nothing is looked up.
Result<ListenAddress> read_listen_address(std::string_view text);

/// `count` sockets that listen there, one for each worker (SO_REUSEPORT if several). The error is
/// for people: "Address already in use".
std::expected<std::vector<int>, std::string> listen_on(const ListenAddress& address,
                                                       std::size_t count);

std::string address_text(const sockaddr_storage& address);  ///< "[::1]:4711"; empty if unknown
std::string peer_address(int fd);                           ///< "127.0.0.1:4711"
std::string local_address(int fd);
/// "127.0.0.1" of "127.0.0.1:4711".
std::string_view host_of(std::string_view address);
/// localhost, or an address in 127/8, ::1 or ::ffff:127/8. A name that only looks so is none.
bool is_loopback_host(std::string_view host);

}  // namespace glmgate::net
