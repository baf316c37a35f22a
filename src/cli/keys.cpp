#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
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

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestKey = 256;
constexpr int kRecentDays = 30;

struct CreateFlags {
  std::string user;
  std::string project;
  std::string expires = "90d";
};

/// "90d" from now; 0 for "never".
Result<UtcMillis> read_expiry(const std::string& text) {
  if (text == "never") return 0;
  const Result<std::chrono::milliseconds> life = read_duration(text);
  if (!life || life->count() == 0)
    return fail(FaultCode::bad_value,
                "--expires " + text + " is not a lifetime\nhint: 12h, 90d, 2w or never");
  return system_clock().utc_ms() + life->count();
}

Result<void> check_name(const char* flag, const std::string& name) {
  const auto wrong = [&](const std::string& what) {
    return fail(FaultCode::bad_value, std::string(flag) + " `" + cell_text(name) + "` " + what);
  };
  if (name.size() > kLongestName)
    return wrong("is " + std::to_string(name.size()) + " bytes long\nhint: at most " +
                 std::to_string(kLongestName) + " bytes");
  if (name.find(' ') != std::string::npos)
    return wrong("has a space in it\nhint: use - or . or _ instead");
  if (cell_text(name) != name)
    return wrong("has control characters in it, or bytes that are no UTF-8");
  return {};
}

/// The id of what the user named; "-" reads it from stdin. A whole key works, but does not belong
/// on a command line.
Result<std::string> read_id(std::string given) {
  if (given == "-") {
    given.clear();
    for (int c = 0; given.size() < kLongestKey && (c = std::getchar()) != EOF && c != '\n';)
      given += static_cast<char>(c);
    while (!given.empty() && (given.back() == '\r' || given.back() == ' ')) given.pop_back();
    if (given.empty())
      return fail(FaultCode::bad_value, "there is nothing on stdin\nhint: give a key, or its id");
  } else if (given.starts_with("sk-") && given.find('.') != std::string::npos) {
    print_warning(
        "a whole key on the command line stays in the shell's history: its id, before the dot, is "
        "enough, and `-` reads it from stdin");
  }
  return given;
}

std::string expiry_text(UtcMillis expires) { return expires == 0 ? "never" : rfc3339(expires); }

json::value optional_time(UtcMillis at) {
  return at == 0 ? json::value(nullptr) : json::value(rfc3339(at));
}

std::string_view state_text(const accounts::Key& key) {
  if (key.state == accounts::KeyState::revoked) return "revoked";
  return key.expires != 0 && key.expires <= system_clock().utc_ms() ? "expired" : "active";
}

json::object describe(const accounts::Key& key) {
  return {{"id", key.id},
          {"user", key.user},
          {"project", key.project},
          {"state", state_text(key)},
          {"last4", key.last4},
          {"created", rfc3339(key.created)},
          {"expires", optional_time(key.expires)}};
}

/// Prints a key, this once. What nobody could see is revoked again, and said so.
Result<void> show_new(const Context& context, accounts::Books& books, const accounts::NewKey& key) {
  std::string text = key.text.reveal();
  if (context.json) {
    json::object object = describe(key.row);
    object["key"] = key.text.reveal();
    text = json::serialize(object);
  }
  const bool printed = std::printf("%s\n", text.c_str()) >= 0;
  if (std::fflush(stdout) != 0 || !printed) {
    const std::string why = std::strerror(errno);
    std::clearerr(stdout);  // told here
    const Result<accounts::Key> revoked = books.revoke_key(key.row.id);
    return fail(FaultCode::internal, "the new key cannot be printed (" + why + "); " + key.row.id +
                                         (revoked ? " is revoked again, since nobody has seen it"
                                                  : " is lost, and still to be revoked") +
                                         "\nhint: glmgate keys create makes another");
  }
  if (context.json) return {};
  std::fprintf(stderr, "\nThis is the only time it is shown. id %s, user %s, expires %s.\n",
               key.row.id.c_str(), key.row.user.c_str(), expiry_text(key.row.expires).c_str());
  return {};
}

Result<void> create(const Context& context, const CreateFlags& flags) {
  for (const auto& [flag, text] :
       {std::pair{"--user", flags.user}, std::pair{"--project", flags.project}})
    if (Result<void> good = check_name(flag, text); !good) return good;
  if (flags.user.empty()) return fail(FaultCode::bad_value, "--user is empty");
  const Result<UtcMillis> expires = read_expiry(flags.expires);
  if (!expires) return fail(expires.error());
  Result<std::unique_ptr<accounts::Books>> books = open_or_make_books(context);
  if (!books) return fail(books.error());
  const Result<accounts::NewKey> key = (*books)->create_key(flags.user, flags.project, *expires);
  if (!key) return fail(key.error());
  return show_new(context, **books, *key);
}

/// What each key did of late, by its id. Older rows are not read: there may be very many.
Result<std::map<std::string, accounts::Sums>> recent_use(accounts::Books& books) {
  const UtcMillis since =
      system_clock().utc_ms() - std::chrono::milliseconds(std::chrono::days(kRecentDays)).count();
  Result<accounts::SumsAnswer> answer =
      books.sums({.by = {accounts::GroupBy::key}, .since = since});
  if (!answer) return fail(answer.error());
  std::map<std::string, accounts::Sums> use;
  for (accounts::Sums& sums : answer->rows) use.emplace(sums.group.front(), std::move(sums));
  return use;
}

