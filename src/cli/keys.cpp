#include <cstdio>
#include <memory>

#include "accounts/ledger.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/data_folder.h"

namespace glmgate::cli {
namespace {

constexpr std::size_t kLongestName = 64;

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
  bool good = name.size() <= kLongestName;
  for (const char c : name) good = good && static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  if (good) return {};
  return fail(FaultCode::bad_value,
              std::string(flag) + " has spaces or control characters in it, or is longer than " +
                  std::to_string(kLongestName) + " bytes");
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

void show_new(const Context& context, const accounts::NewKey& key) {
  if (context.json) {
    json::object object = describe(key.row);
    object["key"] = key.text.reveal();
    std::printf("%s\n", json::serialize(object).c_str());
    return;
  }
  std::printf("%s\n", key.text.reveal().c_str());
  std::fprintf(stderr, "\nThis is the only time it is shown. id %s, user %s, expires %s.\n",
               key.row.id.c_str(), key.row.user.c_str(), expiry_text(key.row.expires).c_str());
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
  show_new(context, *key);
  return {};
}

Result<void> list(const Context& context, const std::string& user) {
  Result<std::unique_ptr<accounts::Books>> books = open_books(context);
  if (!books) return fail(books.error());
  const Result<std::vector<accounts::Key>> keys = (*books)->list_keys();
  if (!keys) return fail(keys.error());
  json::array rows;
  std::size_t shown = 0;
  for (const accounts::Key& key : *keys) {
    if (!user.empty() && key.user != user) continue;
    if (context.json) {
      rows.push_back(describe(key));
      continue;
    }
    if (shown++ == 0)
      std::printf("%-14s %-16s %-16s %-8s %-5s %s\n", "ID", "USER", "PROJECT", "STATE", "LAST4",
                  "EXPIRES");
    std::printf("%-14s %-16s %-16s %-8s %-5s %s\n", key.id.c_str(), key.user.c_str(),
                key.project.empty() ? "-" : key.project.c_str(),
                std::string(state_text(key)).c_str(), key.last4.c_str(),
                expiry_text(key.expires).c_str());
  }
  if (context.json)
    std::printf("%s\n", json::serialize(json::object{{"keys", std::move(rows)}}).c_str());
  else if (shown == 0)
    std::fprintf(stderr, "No keys yet. Make one: glmgate keys create --user NAME\n");
  return {};
}

Result<void> revoke(const Context& context, const std::string& id) {
  Result<std::unique_ptr<accounts::Books>> books = open_books(context);
  if (!books) return fail(books.error());
  const Result<accounts::Key> key = (*books)->revoke_key(id);
  if (!key) return fail(key.error());
  if (context.json)
    std::printf("%s\n", json::serialize(describe(*key)).c_str());
  else
    std::printf("revoked %s; a running server refuses it within a second\n", key->id.c_str());
  return {};
}

Result<void> rotate(const Context& context, const std::string& id) {
  Result<std::unique_ptr<accounts::Books>> books = open_books(context);
  if (!books) return fail(books.error());
  const Result<accounts::NewKey> key = (*books)->rotate_key(id);
  if (!key) return fail(key.error());
  show_new(context, *key);
  return {};
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
  revoking->add_option("id", *id, "the key's id, or the key")->required()->type_name("ID");
  revoking->callback([&context, id] { finish(context, revoke(context, *id)); });
  CLI::App* rotating =
      keys->add_subcommand("rotate", "Make a new key in a key's place, and revoke the old one.");
  rotating->add_option("id", *id, "the key's id, or the key")->required()->type_name("ID");
  rotating->callback([&context, id] { finish(context, rotate(context, *id)); });
}

}  // namespace glmgate::cli
