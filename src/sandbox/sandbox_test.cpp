#include "sandbox/sandbox.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/fault.h"

namespace glmgate::sandbox {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A call without a network: it notes what it is told to send.
class PaperCall final : public net::Call {
 public:
  explicit PaperCall(net::Worker& worker) : worker_(worker) {
    request_.method = "GET";
    request_.target = "/v1/models";
    request_.path = request_.target;
  }

  net::Worker& worker() override { return worker_; }
  const net::Request& request() const override { return request_; }
  std::string_view peer() const override { return "127.0.0.1:1"; }
  net::awaitable<Result<std::string>> read_body() override {
    if (body_fault) co_return fail(*body_fault);
    co_return body;
  }
  Result<void> hold_memory(std::size_t) override { return {}; }
  void on_client_gone(std::move_only_function<void()> action) override {
    if (gone_) action();
    action_ = std::move(action);
  }
  bool client_gone() const override { return gone_; }
  bool shutting_down() const override { return false; }
  void stop_writing() override {}
  net::awaitable<net::Io<void>> send(int status, const net::Headers&,
                                     std::string_view bytes) override {
    note("send " + std::to_string(status) + " " + std::string(bytes));
    co_return result();
  }
  void start(int status, const net::Headers&) override { note("start " + std::to_string(status)); }
  net::awaitable<net::Io<void>> write(std::string_view bytes) override {
    note("write " + std::string(bytes));
    co_return result();
  }
  net::awaitable<net::Io<void>> finish(std::string_view bytes) override {
    note("finish " + std::string(bytes));
    co_return result();
  }
  net::awaitable<net::Io<void>> break_off(std::string_view bytes) override {
    note("break " + std::string(bytes));
    co_return result();
  }
  bool started() const override { return !notes.empty(); }

  void leave() {
    gone_ = true;
    if (action_) action_();
  }

  std::vector<std::string> notes;
  std::string body;
  std::optional<Fault> body_fault;
  net::Request& mutable_request() { return request_; }

 private:
  void note(std::string text) { notes.push_back(std::move(text)); }
  net::Io<void> result() const {
    return gone_ ? net::Io<void>(std::unexpected(net::IoError::reset)) : net::Io<void>();
  }

