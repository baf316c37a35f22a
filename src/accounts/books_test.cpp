#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "accounts/folder.h"
#include "accounts/ledger.h"
#include "accounts/sqlite.h"
#include "base/embedded.h"
#include "base/id.h"

namespace {

std::atomic<int> g_syncs{0};  // of files, by this process

}  // namespace

// SQLite and we sync through these; the library's own do the same but for the count.
extern "C" int fdatasync(int fd) {
  ++g_syncs;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
extern "C" int fsync(int fd) {
  ++g_syncs;
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace glmgate::accounts {
namespace {

class books : public ::testing::Test {
 protected:
  books()
      : folder_((std::filesystem::temp_directory_path() / ("glmgate-books-" + random_base62(8)))
                    .string()) {}
  ~books() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Books> open() { return std::move(*open_books(folder_, system_clock())); }

  std::string folder_;
};

TEST_F(books, each_change_of_a_key_is_synced_before_it_is_told) {
  for (const Durability durability : {Durability::process, Durability::power}) {
    const auto server =
        open_ledger({.data_dir = folder_, .durability = durability}, system_clock());
    ASSERT_TRUE(server.has_value()) << server.error().for_client;
    const auto commands = open();
    const auto syncs_in = [](auto change) {
      const int before = g_syncs;
      EXPECT_TRUE(change().has_value());
      return g_syncs - before;
    };
    std::string id;
    EXPECT_GE(syncs_in([&] {
                auto made = commands->create_key("ada", "", 0);
                if (made) id = made->row.id;
                return made;
              }),
              1);
    std::string rotated;
    EXPECT_GE(syncs_in([&] {
                auto made = commands->rotate_key(id);
                if (made) rotated = made->row.id;
                return made;
              }),
              1);
    EXPECT_GE(syncs_in([&] { return commands->revoke_key(rotated); }), 1);
  }
}

TEST_F(books, a_new_folder_and_what_is_made_in_it_are_synced) {
  const int before = g_syncs;
  const auto server = open_ledger({.data_dir = folder_}, system_clock());
  ASSERT_TRUE(server.has_value());
  // At the least: the folder in its parent, the secret, and twice the folder itself.
  EXPECT_GE(g_syncs - before, 4);
}

TEST_F(books, rows_of_the_first_schema_are_still_read) {
  std::filesystem::create_directories(folder_);
  sqlite3* old = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/glmgate.db").c_str(), &old), SQLITE_OK);
  const std::string sql = std::string(data::kSchema001) +
                          "INSERT INTO usage VALUES (1048576, 1, 'x', 1, 'm', 'u', 'c', 0, "
                          "'complete', 200, 3, 0, 4, 0, 0, 14000, 55, 'USD', 1, 1, 2, 1);"
                          "PRAGMA user_version=1;";
  ASSERT_EQ(sqlite3_exec(old, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(old);
  const auto answer = open()->sums({.by = {GroupBy::billing}});
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->rows.size(), 1U);
  EXPECT_EQ(answer->rows[0].group.front(), "metered");
  EXPECT_EQ(answer->total.usd_micro, 55);
  EXPECT_EQ(answer->total.list_usd_micro, 55);
}

TEST_F(books, interrupted_requests_are_priced_by_the_newest_configuration) {
  const auto price_of = [](std::int64_t micro) {
    return [micro](std::string_view, std::string_view, const Usage&, UtcMillis) {
      return Quote{.cost = Money{0, Currency::usd}, .list = Money{micro, Currency::usd}};
    };
  };
  const auto server = *open_ledger({.data_dir = folder_, .price = price_of(1)}, system_clock());
  server->replace_pricing(price_of(70));
  for (const Billing billing : {Billing::plan, Billing::sandbox}) {
    Result<Hold> hold = server->hold(
        {.at = 1'795'000'000'000, .key = 1, .model = "m", .upstream = "u", .billing = billing});
    hold->answered();
  }
  server->flush();
  const SumsAnswer answer = *open()->sums({.by = {GroupBy::billing}});
  ASSERT_EQ(answer.rows.size(), 2U);
  EXPECT_EQ(answer.rows[0].list_usd_micro, 70);
  EXPECT_EQ(answer.rows[1].list_usd_micro, 0);  // the sandbox has no prices
  EXPECT_EQ(answer.total.unpriced, 0);
  EXPECT_EQ(answer.total.usd_micro, 0);
}

TEST_F(books, a_key_that_is_not_there_is_named_unless_it_may_be_a_secret) {
  struct Case {
    const char* given;
    const char* said;
  };
  for (const Case& c : {Case{"kAbc", "no such key `kAbc`\n"},
                        {"sk-kAbcdefghijk.0123456789secret", "no such key `kAbcdefghijk`\n"},
                        {"0123456789abcdef0123456789abcdef", "no such key\n"},
                        {"k\x1b[2J", "no such key\n"}}) {
    const auto gone = open()->revoke_key(c.given);
    ASSERT_FALSE(gone.has_value());
    EXPECT_NE(gone.error().for_client.find(c.said), std::string::npos) << gone.error().for_client;
  }
}

TEST_F(books, a_second_server_is_refused_though_the_lock_file_was_removed) {
  const auto first = open_ledger({.data_dir = folder_}, system_clock());
  ASSERT_TRUE(first.has_value());
  std::filesystem::remove(folder_ + "/lock");
  EXPECT_TRUE(FolderLock::is_taken(Folder{folder_}));
  const auto second = open_ledger({.data_dir = folder_}, system_clock());
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().for_client.find("another server"), std::string::npos);
}

TEST_F(books, a_folder_that_others_may_write_to_is_refused) {
  for (const mode_t mode : {0777U, 0770U, 0702U, 01777U}) {
    std::filesystem::create_directories(folder_);
    ASSERT_EQ(::chmod(folder_.c_str(), mode), 0);
    const auto refused = open_books(folder_, system_clock());
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().for_client.find("chmod go-w " + folder_), std::string::npos);
  }
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  EXPECT_TRUE(open_books(folder_, system_clock()).has_value());
}

}  // namespace
}  // namespace glmgate::accounts