json::object describe(const accounts::Key& key, const accounts::Sums& use) {
  json::object object = describe(key);
  object["last_used"] = optional_time(use.last);
  object["requests_30d"] = use.requests;
  object["cost_micro_30d"] = use.usd_micro;
  object["cost_micro_cny_30d"] = use.cny_micro;
  return object;
}

std::vector<std::string> row_of(const accounts::Key& key, const accounts::Sums& use) {
  const auto time = [](UtcMillis at) { return moment_text(at, std::chrono::minutes(0)); };
  return {key.id,
          key.user,
          key.project.empty() ? "-" : key.project,
          std::string(state_text(key)),
          key.last4,
          time(key.created),
          key.expires == 0 ? "never" : time(key.expires),
          use.last == 0 ? "-" : time(use.last),
          use.requests == 0 ? "-" : money_text(use.usd_micro, use.cny_micro)};
}

Result<void> list(const Context& context, const std::string& user) {
  Result<std::unique_ptr<accounts::Books>> books = open_books(context);
  if (!books) return fail(books.error());
  const Result<std::vector<accounts::Key>> keys = (*books)->list_keys();
  if (!keys) return fail(keys.error());
  const Result<std::map<std::string, accounts::Sums>> use = recent_use(**books);
  if (!use) return fail(use.error());
  json::array objects;
  std::vector<std::vector<std::string>> rows;
  for (const accounts::Key& key : *keys) {
    if (!user.empty() && key.user != user) continue;
    const auto found = use->find(key.id);
    const accounts::Sums sums = found == use->end() ? accounts::Sums{} : found->second;
    if (context.json)
      objects.push_back(describe(key, sums));
    else
      rows.push_back(row_of(key, sums));
  }
  if (context.json)
    std::printf("%s\n", json::serialize(json::object{{"keys", std::move(objects)}}).c_str());
  else if (rows.empty() && !user.empty())
    std::fprintf(stderr, "%s has no keys. Make one: glmgate keys create --user %s\n",
                 cell_text(user).c_str(), cell_text(user).c_str());
  else if (rows.empty())
    std::fprintf(stderr, "No keys yet. Make one: glmgate keys create --user NAME\n");
  else
    std::printf("%sTimes are UTC; LAST USED and COST are of the last %d days.\n",
                write_table({{"ID"},
                             {"USER"},
                             {"PROJECT"},
                             {"STATE"},
                             {"LAST4"},
                             {"CREATED"},
                             {"EXPIRES"},
                             {"LAST USED"},
                             {"COST", Align::right}},
                            rows)
                    .c_str(),
                kRecentDays);
  return {};
}

Result<void> revoke(const Context& context, const std::string& given) {
  const Result<std::string> id = read_id(given);
  if (!id) return fail(id.error());
  Result<std::unique_ptr<accounts::Books>> books = open_books(context);
  if (!books) return fail(books.error());
  const Result<accounts::Key> key = (*books)->revoke_key(*id);
  if (!key) return fail(key.error());
  if (context.json)
    std::printf("%s\n", json::serialize(describe(*key)).c_str());
  else
    std::printf("revoked %s; a running server refuses it within a second\n", key->id.c_str());
  return {};
}

Result<void> rotate(const Context& context, const std::string& given) {
  const Result<std::string> id = read_id(given);
  if (!id) return fail(id.error());
  Result<std::unique_ptr<accounts::Books>> books = open_books(context);
  if (!books) return fail(books.error());
  const Result<accounts::NewKey> key = (*books)->rotate_key(*id);
  if (!key) return fail(key.error());
  return show_new(context, **books, *key);
}

/// 2 for what the caller typed, 1 for what went wrong.
void finish(Context& context, const Result<void>& done) {
  if (done) return;
  print_error(done.error());
  context.exit_code = done.error().code == FaultCode::bad_value ? 2 : 1;
}

}  // namespace

void add_keys_command(CLI::App& app, Context& context) {
  CLI::App* keys = app.add_subcommand("keys", "Make, list, revoke and rotate keys.");

  auto flags = std::make_shared<CreateFlags>();
  CLI::App* making = keys->add_subcommand("create", "Make a key, and print it once.");
  making->add_option("--user", flags->user, "whose key it is")->required()->type_name("NAME");
  making->add_option("--project", flags->project, "what it is for")->type_name("NAME");
  making->add_option("--expires", flags->expires, "lifetime: 12h, 90d, never (default 90d)")
      ->type_name("TIME");
  making->callback([&context, flags] { finish(context, create(context, *flags)); });

  auto user = std::make_shared<std::string>();
  CLI::App* listing = keys->add_subcommand("list", "Show all keys, without their secrets.");
  listing->add_option("--user", *user, "only this user's")->type_name("NAME");
  listing->callback([&context, user] { finish(context, list(context, *user)); });

  auto id = std::make_shared<std::string>();
  CLI::App* revoking = keys->add_subcommand("revoke", "End a key, now and for good.");
  revoking->add_option("id", *id, "the key's id; - reads it, or a whole key, from stdin")
      ->required()
      ->type_name("ID");
  revoking->callback([&context, id] { finish(context, revoke(context, *id)); });
  CLI::App* rotating =
      keys->add_subcommand("rotate", "Make a new key in a key's place, and revoke the old one.");
  rotating->add_option("id", *id, "the key's id; - reads it, or a whole key, from stdin")
      ->required()
      ->type_name("ID");
  rotating->callback([&context, id] { finish(context, rotate(context, *id)); });
}

}  // namespace glmgate::cli
