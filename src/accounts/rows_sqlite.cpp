#include "accounts/rows_sqlite.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "accounts/sums.h"

namespace glmgate::accounts {
namespace {

constexpr UtcMillis kLatest = std::numeric_limits<std::int64_t>::max() >> kIdBits;

bool asked_for(const SumsQuestion& question, UtcMillis at) {
  return at >= question.since && (question.until == 0 || at < question.until);
}

Counted counted(const UsageRow& row) {
  return {.at = row.at,
          .key = row.key,
          .model = row.model,
          .upstream = row.upstream,
          .usage = row.usage,
          .weighted_milli = row.weighted_milli,
          .cost_micro = row.cost_micro,
          .list_micro = row.list_micro,
          .billing = row.billing,
          .currency = row.currency,
          .priced = row.priced};
}

/// Rows of the database, and those of `settled` that are not there yet.
Result<SumsAnswer> add_up(Database& database, const std::vector<UsageRow>& settled,
                          const SumsQuestion& question) {
  const Result<std::vector<Key>> keys = read_keys(database);
  if (!keys) return fail(keys.error());
  // A row's id is never below its time (holds.cpp), so that what lies before `since` is not read.
  Result<Statement> select = database.prepare(
      "SELECT id, at, key, model, upstream, tokens_in, tokens_cached, tokens_out, estimated, "
      "weighted_milli, cost_micro, currency, priced, billing, ifnull(list_micro, cost_micro) FROM "
      "usage WHERE id >= ?1 AND at >= ?2 AND at "
      "< ?3");
  if (!select) return fail(select.error());
  const UtcMillis since = std::clamp<UtcMillis>(question.since, 0, kLatest);
  select->bind(since << kIdBits, question.since, question.until == 0 ? kLatest : question.until);
  std::unordered_set<std::int64_t> pending;
  for (const UsageRow& row : settled)
    if (asked_for(question, row.at)) pending.insert(row.id);
  Tally tally(question.by, *keys, question.utc_offset);
  int status = SQLITE_ROW;
  while ((status = select->step()) == SQLITE_ROW) {
    if (!pending.empty()) pending.erase(select->integer(0));
    tally.add({.at = select->integer(1),
               .key = select->integer(2),
               .model = select->view(3),
               .upstream = select->view(4),
               .usage = {.input = select->integer(5),
                         .cached = select->integer(6),
                         .output = select->integer(7),
                         .reasoning = 0,
                         .estimated = select->integer(8) != 0},
               .weighted_milli = select->integer(9),
               .cost_micro = select->integer(10),
               .list_micro = select->integer(14),
               .billing = find_billing(select->view(13)).value_or(Billing::metered),
               .currency = find_currency(select->view(11)).value_or(Currency::usd),
               .priced = select->integer(12) != 0});
  }
  if (status != SQLITE_DONE) return fail(database.fault("cannot be read"));
  for (const UsageRow& row : settled)
    if (pending.contains(row.id)) tally.add(counted(row));
  return std::move(tally).answer();
}

}  // namespace

Result<std::vector<Key>> read_keys(Database& database) {
  Result<Statement> select = database.prepare(
      "SELECT number, id, user, project, salt, state, created, expires, last4 FROM keys ORDER BY "
      "number");
  if (!select) return fail(select.error());
  std::vector<Key> keys;
  int status = SQLITE_ROW;
  while ((status = select->step()) == SQLITE_ROW)
    keys.push_back({.number = select->integer(0),
                    .id = select->text(1),
                    .user = select->text(2),
                    .project = select->text(3),
                    .salt = select->text(4),
                    .state = select->integer(5) == 0 ? KeyState::active : KeyState::revoked,
                    .created = select->integer(6),
                    .expires = select->integer(7),
                    .last4 = select->text(8)});
  if (status != SQLITE_DONE) return fail(database.fault("cannot be read"));
  return keys;
}

Result<MasterSecret> load_secret(const Folder& folder, Database& database) {
  const Result<std::vector<Key>> keys = read_keys(database);
  if (!keys) return fail(keys.error());
  return MasterSecret::load(folder.secret(), keys->empty());
}

Result<std::int64_t> last_usage_id(Database& database) {
  Result<Statement> select = database.prepare("SELECT ifnull(max(id), 0) FROM usage");
  if (!select) return fail(select.error());
  if (select->step() != SQLITE_ROW) return fail(database.fault("cannot be read"));
  return select->integer(0);
}

Result<UsageWriter> UsageWriter::prepare(Database& database) {
  Result<Statement> insert = database.prepare(
      "INSERT INTO usage (id, at, request_id, key, model, upstream, client, stream, state, status, "
      "tokens_in, tokens_cached, tokens_out, tokens_reasoning, estimated, weighted_milli, "
      "cost_micro, currency, priced, first_ms, total_ms, tries, billing, list_micro) VALUES (?1, "
      "?2, ?3, ?4, ?5, ?6, "
      "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24) "
      "ON CONFLICT (id) DO NOTHING");
  if (!insert) return fail(insert.error());
  return UsageWriter(std::move(*insert));
}

int UsageWriter::write(const UsageRow& row) {
  insert_.bind(row.id, row.at, row.request_id, row.key, row.model, row.upstream, row.client,
               static_cast<std::int64_t>(row.stream), name(row.end),
               static_cast<std::int64_t>(row.status), row.usage.input, row.usage.cached,
               row.usage.output, row.usage.reasoning,
               static_cast<std::int64_t>(row.usage.estimated), row.weighted_milli, row.cost_micro,
               name(row.currency), static_cast<std::int64_t>(row.priced),
               static_cast<std::int64_t>(row.first_ms), static_cast<std::int64_t>(row.total_ms),
               static_cast<std::int64_t>(row.tries), name(row.billing), row.list_micro);
  return insert_.run();
}

Result<SumsAnswer> read_sums(Database& database, const std::vector<UsageRow>& settled,
                             const SumsQuestion& question) {
  // One transaction, so that keys and rows are of the same moment.
  if (database.execute("BEGIN") != SQLITE_OK) return fail(database.fault("cannot be read"));
  Result<SumsAnswer> answer = add_up(database, settled, question);
  database.execute("COMMIT");
  return answer;
}

}  // namespace glmgate::accounts
