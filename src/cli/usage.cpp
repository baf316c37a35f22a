#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "accounts/ledger.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/data_folder.h"
#include "cli/moments.h"
#include "cli/text_table.h"

namespace glmgate::cli {
namespace {

using accounts::GroupBy;
using accounts::Sums;
using accounts::SumsAnswer;

struct Flags {
  std::string by;
  std::string since;
  std::string until;
  std::string utc_offset;
};

struct Grouping {
  GroupBy by;
  const char* name;
};
constexpr Grouping kGroupings[] = {{GroupBy::model, "model"},       {GroupBy::project, "project"},
                                   {GroupBy::user, "user"},         {GroupBy::key, "key"},
                                   {GroupBy::day, "day"},           {GroupBy::month, "month"},
                                   {GroupBy::upstream, "upstream"}, {GroupBy::billing, "billing"}};

/// What was asked, and how it is to be shown.
struct Question {
  std::vector<Grouping> groupings;
  accounts::SumsQuestion sums;
  UtcMillis now = 0;
};

/// Lower case, without blanks around it.
std::string plain_word(std::string_view word) {
  while (word.starts_with(' ')) word.remove_prefix(1);
  while (word.ends_with(' ')) word.remove_suffix(1);
  std::string out(word);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Each once, in the order given.
Result<std::vector<Grouping>> read_groupings(std::string_view text) {
  std::vector<Grouping> groupings;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string word = plain_word(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const auto found =
        std::ranges::find_if(kGroupings, [&](const Grouping& each) { return word == each.name; });
    if (found == std::end(kGroupings))
      return fail(FaultCode::bad_value,
                  "cannot group by `" + word +
                      "`\nhint: model, project, user, key, day, month, upstream, billing, with "
                      "commas between");
    if (std::ranges::none_of(groupings, [&](const Grouping& had) { return had.by == found->by; }))
      groupings.push_back(*found);
  }
  return groupings;
}

Result<Question> read_question(const Flags& flags) {
  Question question;
  question.now = system_clock().utc_ms();
  Result<std::vector<Grouping>> groupings = read_groupings(flags.by);
  if (!groupings) return fail(groupings.error());
  question.groupings = std::move(*groupings);
  for (const Grouping& each : question.groupings) question.sums.by.push_back(each.by);
  if (!flags.utc_offset.empty()) {
    const Result<std::chrono::minutes> offset = read_utc_offset(flags.utc_offset);
    if (!offset) return fail(offset.error());
    question.sums.utc_offset = *offset;
  }
  const auto read = [&](const char* flag, const std::string& text, UtcMillis& into) {
    if (text.empty()) return Result<void>{};
    const Result<UtcMillis> at = read_moment(flag, text, question.now, question.sums.utc_offset);
    if (!at) return Result<void>(fail(at.error()));
    into = *at;
    return Result<void>{};
  };
  if (Result<void> since = read("--since", flags.since, question.sums.since); !since)
    return fail(since.error());
  if (Result<void> until = read("--until", flags.until, question.sums.until); !until)
    return fail(until.error());
  if (!flags.until.empty() && question.sums.until <= question.sums.since)
    return fail(FaultCode::bad_value, "--until " + flags.until + " is not after --since " +
                                          flags.since + "\nhint: --since is the earlier of both");
  return question;
}

/// Thousandths as a decimal without trailing zeros: "1.5", "824".
std::string fraction_of(std::int64_t milli) {
  if (milli % 1000 == 0) return {};
  std::string places = std::to_string(milli % 1000);
  places.insert(0, 3 - places.size(), '0');
  while (places.ends_with('0')) places.pop_back();
  return "." + places;
}

/// The fields of one row, printed by hand: money must not pass through a double.
std::string fields(const Sums& sums) {
  const auto number = [](const char* name, std::int64_t value) {
    return ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  const auto money = [](const char* name, std::int64_t micro) {
    return ",\"" + std::string(name) + "\":" + decimal(micro);
  };
  std::string out = "\"requests\":" + std::to_string(sums.requests) +
                    number("prompt_tokens", sums.prompt_tokens) +
                    number("completion_tokens", sums.completion_tokens) +
                    number("cached_tokens", sums.cached_tokens) +
                    number("weighted_tokens", sums.weighted_milli / 1000) +
                    fraction_of(sums.weighted_milli) + money("cost", sums.usd_micro);
  if (sums.cny_micro != 0) out += money("cost_cny", sums.cny_micro);
  out += money("list_price", sums.list_usd_micro);
  if (sums.list_cny_micro != 0) out += money("list_price_cny", sums.list_cny_micro);
  return out + number("unpriced_requests", sums.unpriced) +
         number("estimated_requests", sums.estimated) + number("plan_requests", sums.plan) +
         number("sandbox_requests", sums.sandbox) + number("sandbox_tokens", sums.sandbox_tokens);
}

void print_json(const SumsAnswer& answer, const Question& question) {
  std::string out = "{\"rows\":[";
  for (const Sums& row : answer.rows) {
    if (out.back() == '}') out += ',';
    out += '{';
    for (std::size_t i = 0; i < row.group.size(); ++i)
      out += "\"" + std::string(question.groupings[i].name) +
             "\":" + json::quote(valid_utf8(row.group[i])) + ",";
    out += fields(row) + "}";
  }
  out += "],\"total\":{" + fields(answer.total) + ",\"open\":" + std::to_string(answer.open) + "}}";
  std::printf("%s\n", out.c_str());
}

std::string cost_text(const Sums& sums) {
  if (sums.requests > 0 && sums.unpriced == sums.requests) return "unpriced";
  if (sums.requests > 0 && sums.sandbox == sums.requests) return "sandbox";
  const std::string text = money_text(sums.usd_micro, sums.cny_micro);
  return sums.unpriced == 0 ? text : text + " + " + spaced(sums.unpriced) + " unpriced";
}

std::string title_of(const Grouping& grouping, const Question& question) {
  std::string title = grouping.name;
  std::ranges::transform(title, title.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const bool dated = grouping.by == GroupBy::day || grouping.by == GroupBy::month;
  return dated ? title + " " + zone_text(question.sums.utc_offset) : title;
}

/// What the numbers do not say by themselves.
std::string remarks(const SumsAnswer& answer, const Question& question) {
  const Sums& total = answer.total;
  std::string out;
  if (answer.open > 0) out += spaced(answer.open) + " running now\n";
  if (total.estimated > 0)
    out += spaced(total.estimated) + " estimated: the upstream told no usage\n";
  if (total.plan > 0)
    out += spaced(total.plan) +
           " on a subscription: no cost; LIST PRICE is what the tokens cost without one\n";
  if (total.sandbox > 0)
    out += spaced(total.sandbox) + " by the sandbox, " + spaced(total.sandbox_tokens) +
           " tokens: no model was called, nothing is charged\n";
  const accounts::SumsQuestion& asked = question.sums;
  if (asked.since != 0 || asked.until != 0) {
    if (asked.since != 0) out += "from " + moment_text(asked.since, asked.utc_offset) + " ";
    out += asked.until != 0 ? "to " + moment_text(asked.until, asked.utc_offset) : "until now";
    out += " (" + zone_text(asked.utc_offset) + ")\n";
  }
  return out;
}

std::string table(const SumsAnswer& answer, const Question& question) {
  const bool with_list = answer.total.plan > 0;
  std::vector<Column> columns;
  for (const Grouping& each : question.groupings) columns.push_back({title_of(each, question)});
  for (const char* title : {"REQUESTS", "IN", "OUT", "CACHED", "WEIGHTED", "COST"})
    columns.push_back({title, Align::right});
  if (with_list) columns.push_back({"LIST PRICE", Align::right});
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](std::vector<std::string> row, const Sums& sums) {
    for (const std::int64_t number :
         {sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.cached_tokens})
      row.push_back(spaced(number));
    row.push_back(spaced(sums.weighted_milli / 1000) + fraction_of(sums.weighted_milli));
    row.push_back(cost_text(sums));
    if (with_list) row.push_back(money_text(sums.list_usd_micro, sums.list_cny_micro));
    rows.push_back(std::move(row));
  };
  for (const Sums& sums : answer.rows) {
    std::vector<std::string> row;
    for (const std::string& value : sums.group) row.push_back(value.empty() ? "-" : value);
    add(std::move(row), sums);
  }
  std::vector<std::string> total(question.groupings.size());
  if (!total.empty()) total.front() = "total";
  add(std::move(total), answer.total);
  return write_table(columns, rows);
}

Result<void> show(const Context& context, const Flags& flags) {
  const Result<Question> question = read_question(flags);
  if (!question) return fail(question.error());
  Result<std::unique_ptr<accounts::Books>> books = open_books(context);
  if (!books) return fail(books.error());
  const Result<SumsAnswer> answer = (*books)->sums(question->sums);
  if (!answer) return fail(answer.error());
  const bool bounded = !flags.since.empty() || !flags.until.empty();
  if (context.json)
    print_json(*answer, *question);
  else if (answer->total.requests == 0 && answer->open == 0)
    std::printf("Nothing has been used%s.\n%s", bounded ? " in this time" : " yet",
                remarks(*answer, *question).c_str());
  else
    std::printf("%s%s", table(*answer, *question).c_str(), remarks(*answer, *question).c_str());
  if (std::fflush(stdout) == 0) return {};
  std::clearerr(stdout);  // told here
  return fail(FaultCode::internal, std::string("the output was not written: ") +
                                       std::strerror(errno) + "\nhint: is the disk full?");
}

}  // namespace

void add_usage_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* usage =
      app.add_subcommand("usage", "Show what was used: requests, tokens, weighted tokens, cost.");
  usage
      ->add_option("--by", flags->by,
                   "group by model, project, user, key, day, month, upstream, billing")
      ->type_name("LIST");
  usage
      ->add_option("--since", flags->since,
                   "from then on: 7d, today, yesterday, this-month, last-month, 2026-11-01, "
                   "2026-11-01T12:00+08:00")
      ->type_name("TIME");
  usage->add_option("--until", flags->until, "up to then, not including it")->type_name("TIME");
  usage
      ->add_option("--utc-offset", flags->utc_offset,
                   "where days begin, and times without an offset are meant: +08:00 (default UTC)")
      ->type_name("OFFSET");
  usage->callback([&context, flags] {
    const Result<void> shown = show(context, *flags);
    if (shown) return;
    print_error(shown.error());
    context.exit_code = shown.error().code == FaultCode::bad_value ? 2 : 1;
  });
}

}  // namespace glmgate::cli
