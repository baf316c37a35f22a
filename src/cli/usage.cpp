#include <algorithm>
#include <cctype>
#include <cstdio>
#include <memory>

#include "accounts/ledger.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/data_folder.h"

namespace glmgate::cli {
namespace {

using accounts::GroupBy;
using accounts::Sums;

struct Flags {
  std::string by;
  std::string since;
  std::string until;
};

struct Grouping {
  GroupBy by;
  const char* name;
};
constexpr Grouping kGroupings[] = {{GroupBy::model, "model"},      {GroupBy::project, "project"},
                                   {GroupBy::user, "user"},        {GroupBy::key, "key"},
                                   {GroupBy::day, "day"},          {GroupBy::month, "month"},
                                   {GroupBy::upstream, "upstream"}};

Result<std::vector<Grouping>> read_groupings(std::string_view text) {
  std::vector<Grouping> groupings;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    bool found = false;
    for (const Grouping& each : kGroupings)
      if (word == each.name) {
        groupings.push_back(each);
        found = true;
      }
    if (!found)
      return fail(
          FaultCode::bad_value,
          "cannot group by `" + std::string(word) +
              "`\nhint: model, project, user, key, day, month, upstream, with commas between");
  }
  return groupings;
}

/// "7d" ago, "2026-11-01", or "2026-11-01T12:00:00Z". UTC.
Result<UtcMillis> read_moment(const char* flag, const std::string& text) {
  if (text.empty()) return 0;
  if (const Result<std::chrono::milliseconds> ago = read_duration(text))
    return system_clock().utc_ms() - ago->count();
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int used = 0;
  const bool whole = std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2dZ%n", &year, &month, &day,
                                 &hour, &minute, &second, &used) == 6;
  const bool date =
      !whole && std::sscanf(text.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &used) == 3;
  const std::chrono::year_month_day when{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (date) hour = minute = second = 0;
  if ((!whole && !date) || used != static_cast<int>(text.size()) || !when.ok() || hour > 23 ||
      minute > 59 || second > 60)
    return fail(FaultCode::bad_value,
                std::string(flag) + " " + text +
                    " is not a time\nhint: 7d, 2026-11-01 or 2026-11-01T12:00:00Z");
  const std::chrono::sys_days days(when);
  const auto at =
      days + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

/// Thousandths as a decimal without trailing zeros: "1.5", "824".
std::string thousandths(std::int64_t milli) {
  std::string text = std::to_string(milli / 1000);
  if (milli % 1000 == 0) return text;
  std::string places = std::to_string(milli % 1000);
  places.insert(0, 3 - places.size(), '0');
  while (places.ends_with('0')) places.pop_back();
  return text + "." + places;
}

/// The fields of one row, printed by hand: money must not pass through a double.
std::string fields(const Sums& sums) {
  std::string out = "\"requests\":" + std::to_string(sums.requests) +
                    ",\"prompt_tokens\":" + std::to_string(sums.prompt_tokens) +
                    ",\"completion_tokens\":" + std::to_string(sums.completion_tokens) +
                    ",\"cached_tokens\":" + std::to_string(sums.cached_tokens) +
                    ",\"weighted_tokens\":" + thousandths(sums.weighted_milli) +
                    ",\"cost\":" + decimal(sums.usd_micro);
  if (sums.cny_micro != 0) out += ",\"cost_cny\":" + decimal(sums.cny_micro);
  out += ",\"unpriced_requests\":" + std::to_string(sums.unpriced) +
         ",\"estimated_requests\":" + std::to_string(sums.estimated);
  return out;
}

void print_json(const accounts::SumsAnswer& answer, const std::vector<Grouping>& groupings) {
  std::string out = "{\"rows\":[";
  for (const Sums& row : answer.rows) {
    if (out.back() == '}') out += ',';
    out += '{';
    for (std::size_t i = 0; i < groupings.size(); ++i)
      out += "\"" + std::string(groupings[i].name) + "\":" + json::quote(row.group[i]) + ",";
    out += fields(row) + "}";
  }
  out += "],\"total\":{" + fields(answer.total) + ",\"open\":" + std::to_string(answer.open) + "}}";
  std::printf("%s\n", out.c_str());
}

/// "12 345 678": digits in threes.
std::string spaced(std::int64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, " ");
  return text;
}

std::string cost_text(const Sums& sums) {
  std::string text;
  if (sums.usd_micro != 0 || sums.cny_micro == 0)
    text = decimal(sums.usd_micro).substr(0, decimal(sums.usd_micro).size() - 2) + " USD";
  if (sums.cny_micro != 0)
    text += (text.empty() ? "" : " + ") +
            decimal(sums.cny_micro).substr(0, decimal(sums.cny_micro).size() - 2) + " CNY";
  if (sums.unpriced == sums.requests && sums.requests > 0) return "unpriced";
  if (sums.unpriced > 0) text += " + " + std::to_string(sums.unpriced) + " unpriced";
  return text;
}

void print_table(const accounts::SumsAnswer& answer, const std::vector<Grouping>& groupings) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> head;
  for (const Grouping& each : groupings) {
    std::string title = each.name;
    for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    head.push_back(std::move(title));
  }
  for (const char* title : {"REQUESTS", "IN", "OUT", "CACHED", "WEIGHTED", "COST"})
    head.emplace_back(title);
  lines.push_back(head);
  const auto add = [&](std::vector<std::string> line, const Sums& sums) {
    for (const std::int64_t number :
         {sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.cached_tokens})
      line.push_back(spaced(number));
    line.push_back(thousandths(sums.weighted_milli));
    line.push_back(cost_text(sums));
    lines.push_back(std::move(line));
  };
  for (const Sums& row : answer.rows) {
    std::vector<std::string> line;
    for (const std::string& value : row.group) line.push_back(value.empty() ? "-" : value);
    add(std::move(line), row);
  }
  std::vector<std::string> total(groupings.size());
  if (!total.empty()) total.front() = "total";
  add(std::move(total), answer.total);

