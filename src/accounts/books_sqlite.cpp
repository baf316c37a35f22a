#include <algorithm>
#include <iterator>

#include "accounts/folder.h"
#include "accounts/rows_sqlite.h"

namespace glmgate::accounts {
namespace {

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class SqliteBooks final : public Books {
 public:
  SqliteBooks(Folder folder, Database database, MasterSecret master, const Clock& clock)
      : folder_(std::move(folder)),
        database_(std::move(database)),
        master_(std::move(master)),
        clock_(clock) {}

  Result<NewKey> create_key(const std::string& user, const std::string& project,
                            UtcMillis expires) override {
    NewKey key = make_key(master_, user, project, clock_.utc_ms(), expires);
    if (Result<void> written = insert(key.row); !written) return fail(written.error());
    key.row.number = database_.last_row();
    return key;
  }

  Result<std::vector<Key>> list_keys() override { return read_keys(database_); }

  Result<Key> revoke_key(std::string_view id) override {
    Result<Key> key = find(id);
    if (!key) return key;
    Result<Statement> update = database_.prepare("UPDATE keys SET state = 1 WHERE id = ?1");
    if (!update || update->bind(key->id).run() != SQLITE_DONE)
      return fail(database_.fault("cannot be written"));
    key->state = KeyState::revoked;
    return key;
  }

  Result<NewKey> rotate_key(std::string_view id) override {
    const Result<Key> old = find(id);
    if (!old) return fail(old.error());
    if (old->state == KeyState::revoked)
      return fail(
          FaultCode::bad_value,
          "the key " + old->id + " is revoked\nhint: glmgate keys create --user " + old->user);
    const UtcMillis now = clock_.utc_ms();
    const UtcMillis expires = old->expires == 0 ? 0 : now + (old->expires - old->created);
    NewKey key = make_key(master_, old->user, old->project, now, expires);
    if (database_.execute("BEGIN IMMEDIATE") != SQLITE_OK)
      return fail(database_.fault("cannot be written"));
    Result<void> done = insert(key.row);
    if (done) {
      key.row.number = database_.last_row();
      if (const Result<Key> revoked = revoke_key(old->id); !revoked) done = fail(revoked.error());
    }
    if (!done || database_.execute("COMMIT") != SQLITE_OK) {
      Fault fault = done ? database_.fault("cannot be written") : done.error();
      database_.execute("ROLLBACK");
      return fail(std::move(fault));
    }
    return key;
  }

  Result<SumsAnswer> sums(const SumsQuestion& question) override {
    // The holds file first, the database after: what moves from one to the other in between is seen
    // at least once, and counted once.
    const bool running = FolderLock::is_taken(folder_);
    HoldsFile::Contents holds = HoldsFile::read(folder_.holds());
    if (!running) std::ranges::move(holds.running, std::back_inserter(holds.settled));
    Result<SumsAnswer> answer = read_sums(database_, holds.settled, question);
    if (answer && running) answer->open = holds.open;
    return answer;
  }

 private:
  Result<void> insert(const Key& row) {
    Result<Statement> statement = database_.prepare(
        "INSERT INTO keys (id, user, project, salt, state, created, expires, last4) VALUES (?1, "
        "?2, ?3, ?4, 0, ?5, ?6, ?7)");
    if (!statement || statement
                              ->bind(row.id, row.user, row.project, Statement::Blob{row.salt},
                                     row.created, row.expires, row.last4)
                              .run() != SQLITE_DONE)
      return fail(database_.fault("cannot be written"));
    return {};
  }

  /// By id, with or without the prefix, or by the whole key.
  Result<Key> find(std::string_view id) {
    if (id.starts_with("sk-")) id.remove_prefix(3);
    id = id.substr(0, id.find('.'));
    Result<std::vector<Key>> keys = read_keys(database_);
    if (!keys) return fail(keys.error());
    for (Key& key : *keys)
      if (key.id == id) return std::move(key);
    // What was typed may be some other secret: it is not repeated, unless it is too short for one.
    constexpr std::size_t kIdBytes = 12;
    const bool may_be_shown = id.size() <= kIdBytes && std::ranges::all_of(id, is_plain);
    return fail(FaultCode::bad_value, "there is no such key" +
                                          (may_be_shown ? " `" + std::string(id) + "`" : "") +
                                          "\nhint: glmgate keys list shows their ids");
  }

  Folder folder_;
  Database database_;
  MasterSecret master_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<Books>> open_books(const std::string& data_dir, const Clock& clock) {
  Result<Folder> folder = open_folder(data_dir);
  if (!folder) return fail(folder.error());
  constexpr int kPatienceMs = 5'000;  // a person waits for this one
  // In full, whatever the server does: a key that was revoked must not be good again after a power
  // cut.
  Result<Database> database = Database::open(folder->database(), true, kPatienceMs);
  if (!database) return fail(database.error());
  Result<MasterSecret> master = load_secret(*folder, *database);
  if (!master) return fail(master.error());
  return std::make_unique<SqliteBooks>(std::move(*folder), std::move(*database), std::move(*master),
                                       clock);
}

}  // namespace glmgate::accounts
