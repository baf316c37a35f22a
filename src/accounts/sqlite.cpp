#include "accounts/sqlite.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/embedded.h"

namespace glmgate::accounts {
namespace {

/// All there ever were, in order; only ever added to.
const std::string_view* const kMigrations[] = {&data::kSchema001, &data::kSchema002};

}  // namespace

Result<Database> Database::open(const std::string& path, bool full_sync, int busy_ms) {
  // Made by us first, so that nobody else can ever read it: SQLite would use the umask. Only if it
  // is not there: to open and close a database that this process has open would drop SQLite's locks
  // on it.
  if (const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); fd >= 0)
    ::close(fd);
  sqlite3* raw = nullptr;
  const int status =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  database.path_ = path;
  if (status != SQLITE_OK) return fail(database.fault("cannot be opened"));
  sqlite3_busy_timeout(raw, busy_ms);
  if (database.execute("PRAGMA journal_mode=WAL") != SQLITE_OK ||
      database.execute(full_sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL") !=
          SQLITE_OK)
    return fail(database.fault("cannot be opened"));
  database.execute("PRAGMA journal_size_limit=16777216");
  if (Result<void> current = database.migrate(); !current) return fail(current.error());
  return database;
}

Result<void> Database::migrate() {
  constexpr auto kKnown = static_cast<std::int64_t>(std::size(kMigrations));
  const auto version = [&]() -> std::int64_t {
    auto read = prepare("PRAGMA user_version");
    return read && read->step() == SQLITE_ROW ? read->integer(0) : -1;
  };
  std::int64_t at = version();
  if (at < 0) return fail(fault("cannot be read"));
  if (at == kKnown) return {};
  if (at > kKnown)
    return fail(
        FaultCode::store_unavailable,
        path_ + " was written by a newer glmgate\nhint: use that version, or another --data");
  if (execute("BEGIN IMMEDIATE") != SQLITE_OK) return fail(fault("cannot be brought up to date"));
  for (at = version(); at < kKnown; ++at) {
    const std::string sql =
        std::string(*kMigrations[at]) + "\nPRAGMA user_version=" + std::to_string(at + 1) + ";";
    if (execute(sql.c_str()) != SQLITE_OK) {
      Fault broken = fault("cannot be brought up to date");
      execute("ROLLBACK");
      return fail(std::move(broken));
    }
  }
  if (execute("COMMIT") != SQLITE_OK) return fail(fault("cannot be brought up to date"));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return fail(fault("cannot be read"));
  return Statement(statement);
}

Fault Database::fault(std::string_view doing) const {
  const int code = sqlite3_errcode(database_.get()) & 0xff;
  std::string hint;
  if (code == SQLITE_FULL)
    hint = "the disk is full: make room";
  else if (is_busy())
    hint = "another program holds a lock on it";
  else if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
    hint = "it is damaged or not a database: restore a backup, or use another --data";
  else
    hint = "may this user read and write the data folder, and is there room on the disk?";
  return make_fault(FaultCode::store_unavailable,
                    path_ + " " + std::string(doing) + ": " + error() + "\nhint: " + hint);
}

std::int64_t Database::data_version() {
  Result<Statement> read = prepare("PRAGMA data_version");
  return read && read->step() == SQLITE_ROW ? read->integer(0) : -1;
}

}  // namespace glmgate::accounts
