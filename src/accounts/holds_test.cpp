#include "accounts/holds.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/id.h"

namespace glmgate::accounts {
namespace {

using namespace std::chrono_literals;

class holds : public ::testing::Test {
 protected:
  holds()
      : path_((std::filesystem::temp_directory_path() / ("glmgate-holds-" + random_base62(8)))
                  .string()) {}
  ~holds() override { std::filesystem::remove(path_); }

  std::unique_ptr<HoldsFile> make(std::uint32_t slots, std::int64_t last_id = 0) {
    return *HoldsFile::make(path_, slots, Durability::process, last_id);
  }

  std::string path_;
};

TEST_F(holds, a_slot_that_is_read_while_it_changes_is_seen_whole_or_not_at_all) {
  const auto file = make(2);
  // Every field of a row is made from its number.
  const std::jthread owner([&](const std::stop_token& stop) {
    std::vector<HoldsFile::Settled> batch;
    for (std::int64_t i = 1; !stop.stop_requested(); ++i) {
      const std::string text = std::to_string(i);
      Result<Hold> hold = file->open({.at = i, .request_id = text, .key = i, .model = text});
      hold->answered();
      hold->settle({.usage = {.input = i, .output = i}, .cost_micro = i, .upstream = text}, {});
      file->take_settled(0ms, batch);
      file->free(batch);
      batch.clear();
    }
  });
  std::int64_t seen = 0;
  const auto began = std::chrono::steady_clock::now();
  for (auto passed = 0ns; passed < 300ms || (seen <= 100 && passed < 60s);
       passed = std::chrono::steady_clock::now() - began)
    for (const UsageRow& row : HoldsFile::read(path_).settled) {
      const std::string text = std::to_string(row.at);
      ASSERT_EQ(row.request_id, text);
      ASSERT_EQ(row.model, text);
      ASSERT_EQ(row.upstream, text);
      ASSERT_EQ(row.key, row.at);
      ASSERT_EQ(row.usage.input, row.at);
      ASSERT_EQ(row.usage.output, row.at);
      ASSERT_EQ(row.cost_micro, row.at);
      ++seen;
    }
  EXPECT_GT(seen, 100);
}

TEST_F(holds, ids_rise_from_the_last_one_and_are_not_below_their_time) {
  const std::int64_t last = 500LL << kIdBits;
  const auto file = make(8, last);
  std::int64_t before = last;
  for (const UtcMillis at : {400, 400, 500, 501, 3}) {
    Result<Hold> hold = file->open({.at = at, .model = "m"});
    hold->settle({}, {});
    std::vector<HoldsFile::Settled> batch;
    file->take_settled(0ms, batch);
    ASSERT_EQ(batch.size(), 1U);
    const std::int64_t id = file->row(batch.front().slot).id;
    EXPECT_GT(id, before);
    EXPECT_GE(id, at << kIdBits);
    before = id;
    file->free(batch);
  }
}

TEST_F(holds, texts_that_do_not_fit_are_cut_and_nothing_beside_them_changes) {
  const auto file = make(2);
  const std::string longest(1000, 'x');
  Result<Hold> hold = file->open({.at = 7,
                                  .request_id = longest,
                                  .key = 3,
                                  .model = longest,
                                  .upstream = longest,
                                  .client = longest});
  hold->answered();
  hold->so_far(9);
  const HoldsFile::Contents contents = HoldsFile::read(path_);
  ASSERT_EQ(contents.running.size(), 1U);
  const UsageRow& row = contents.running.front();
  EXPECT_EQ(row.request_id, longest.substr(0, 40));
  EXPECT_EQ(row.model, longest.substr(0, 160));
  EXPECT_EQ(row.upstream, longest.substr(0, 48));
  EXPECT_EQ(row.key, 3);
  EXPECT_EQ(row.usage.output, 9);
  EXPECT_EQ(row.end, End::interrupted);
}

TEST_F(holds, a_name_is_cut_at_a_character) {
  const auto file = make(2);
  std::string name = "a";
  for (int i = 0; i < 100; ++i) name += "é";
  Result<Hold> hold = file->open({.at = 7, .model = name});
  hold->answered();
  EXPECT_EQ(HoldsFile::read(path_).running.front().model, name.substr(0, 159));
}

TEST_F(holds, a_file_of_the_first_version_is_still_read) {
  const auto file = make(4);
  {
    Result<Hold> settled = file->open({.at = 7, .model = "m"});
    settled->answered();
    settled->settle({.usage = {.input = 3}, .cost_micro = 5, .list_micro = 9}, {});
  }
  {
    std::fstream raw(path_, std::ios::in | std::ios::out | std::ios::binary);
    raw.seekp(7);
    raw.put('1');
  }
  const HoldsFile::Contents contents = HoldsFile::read(path_);
  EXPECT_FALSE(contents.foreign);
  ASSERT_EQ(contents.settled.size(), 1U);
  EXPECT_EQ(contents.settled.front().cost_micro, 5);
  EXPECT_EQ(contents.settled.front().list_micro, 5);  // it had none of its own
  {
    std::fstream raw(path_, std::ios::in | std::ios::out | std::ios::binary);
    raw.seekp(7);
    raw.put('3');
  }
  EXPECT_TRUE(HoldsFile::read(path_).foreign);
}

TEST_F(holds, a_file_that_is_absent_is_empty_and_one_that_is_not_ours_is_foreign) {
  EXPECT_FALSE(HoldsFile::read(path_).foreign);
  make(4);
  EXPECT_FALSE(HoldsFile::read(path_).foreign);
  for (const std::uintmax_t size : {0U, 4U, 16U, 512U, 512U * 5 - 1}) {
    SCOPED_TRACE(size);
    make(4);
    std::filesystem::resize_file(path_, size);
    EXPECT_TRUE(HoldsFile::read(path_).foreign);
  }
}

TEST_F(holds, a_hold_that_is_moved_ends_once) {
  const auto file = make(4);
  {
    Result<Hold> first = file->open({.at = 1, .model = "m"});
    const Hold second = std::move(*first);
    EXPECT_EQ(file->in_use(), 1U);
  }
  EXPECT_EQ(file->in_use(), 0U);
}

}  // namespace
}  // namespace glmgate::accounts
