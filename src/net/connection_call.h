// One request of a connection and its answer.
#pragma once

#include <string>
#include <string_view>

#include "net/request_parser.h"
#include "net/server_state.h"

namespace glmgate::net {

class ConnectionCall final : public Call {
 public:
  /// `pending`: bytes that came after what was parsed.
  ConnectionCall(Server::State& server, Stream& stream, RequestParser& parser,
                 std::string& pending);
  ~ConnectionCall() override;
  ConnectionCall(const ConnectionCall&) = delete;
  ConnectionCall& operator=(const ConnectionCall&) = delete;

  Worker& worker() override { return server_.worker; }
  const Request& request() const override { return parser_.request(); }
  std::string_view peer() const override { return stream_.peer(); }
  awaitable<Result<std::string>> read_body() override;
  Result<void> hold_memory(std::size_t bytes) override;
  void on_client_gone(std::move_only_function<void()> action) override;
  bool client_gone() const override { return gone_; }
  bool shutting_down() const override { return ending_; }
  awaitable<Io<void>> send(int status, const Headers& headers, std::string_view body) override;
  void start(int status, const Headers& headers) override;
  awaitable<Io<void>> write(std::string_view bytes) override;
  awaitable<Io<void>> finish(std::string_view last_bytes) override;
  awaitable<Io<void>> break_off(std::string_view last_bytes) override;
  void stop_writing() override;
  bool started() const override { return started_; }

  void leave();  ///< the client is gone, or as good as
  void end();    ///< Server::end_calls()

  bool answered() const { return ended_; }
  bool may_keep_alive() const { return keep_alive_ && !broken_ && !gone_; }

 private:
  awaitable<Io<void>> put_piece(std::string_view bytes, std::string_view after);
  awaitable<Io<void>> put(std::string_view head, std::string_view body);
  std::string make_head(int status, const Headers& headers);
  /// The rest of a body nobody read is not worth a new connection.
  bool reads_rest_away() const;
  void tell();
  void account(std::size_t held);
  Result<void> check_memory() const;
  awaitable<Result<std::string>> read_encoded();
  awaitable<Result<void>> read_more(TimePoint began);
  Result<std::string> decode(std::string_view encoding, const std::string& body);

  Server::State& server_;
  Stream& stream_;
  RequestParser& parser_;
  std::string& pending_;
  std::string held_;  ///< head of a streamed answer, until its first bytes
  std::move_only_function<void()> on_gone_;
  std::int64_t accounted_ = 0;
  bool gone_ = false;
  bool ending_ = false;
  bool reading_ = false;
  bool continued_ = false;  ///< 100 Continue was sent
  bool started_ = false;
  bool ended_ = false;
  bool broken_ = false;
  bool chunked_ = false;
  bool keep_alive_ = true;
};

}  // namespace glmgate::net
