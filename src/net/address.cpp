#include "net/address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "net/http.h"

namespace glmgate::net {
namespace {

constexpr int kBacklog = 4096;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

std::expected<int, std::string> listen_one(const sockaddr* where, socklen_t size, bool share) {
  const int fd = ::socket(where->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (share) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (::bind(fd, where, size) == 0 && ::listen(fd, kBacklog) == 0) return fd;
  }
  std::string error = std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return std::unexpected(std::move(error));
}

std::unexpected<Fault> wrong(std::string_view text, std::string why, std::string_view hint = {}) {
  const std::string_view usual = "write HOST:PORT, e.g. `127.0.0.1:4560`; port 0 takes a free one";
  return fail(FaultCode::bad_value, "cannot listen on `" + std::string(text) +
                                        "`: " + std::move(why) +
                                        "\nhint: " + std::string(hint.empty() ? usual : hint));
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_v6(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

bool is_v4(const std::string& host) {
  in_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1;
}

/// A name, or what may become one; an address is checked by the caller.
bool is_name(std::string_view host) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  return host.find_first_not_of(kLetters) == std::string_view::npos;
}

Result<std::uint16_t> read_port(std::string_view text, std::string_view port) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  if (is_number(port) && error == std::errc{} && end == port.data() + port.size()) return value;
  return wrong(text, port.empty() ? std::string("it has no port")
                                  : std::string(port) + " is not a port (0 to 65535)");
}

}  // namespace

std::string address_text(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return {};
}

std::string peer_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0
             ? address_text(address)
             : std::string();
}

std::string local_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0
             ? address_text(address)
             : std::string();
}

std::string_view host_of(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

bool is_loopback_host(std::string_view host) {
  if (same_name(host, "localhost")) return true;
  if (host.find('\0') != std::string_view::npos) return false;
  const std::string text(host);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24U == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_LOOPBACK(&v6)) return true;
  return IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
}

bool ListenAddress::is_loopback() const { return is_loopback_host(host); }

std::string ListenAddress::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ListenAddress> read_listen_address(std::string_view text) {
  if (text.find("://") != std::string_view::npos)
    return wrong(text, "it is a URL", "write HOST:PORT, without http:// and path");
  if (is_number(text))
    return wrong(text, "it has no host",
                 "write HOST:PORT, e.g. `127.0.0.1:" + std::string(text) + "`");
  if (is_v6(std::string(text)))
    return wrong(text, "an IPv6 address stands in brackets, and has a port",
                 "write HOST:PORT, e.g. `[::1]:4560`");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) return wrong(text, "it has no port");
  std::string_view host = text.substr(0, colon);
  const Result<std::uint16_t> port = read_port(text, text.substr(colon + 1));
  if (!port) return fail(port.error());
  if (host.empty())
    return wrong(text, "it has no host",
                 "write HOST:PORT, e.g. `127.0.0.1:" + std::to_string(*port) +
                     "`; `*:" + std::to_string(*port) + "` is all addresses of this machine");
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!is_v6(std::string(host)))
      return wrong(text, "`" + std::string(host) + "` is no IPv6 address");
  } else if (host.find(':') != std::string_view::npos) {
    return wrong(text, "an IPv6 address stands in brackets", "write HOST:PORT, e.g. `[::1]:4560`");
  } else if (host != "*" && !is_name(host)) {
    return wrong(text, "`" + std::string(host) + "` is no host");
  } else if (host.find_first_not_of("0123456789.") == std::string_view::npos &&
             !is_v4(std::string(host))) {
    return wrong(text, "`" + std::string(host) + "` is no IPv4 address");
  }
  return ListenAddress{.host = std::string(host), .port = *port};
}

std::expected<std::vector<int>, std::string> listen_on(const ListenAddress& address,
                                                       std::size_t count) {
  const std::string port = std::to_string(address.port);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(address.host == "*" ? nullptr : address.host.c_str(),
                                   port.c_str(), &wanted, &found);
  if (failed != 0) return std::unexpected(gai_strerror(failed));
  const Addresses addresses(found, freeaddrinfo);

  std::expected<int, std::string> only = std::unexpected("no address");
  for (const addrinfo* each = found; each != nullptr && !only; each = each->ai_next)
    only = listen_one(each->ai_addr, each->ai_addrlen, false);
  if (!only) return std::unexpected(only.error());
  if (count == 1) return std::vector<int>{*only};

  // Sharing would also let in another server of this user. The socket without it has just proved
  // that nobody is there.
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(*only, reinterpret_cast<sockaddr*>(&bound), &size);
  ::close(*only);
  std::vector<int> sockets;
  while (sockets.size() < count) {
    const std::expected<int, std::string> next =
        listen_one(reinterpret_cast<const sockaddr*>(&bound), size, true);
    if (!next) {
      for (const int each : sockets) ::close(each);
      return std::unexpected(next.error());
    }
    sockets.push_back(*next);
  }
  return sockets;
}

}  // namespace glmgate::net
