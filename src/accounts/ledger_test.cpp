#include "accounts/ledger.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <map>
#include <random>
#include <thread>

#include "accounts/folder.h"
#include "accounts/holds.h"
#include "base/id.h"

namespace glmgate::accounts {
namespace {

using namespace std::chrono_literals;

class ledger : public ::testing::Test {
 protected:
  ledger()
      : folder_((std::filesystem::temp_directory_path() / ("glmgate-ledger-" + random_base62(8)))
                    .string()) {}
  ~ledger() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Ledger> open(Durability durability = Durability::process,
                               std::uint32_t holds = 1024) {
    return open(LedgerOptions{.data_dir = folder_, .durability = durability, .max_holds = holds});
  }
  std::unique_ptr<Ledger> open(const LedgerOptions& options) {
    auto opened = open_ledger(options, system_clock());
    EXPECT_TRUE(opened.has_value()) << opened.error().for_client;
    return std::move(*opened);
  }
  SumsAnswer sums() { return sums({.by = {GroupBy::model}}); }
  SumsAnswer sums(const SumsQuestion& question) {
    auto books = open_books(folder_, system_clock());
    EXPECT_TRUE(books.has_value()) << books.error().for_client;
    auto answer = (*books)->sums(question);
    EXPECT_TRUE(answer.has_value()) << answer.error().for_client;
    return *answer;
  }

