#include "net/address.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/stream.h"

namespace glmgate::net {
namespace {

TEST(read_listen_address, reads_what_people_mean) {
  struct Case {
    const char* text;
    const char* host;
    std::uint16_t port;
    const char* again;
  };
  const Case cases[] = {
      {"127.0.0.1:4560", "127.0.0.1", 4560, "127.0.0.1:4560"},
      {"127.0.0.1:0", "127.0.0.1", 0, "127.0.0.1:0"},
      {"0.0.0.0:65535", "0.0.0.0", 65535, "0.0.0.0:65535"},
      {"[::1]:80", "::1", 80, "[::1]:80"},
      {"[::]:1", "::", 1, "[::]:1"},
      {"localhost:8080", "localhost", 8080, "localhost:8080"},
      {"box-1.example:443", "box-1.example", 443, "box-1.example:443"},
      {"*:9", "*", 9, "*:9"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<ListenAddress> address = read_listen_address(c.text);
    ASSERT_TRUE(address) << address.error().for_client;
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
    EXPECT_EQ(address->text(), c.again);
  }
}

TEST(read_listen_address, says_what_is_wrong) {
  struct Case {
    const char* text;
    const char* why;
  };
  const Case cases[] = {
      {"4561", "it has no host"},
      {":4561", "it has no host"},
      {"", "it has no port"},
      {"127.0.0.1", "it has no port"},
      {"127.0.0.1:", "it has no port"},
      {"[::1]", "it has no port"},
      {"localhost", "it has no port"},
      {"http://127.0.0.1:0", "it is a URL"},
      {"https://a:1/x", "it is a URL"},
      {"::1:0", "an IPv6 address stands in brackets"},
      {"::1", "an IPv6 address stands in brackets"},
      {"127.0.0.1:99999", "99999 is not a port (0 to 65535)"},
      {"127.0.0.1:65536", "65536 is not a port (0 to 65535)"},
      {"127.0.0.1:-1", "-1 is not a port (0 to 65535)"},
      {"127.0.0.1:+1", "+1 is not a port (0 to 65535)"},
      {"127.0.0.1:0x50", "0x50 is not a port (0 to 65535)"},
      {"127.0.0.1: 80", " 80 is not a port (0 to 65535)"},
      {"127.0.0.1:http", "http is not a port (0 to 65535)"},
      {"127.0.0.1:99999999999999999999", "99999999999999999999 is not a port"},
      {"300.0.0.1:80", "`300.0.0.1` is no IPv4 address"},
      {"127.1:80", "`127.1` is no IPv4 address"},
      {"[127.0.0.1]:80", "`127.0.0.1` is no IPv6 address"},
      {"[::g]:80", "`::g` is no IPv6 address"},
      {"a b:80", "`a b` is no host"},
      {"a/b:80", "`a/b` is no host"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<ListenAddress> address = read_listen_address(c.text);
    ASSERT_FALSE(address);
    const std::string& told = address.error().for_client;
    EXPECT_NE(told.find(c.why), std::string::npos) << told;
    EXPECT_NE(told.find("\nhint: write HOST:PORT"), std::string::npos) << told;
  }
}

TEST(is_loopback_host, knows_addresses_from_names) {
  for (const std::string_view host : {"localhost", "LocalHost", "127.0.0.1", "127.255.255.254",
                                      "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  using namespace std::string_view_literals;
  for (const std::string_view host :
       {"127.evil.example"sv, "127.0.0.1.evil.example"sv, "127."sv, "127.1"sv, "128.0.0.1"sv,
        "::ffff:127.x"sv, "::ffff:10.0.0.1"sv, "::2"sv, "localhost.evil.example"sv, ""sv,
        "127.0.0.1\0.evil.example"sv})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(listen_on, a_free_port_is_taken_by_all_sockets) {
  const auto sockets = listen_on({.host = "127.0.0.1", .port = 0}, 3);
  ASSERT_TRUE(sockets) << sockets.error();
  ASSERT_EQ(sockets->size(), 3U);
  for (const int each : *sockets) EXPECT_EQ(local_address(each), local_address(sockets->front()));
  for (const int each : *sockets) ::close(each);
}

}  // namespace
}  // namespace glmgate::net