  std::vector<std::size_t> widths(head.size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  for (const auto& line : lines) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string gap(widths[i] - line[i].size(), ' ');
      if (i > 0) out += "  ";
      out += i < groupings.size() ? line[i] + gap : gap + line[i];
    }
    std::printf("%s\n", out.c_str());
  }
  if (answer.open > 0) std::printf("%s running now\n", spaced(answer.open).c_str());
}

Result<void> show(const Context& context, const Flags& flags) {
  const Result<std::vector<Grouping>> groupings = read_groupings(flags.by);
  if (!groupings) return fail(groupings.error());
  const Result<UtcMillis> since = read_moment("--since", flags.since);
  if (!since) return fail(since.error());
  const Result<UtcMillis> until = read_moment("--until", flags.until);
  if (!until) return fail(until.error());
  accounts::SumsQuestion question{.by = {}, .since = *since, .until = *until};
  for (const Grouping& each : *groupings) question.by.push_back(each.by);
  Result<std::unique_ptr<accounts::Books>> books = open_books(context);
  if (!books) return fail(books.error());
  const Result<accounts::SumsAnswer> answer = (*books)->sums(question);
  if (!answer) return fail(answer.error());
  if (context.json)
    print_json(*answer, *groupings);
  else if (answer->total.requests == 0 && answer->open == 0)
    std::printf("Nothing has been used yet%s.\n", flags.since.empty() ? "" : " in this time");
  else
    print_table(*answer, *groupings);
  return {};
}

}  // namespace

void add_usage_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* usage =
      app.add_subcommand("usage", "Show what was used: requests, tokens, weighted tokens, cost.");
  usage->add_option("--by", flags->by, "group by model, project, user, key, day, month, upstream")
      ->type_name("LIST");
  usage
      ->add_option("--since", flags->since,
                   "from then on: 7d, 2026-11-01, 2026-11-01T12:00:00Z (UTC)")
      ->type_name("TIME");
  usage->add_option("--until", flags->until, "up to then, not including it")->type_name("TIME");
  usage->callback([&context, flags] {
    const Result<void> shown = show(context, *flags);
    if (shown) return;
    print_error(shown.error());
    context.exit_code = shown.error().code == FaultCode::bad_value ? 2 : 1;
  });
}

}  // namespace glmgate::cli