  std::string folder_;
};

Opening opening(std::string_view model, std::int64_t key = 1) {
  return {.at = system_clock().utc_ms(),
          .request_id = "x_1",
          .key = key,
          .model = model,
          .upstream = "u",
          .client = "openai_chat",
          .stream = false,
          .input_estimate = 10,
          .weight_milli = 2000};
}

Entry entry(std::int64_t in, std::int64_t out, std::int64_t cost = 0) {
  return {.end = End::complete,
          .usage = {.input = in, .output = out},
          .cost_micro = cost,
          .weight_milli = 2000};
}

TEST_F(ledger, a_settled_hold_shows_at_once_and_once) {
  const auto books = open();
  for (int i = 0; i < 50; ++i) {
    Result<Hold> hold = books->hold(opening("m"));
    ASSERT_TRUE(hold.has_value());
    hold->answered();
    hold->settle(entry(3, 4, 5), {});
    const SumsAnswer answer = sums();
    ASSERT_EQ(answer.total.requests, i + 1);
    ASSERT_EQ(answer.total.prompt_tokens, 3 * (i + 1));
    ASSERT_EQ(answer.total.weighted_milli, 14'000 * (i + 1));
    ASSERT_EQ(answer.total.usd_micro, 5 * (i + 1));
    ASSERT_EQ(answer.open, 0);
  }
  books->flush();
  EXPECT_EQ(sums().total.requests, 50);
  EXPECT_EQ(books->holds_in_use(), 0U);
}

TEST_F(ledger, an_open_hold_is_counted_as_open_and_one_that_ends_unanswered_leaves_nothing) {
  const auto books = open();
  {
    Result<Hold> hold = books->hold(opening("m"));
    EXPECT_EQ(sums().open, 1);
  }
  EXPECT_EQ(sums().open, 0);
  EXPECT_EQ(sums().total.requests, 0);
}

TEST_F(ledger, an_answered_hold_that_nobody_settles_is_interrupted_at_what_was_relayed) {
  const auto books = open();
  {
    Result<Hold> hold = books->hold(opening("m"));
    hold->answered();
    hold->so_far(7);
  }
  const SumsAnswer answer = sums();
  EXPECT_EQ(answer.total.requests, 1);
  EXPECT_EQ(answer.total.prompt_tokens, 10);
  EXPECT_EQ(answer.total.completion_tokens, 7);
  EXPECT_EQ(answer.total.estimated, 1);
}

TEST_F(ledger, nothing_settled_is_lost_when_the_process_is_killed) {
  std::filesystem::create_directories(folder_);
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto books = open_ledger({.data_dir = folder_}, system_clock());
      if (!books) ::_exit(1);
      std::vector<Hold> running;
      for (int i = 0;; ++i) {
        Result<Hold> hold = (*books)->hold(opening("settled"));
        if (!hold) {  // the writer is behind
          std::this_thread::sleep_for(1ms);
          continue;
        }
        hold->answered();
        hold->settle(entry(1, 1), {});
        if (::write(pipe_ends[1], "s", 1) != 1) ::_exit(2);  // settled, and known to be
        if (i % 10 == 0 && running.size() < 20) {
          Result<Hold> cut = (*books)->hold(opening("running"));
          if (!cut) continue;
          cut->answered();
          cut->so_far(5);
          running.push_back(std::move(*cut));
        }
      }
    }
    ::close(pipe_ends[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(40 + 30 * round));
    ::kill(child, SIGKILL);
    int ended = 0;
    ::waitpid(child, &ended, 0);
    ASSERT_TRUE(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
    static std::int64_t told = 0;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;) told += n;
    ::close(pipe_ends[0]);
    std::map<std::string, Sums> dead;
    for (const Sums& row : sums().rows) dead[row.group.front()] = row;
    // One more than was told may have been settled: the kill came between the two.
    EXPECT_GE(dead["settled"].requests, told);
    EXPECT_LE(dead["settled"].requests, told + round + 1);
    const auto next = open();
    EXPECT_EQ(sums().open, 0);
    std::map<std::string, Sums> alive;
    for (const Sums& row : sums().rows) alive[row.group.front()] = row;
    EXPECT_EQ(alive["settled"].requests, dead["settled"].requests);
    EXPECT_EQ(alive["running"].requests, dead["running"].requests);
    EXPECT_EQ(alive["running"].completion_tokens, 5 * alive["running"].requests);
  }
}

TEST_F(ledger, a_row_that_is_in_the_database_and_in_the_holds_file_counts_once) {
  std::filesystem::copy_options overwrite = std::filesystem::copy_options::overwrite_existing;
  {
    const auto books = open();
    Result<Hold> hold = books->hold(opening("m"));
    hold->answered();
    hold->settle(entry(3, 4), {});
    // As if the process had died between the commit and the freeing of the slot.
    std::filesystem::copy_file(folder_ + "/holds", folder_ + "/copy", overwrite);
    books->flush();
  }
  std::filesystem::copy_file(folder_ + "/copy", folder_ + "/holds", overwrite);
  EXPECT_EQ(sums().total.requests, 1);
  const auto books = open();
  EXPECT_EQ(sums().total.requests, 1);
}

TEST_F(ledger, a_locked_database_loses_nothing_and_a_full_holds_file_refuses) {
  const auto books = open(Durability::process, 64);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/glmgate.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  int held = 0;
  while (true) {
    Result<Hold> hold = books->hold(opening("m"));
    if (!hold) {
      EXPECT_EQ(hold.error().code, FaultCode::store_unavailable);
      break;
    }
    hold->answered();
    hold->settle(entry(1, 1), {});
    ASSERT_LE(++held, 64);
  }
  EXPECT_EQ(held, 64);
  for (int i = 0; i < 300 && books->healthy(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(books->healthy());
  EXPECT_EQ(books->unwritten(), 64U);
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  for (int i = 0; i < 500 && books->holds_in_use() > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(books->healthy());
  EXPECT_EQ(books->unwritten(), 0U);
  EXPECT_EQ(sums().total.requests, 64);
}

TEST_F(ledger, who_outruns_the_writer_is_not_refused) {
  constexpr std::uint32_t kHolds = 128;
  constexpr int kThreads = 4;
  constexpr int kEach = 10'000;
  const auto books = open(Durability::process, kHolds);
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        Result<Hold> hold = books->hold(opening("m"));
        if (!hold) {
          ++refused;
          continue;
        }
        hold->answered();
        hold->settle(entry(1, 2), {});
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
  EXPECT_TRUE(books->healthy());
  books->flush();
  EXPECT_EQ(sums().total.requests, kThreads * kEach);
}

TEST_F(ledger, holds_are_freed_piece_by_piece_and_not_when_all_is_written) {
  constexpr int kRows = 1000;
  const auto books = open(Durability::process, 8192);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/glmgate.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  for (int i = 0; i < kRows; ++i) {
    Result<Hold> hold = books->hold(opening("m"));
    hold->answered();
    hold->settle(entry(1, 1), {});
  }
  EXPECT_EQ(books->holds_in_use(), kRows);
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  bool partly = false;
  for (int i = 0; i < 20'000 && books->holds_in_use() > 0; ++i) {
    const std::uint32_t left = books->holds_in_use();
    partly = partly || (left > 0 && left < kRows);
    std::this_thread::sleep_for(100us);
  }
  EXPECT_TRUE(partly);
  EXPECT_EQ(sums().total.requests, kRows);
}

TEST_F(ledger, holds_that_running_requests_fill_say_too_many_requests_and_at_once) {
  const auto books = open(Durability::process, 16);
  std::vector<Hold> running;
  for (int i = 0; i < 15; ++i) running.push_back(std::move(*books->hold(opening("m"))));
  {
    Result<Hold> last = books->hold(opening("m"));
    ASSERT_TRUE(last.has_value());
    const auto began = std::chrono::steady_clock::now();
    const Result<Hold> refused = books->hold(opening("m"));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, FaultCode::overloaded);
    EXPECT_NE(refused.error().for_client.find("Too many requests"), std::string::npos);
    EXPECT_GT(refused.error().wait.count(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 50ms);
    last->answered();
    last->settle(entry(1, 1), {});
  }
  // The one that was settled is written, and its hold serves the next.
  EXPECT_TRUE(books->hold(opening("m")).has_value());
}

TEST_F(ledger, with_power_durability_settle_calls_back_after_the_commit) {
  const auto books = open(Durability::power);
  Result<Hold> hold = books->hold(opening("m"));
  hold->answered();
  std::promise<std::int64_t> rows;
  hold->settle(entry(1, 1), [&] {
    sqlite3* other = nullptr;
    sqlite3_open((folder_ + "/glmgate.db").c_str(), &other);
    sqlite3_stmt* count = nullptr;
    sqlite3_prepare_v2(other, "SELECT count(*) FROM usage", -1, &count, nullptr);
    sqlite3_step(count);
    rows.set_value(sqlite3_column_int64(count, 0));
    sqlite3_finalize(count);
    sqlite3_close(other);
  });
  EXPECT_EQ(rows.get_future().get(), 1);
}

TEST_F(ledger, threads_may_hold_and_settle_side_by_side) {
  const auto books = open(Durability::process, 4096);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&books] {
      for (int i = 0; i < 500; ++i) {
        Result<Hold> hold = books->hold(opening("m"));
        if (!hold) {
          std::this_thread::sleep_for(1ms);
          continue;
        }
        hold->answered();
        hold->so_far(i);
        hold->settle(entry(1, 2), {});
      }
    });
  for (std::thread& thread : threads) thread.join();
  books->flush();
  EXPECT_EQ(sums().total.requests, 2000);
  EXPECT_EQ(sums().total.completion_tokens, 4000);
}

TEST_F(ledger, sums_agree_with_a_model_over_a_random_history) {
  const auto books = open(Durability::process, 16'384);
  std::mt19937 dice(7);
  std::map<std::string, Sums> expected;
  Sums total;
  for (int i = 0; i < 10'000; ++i) {
    const std::string model = "m" + std::to_string(dice() % 7);
    Result<Hold> hold = books->hold(opening(model));
    ASSERT_TRUE(hold.has_value());
    hold->answered();
    Entry e = entry(dice() % 5000, dice() % 5000, dice() % 100'000);
    e.currency = dice() % 4 == 0 ? Currency::cny : Currency::usd;
    e.priced = dice() % 5 != 0;
    e.usage.estimated = dice() % 3 == 0;
    for (Sums* sum : {&expected[model], &total}) {
      ++sum->requests;
      sum->prompt_tokens += e.usage.input;
      sum->completion_tokens += e.usage.output;
      sum->weighted_milli += (e.usage.input + e.usage.output) * 2000;
      (e.currency == Currency::usd ? sum->usd_micro : sum->cny_micro) += e.cost_micro;
      sum->unpriced += e.priced ? 0 : 1;
      sum->estimated += e.usage.estimated ? 1 : 0;
    }
    hold->settle(e, {});
  }
  const auto same = [](const Sums& a, const Sums& b) {
    EXPECT_EQ(a.requests, b.requests);
    EXPECT_EQ(a.prompt_tokens, b.prompt_tokens);
    EXPECT_EQ(a.completion_tokens, b.completion_tokens);
    EXPECT_EQ(a.weighted_milli, b.weighted_milli);
    EXPECT_EQ(a.usd_micro, b.usd_micro);
    EXPECT_EQ(a.cny_micro, b.cny_micro);
    EXPECT_EQ(a.unpriced, b.unpriced);
    EXPECT_EQ(a.estimated, b.estimated);
  };
  for (int look = 0; look < 2; ++look) {  // while rows are still on their way, and after
    const SumsAnswer answer = sums();
    same(answer.total, total);
    ASSERT_EQ(answer.rows.size(), expected.size());
    for (const Sums& row : answer.rows) same(row, expected[row.group.front()]);
    books->flush();
  }
}

TEST_F(ledger, a_sum_taken_beside_running_threads_misses_and_doubles_nothing) {
  const auto books = open(Durability::process, 4096);
  std::atomic<std::int64_t> begun{0};
  std::atomic<std::int64_t> settled{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        Result<Hold> hold = books->hold(opening("m"));
        if (hold) {
          hold->answered();
          ++begun;
          hold->settle(entry(1, 2), {});
          ++settled;
        }
        std::this_thread::sleep_for(100us);
      }
    });
  for (int look = 0; look < 40; ++look) {
    const std::int64_t least = settled;
    const SumsAnswer answer = sums();
    const std::int64_t most = begun;
    EXPECT_GE(answer.total.requests, least);
    EXPECT_LE(answer.total.requests, most);
    EXPECT_EQ(answer.total.completion_tokens, 2 * answer.total.requests);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sums().total.requests, settled.load());
}

TEST_F(ledger, a_clock_that_is_set_back_costs_no_row) {
  for (int round = 0; round < 3; ++round) {  // the same milliseconds again and again
    const auto books = open();
    for (int i = 0; i < 20; ++i) {
      Opening at = opening("m");
      at.at = 1'795'000'000'000 + i / 4;
      Result<Hold> hold = books->hold(at);
      hold->answered();
      hold->settle(entry(1, 1), {});
    }
    books->flush();
    EXPECT_EQ(sums().total.requests, 20 * (round + 1));
  }
}

TEST_F(ledger, sums_can_be_asked_from_a_moment_up_to_another) {
  const auto books = open();
  const UtcMillis start = 1'795'000'000'000;
  for (int i = 0; i < 10; ++i) {
    Opening at = opening("m");
    at.at = start + i;
    Result<Hold> hold = books->hold(at);
    hold->answered();
    hold->settle(entry(1, 1), {});
  }
  constexpr UtcMillis kFar = 253'402'300'800'000;  // the year 10000
  for (int look = 0; look < 2; ++look) {           // from the holds file, and from the database
    EXPECT_EQ(sums({.by = {}, .since = start + 3}).total.requests, 7);
    EXPECT_EQ(sums({.by = {}, .until = start + 3}).total.requests, 3);
    EXPECT_EQ(sums({.by = {}, .since = start + 3, .until = start + 5}).total.requests, 2);
    EXPECT_EQ(sums({.by = {}, .since = kFar}).total.requests, 0);
    EXPECT_EQ(sums({.by = {}, .since = -5}).total.requests, 10);
    EXPECT_EQ(sums({.by = {}, .until = kFar}).total.requests, 10);
    books->flush();
  }
}

TEST_F(ledger, an_interrupted_request_is_priced_like_any_other) {
  const LedgerOptions options{
      .data_dir = folder_,
      .price = [](std::string_view upstream, std::string_view model, const Usage& usage,
                  UtcMillis) {
        EXPECT_EQ(upstream, "u");
        return Quote{.cost = model == "m" ? std::optional(Money{usage.input + 100 * usage.output,
                                                                Currency::cny})
                                          : std::nullopt,
                     .weight_milli = 500};
      }};
  {
    const auto books = open(options);
    for (const char* model : {"m", "unknown"}) {
      Result<Hold> hold = books->hold(opening(model));
      hold->answered();
      hold->so_far(7);
    }
    std::filesystem::copy_file(folder_ + "/holds", folder_ + "/copy");
  }
  EXPECT_EQ(sums().total.cny_micro, 710);
  EXPECT_EQ(sums().total.unpriced, 1);
  EXPECT_EQ(sums().total.weighted_milli, 2 * 17 * 500);
}

TEST_F(ledger, what_a_dead_process_left_running_is_priced_at_the_next_start) {
  {
    const auto books = open();
    Result<Hold> hold = books->hold(opening("m"));
    hold->answered();
    hold->so_far(7);
    std::filesystem::copy_file(folder_ + "/holds", folder_ + "/copy");
    hold->settle(entry(1, 1), {});
  }
  std::filesystem::remove(folder_ + "/glmgate.db");
  std::filesystem::rename(folder_ + "/copy", folder_ + "/holds");
  EXPECT_EQ(sums().total.unpriced, 1);  // nobody here knows prices
  const auto books = open(LedgerOptions{
      .data_dir = folder_,
      .price = [](std::string_view, std::string_view, const Usage& usage, UtcMillis) {
        return Quote{.cost = Money{usage.output, Currency::usd}, .weight_milli = 1000};
      }});
  EXPECT_EQ(sums().total.usd_micro, 7);
  EXPECT_EQ(sums().total.unpriced, 0);
  EXPECT_EQ(sums().total.weighted_milli, 17'000);
}

TEST_F(ledger, a_holds_file_that_is_not_ours_is_kept_aside) {
  {
    const auto books = open();
  }
  std::filesystem::resize_file(folder_ + "/holds", 1000);
  const auto books = open();
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/holds.foreign"));
}

TEST_F(ledger, a_lost_secret_is_not_replaced_while_keys_depend_on_it) {
  {
    auto books = *open_books(folder_, system_clock());
    ASSERT_TRUE(books->create_key("ada", "", 0).has_value());
  }
  std::filesystem::remove(folder_ + "/secret");
  const auto opened = open_ledger({.data_dir = folder_}, system_clock());
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().for_client.find("backup"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/secret"));
}

TEST_F(ledger, the_folder_and_all_in_it_are_this_users_alone) {
  folder_ += "/inner/";
  const auto books = open();
  using std::filesystem::perms;
  const auto open_to_others = [](const std::filesystem::path& path) {
    return (std::filesystem::status(path).permissions() & (perms::group_all | perms::others_all)) !=
           perms::none;
  };
  EXPECT_FALSE(open_to_others(std::filesystem::path(folder_).parent_path()));
  int files = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder_)) {
    EXPECT_FALSE(open_to_others(each.path())) << each.path();
    ++files;
  }
  EXPECT_GE(files, 4);
  folder_.resize(folder_.size() - std::string("/inner/").size());
}

TEST_F(ledger, asking_whether_a_server_runs_keeps_none_from_starting) {
  {
    const auto books = open();
  }
  std::atomic<bool> stop{false};
  std::thread asker([&] {
    while (!stop) (void)FolderLock::is_taken(Folder{folder_});
  });
  for (int i = 0; i < 50; ++i) {
    const Result<FolderLock> lock = FolderLock::take(Folder{folder_});
    EXPECT_TRUE(lock.has_value());
    EXPECT_TRUE(FolderLock::is_taken(Folder{folder_}));
  }
  stop = true;
  asker.join();
  EXPECT_FALSE(FolderLock::is_taken(Folder{folder_}));
}

TEST_F(ledger, a_key_made_or_revoked_elsewhere_is_noticed_within_a_second) {
  const auto server = open();
  auto books = *open_books(folder_, system_clock());
  const NewKey key = *books->create_key("ada", "p", 0);
  const auto admits = [&] {
    return server->keys()->admit({"Bearer " + key.text.reveal(), ""}, 1).has_value();
  };
  for (int i = 0; i < 100 && !admits(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(admits());
  EXPECT_TRUE(books->revoke_key(key.row.id).has_value());
  for (int i = 0; i < 100 && admits(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(admits());
}

TEST_F(ledger, a_second_server_on_the_same_folder_is_refused) {
  const auto first = open();
  const auto second = open_ledger({.data_dir = folder_}, system_clock());
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().for_client.find("another server"), std::string::npos);
}

TEST_F(ledger, a_database_of_a_newer_version_is_refused) {
  {
    const auto books = open();
  }
  sqlite3* other = nullptr;
  sqlite3_open((folder_ + "/glmgate.db").c_str(), &other);
  sqlite3_exec(other, "PRAGMA user_version=99", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  const auto opened = open_ledger({.data_dir = folder_}, system_clock());
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().for_client.find("newer glmgate"), std::string::npos);
}

}  // namespace
}  // namespace glmgate::accounts