  net::Worker& worker_;
  net::Request request_;
  bool gone_ = false;
  std::move_only_function<void()> action_;
};

net::awaitable<void> leave_after(PaperCall& call, std::chrono::milliseconds time) {
  co_await net::sleep_for(call.worker(), time);
  call.leave();
}

net::awaitable<void> play_to_the_end(net::awaitable<void> work, net::Worker& worker,
                                     Clock::time_point& end) {
  co_await work;
  end = Clock::now();
  worker.stop();
}

/// Runs `work` to its end, while the client leaves after `leaves` (0: never). Returns how long it
/// took.
Clock::duration run(PaperCall& call, net::awaitable<void> work,
                    std::chrono::milliseconds leaves = 0ms) {
  net::Worker& worker = call.worker();
  const auto begin = Clock::now();
  Clock::time_point end{};
  if (leaves > 0ms) worker.spawn(leave_after(call, leaves));
  worker.spawn(play_to_the_end(std::move(work), worker, end));
  worker.run();
  return end - begin;
}

Script events(std::vector<std::pair<std::string, std::chrono::milliseconds>> list) {
  Script script;
  script.streamed = true;
  for (const auto& [text, delay] : list) {
    script.bytes += text;
    script.pieces.push_back({delay, script.bytes.size()});
  }
  return script;
}

using Notes = std::vector<std::string>;

TEST(sandbox, what_needs_no_time_goes_out_in_one_write) {
  net::Worker worker(0);
  PaperCall call(worker);
  const Script script = events({{"a", 0ms}, {"b", 0ms}, {"c", 0ms}});
  run(call, play(call, script));
  EXPECT_EQ(call.notes, (Notes{"start 200", "finish abc"}));
}

TEST(sandbox, a_plain_body_is_sent_whole_after_its_delay) {
  net::Worker worker(0);
  PaperCall call(worker);
  Script script = events({{"body", 30ms}});
  script.streamed = false;
  EXPECT_GE(run(call, play(call, script)), 30ms);
  EXPECT_EQ(call.notes, (Notes{"send 200 body"}));
}

TEST(sandbox, pauses_separate_the_writes) {
  net::Worker worker(0);
  PaperCall call(worker);
  Script script = events({{"a", 20ms}, {"b", 0ms}, {"c", 30ms}, {"d", 30ms}});
  script.before_head = 20ms;
  EXPECT_GE(run(call, play(call, script)), 100ms);
  EXPECT_EQ(call.notes, (Notes{"start 200", "write ab", "write c", "finish d"}));
}

TEST(sandbox, broken_scripts_are_broken_off) {
  for (const Ending ending : {Ending::cut, Ending::reset}) {
    net::Worker worker(0);
    PaperCall call(worker);
    Script script = events({{"a", 0ms}, {"b", 0ms}});
    script.ending = ending;
    run(call, play(call, script));
    EXPECT_EQ(call.notes, (Notes{"start 200", "break ab"}));
  }
  net::Worker worker(0);
  PaperCall call(worker);
  Script script = events({{"half", 0ms}});
  script.streamed = false;
  script.ending = Ending::cut;
  run(call, play(call, script));
  EXPECT_EQ(call.notes, (Notes{"start 200", "break half"}))
      << "a plain body too: it must not look whole";
}

TEST(sandbox, a_stall_lasts_until_the_client_leaves) {
  net::Worker worker(0);
  PaperCall call(worker);
  Script script = events({{"a", 0ms}});
  script.ending = Ending::stall;
  const auto took = run(call, play(call, script), 50ms);
  EXPECT_GE(took, 50ms);
  EXPECT_LT(took, 500ms);
  EXPECT_EQ(call.notes, (Notes{"start 200", "write a"}));
}

TEST(sandbox, every_wait_ends_when_the_client_leaves) {
  Script head = events({{"a", 0ms}});
  head.before_head = 10'000ms;
  Script plain = events({{"a", 10'000ms}});
  plain.streamed = false;
  const Script middle = events({{"a", 0ms}, {"b", 10'000ms}});
  for (const Script& script : {head, plain, middle}) {
    net::Worker worker(0);
    PaperCall call(worker);
    EXPECT_LT(run(call, play(call, script), 30ms), 1'000ms);
    for (const std::string& note : call.notes)
      EXPECT_TRUE(note == "start 200" || note == "write a") << note;
  }
}

TEST(sandbox, a_call_is_answered) {
  net::Worker worker(0);
  Sandbox sandbox({.required_key = "k"});
  PaperCall call(worker);
  call.mutable_request().headers.add("authorization", "Bearer k");
  run(call, sandbox.handle(call));
  ASSERT_EQ(call.notes.size(), 1U);
  EXPECT_TRUE(call.notes[0].starts_with("send 200 {\"object\":\"list\""))
      << call.notes[0].substr(0, 80);
}

TEST(sandbox, a_body_that_cannot_be_read_is_refused_in_the_vendors_form) {
  net::Worker worker(0);
  Sandbox sandbox(Settings{});
  PaperCall call(worker);
  call.mutable_request().has_body = true;
  call.body_fault = make_fault(FaultCode::body_too_large, "body over 32 MiB");
  run(call, sandbox.handle(call));
  ASSERT_EQ(call.notes.size(), 1U);
  EXPECT_EQ(call.notes[0], R"(send 413 {"error":{"code":"1210","message":"body over 32 MiB"}})");
}

TEST(sandbox, its_server_refuses_in_the_dialect_of_the_path) {
  struct Case {
    const char* path;
    const char* begins;
  };
  const Case cases[] = {
      {"", R"({"error":{"code":"1210")"},
      {"/api/paas/v4/chat/completions", R"({"error":{"code":"1210")"},
      {"/api/anthropic/v1/messages", R"({"type":"error","error":{"type":"invalid_request_error")"},
      {"/v1/messages/count_tokens", R"({"type":"error","error":{"type":"invalid_request_error")"},
      {"/v1/responses", R"({"error":{"message":"too large")"},
  };
  for (const Case& c : cases) {
    const net::ErrorPage page =
        page_for(c.path, {}, make_fault(FaultCode::body_too_large, "too large"));
    EXPECT_EQ(page.status, 413);
    EXPECT_TRUE(page.body.starts_with(c.begins)) << page.body;
  }
}

}  // namespace
}  // namespace glmgate::sandbox
