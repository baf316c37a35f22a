#include "accounts/keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "accounts/crypto.h"
#include "accounts/folder.h"
#include "accounts/foreign_keys.h"
#include "accounts/jwt.h"
#include "base/id.h"

namespace glmgate::accounts {
namespace {

constexpr std::string_view kPrefix = "sk-";
constexpr std::size_t kSecretCharacters = 43;   // 256 bits in base62
constexpr std::size_t kChecksumCharacters = 6;  // 32 bits
constexpr std::size_t kIdCharacters = 11;       // and a "k" before them
constexpr std::size_t kMasterBytes = 32;
constexpr UtcMillis kSkew = 60'000;

/// Some tools refuse keys with these words in them, in any case (clients.md).
bool has_bad_word(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small.find("api") != std::string::npos || small.find("key") != std::string::npos;
}

std::string base62(std::string_view bytes, std::size_t length) {
  constexpr char kAlphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::vector<unsigned> number(bytes.begin(), bytes.end());
  for (unsigned& byte : number) byte &= 0xff;
  std::string out(length, '0');
  for (char& c : out) {  // long division by 62, one digit each round
    unsigned rest = 0;
    for (unsigned& byte : number) {
      const unsigned value = rest * 256 + byte;
      byte = value / 62;
      rest = value % 62;
    }
    c = kAlphabet[rest];
  }
  return out;
}

std::string checksum(std::string_view text) {
  std::uint32_t rest = crc32(text);
  std::string bytes;
  for (; bytes.size() < sizeof rest; rest <<= 8) bytes += static_cast<char>(rest >> 24);
  return base62(bytes, kChecksumCharacters);
}

std::string_view without_scheme(std::string_view authorization) {
  constexpr std::string_view kBearer = "bearer ";
  const auto same = [](char given, char small) {
    return given == small || (given | 0x20) == small;
  };
  if (authorization.size() >= kBearer.size() &&
      std::ranges::equal(authorization.substr(0, kBearer.size()), kBearer, same))
    authorization.remove_prefix(kBearer.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  return authorization;
}

std::string whole_key(std::string_view id, std::string_view secret) {
  std::string text(kPrefix);
  text.append(id).append(1, '.').append(secret);
  return text;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// Whole or not there at all, whoever else makes it at the same moment. 0 or errno.
int make_secret_file(const std::string& path) {
  const std::string draft = path + "." + random_base62(8);
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  const std::string bytes = random_bytes(kMasterBytes);
  const ssize_t written = ::write(fd, bytes.data(), bytes.size());
  int error = written < 0 || ::fsync(fd) != 0 ? errno : 0;
  if (error == 0 && written != static_cast<ssize_t>(bytes.size())) error = ENOSPC;
  ::close(fd);
  if (error == 0 && ::link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST) error = errno;
  ::unlink(draft.c_str());
  return error != 0 ? error : sync_folder(folder_of(path));
}

/// Who owns the secret could read it, and every key made with it: this user, root, or, when root
/// looks, whose folder it is.
bool is_trusted_owner(uid_t owner, const std::string& path) {
  if (owner == ::geteuid() || owner == 0) return true;
  struct stat folder{};
  return ::geteuid() == 0 && ::stat(folder_of(path).c_str(), &folder) == 0 &&
         folder.st_uid == owner;
}

std::unexpected<Fault> wrong_key() {
  return fail(FaultCode::wrong_key,
              "This key is not valid here. Check that it was copied whole; keys begin with sk-.");
}

}  // namespace

Result<MasterSecret> MasterSecret::load(const std::string& path, bool create) {
  const auto trouble = [&](const std::string& what, const std::string& hint) {
    return fail(FaultCode::store_unavailable, path + ": " + what + "\nhint: " + hint);
  };
  if (create && ::access(path.c_str(), F_OK) != 0)
    if (const int error = make_secret_file(path); error != 0)
      return trouble(std::string("cannot be made: ") + std::strerror(error),
                     "may this user write here, and is there room on the disk?");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return trouble("is lost, and the keys in the database were made with it",
                   "restore it from a backup, or make new keys in another --data folder");
  if (fd < 0) return trouble(std::strerror(errno), "run this as the user the server runs as");
  struct stat status{};
  std::array<char, kMasterBytes + 1> bytes{};
  const bool known = ::fstat(fd, &status) == 0;
  const ssize_t size = ::read(fd, bytes.data(), bytes.size());
  ::close(fd);
  if (!known || size != static_cast<ssize_t>(kMasterBytes))
    return trouble("is not a secret of ours", "restore it from a backup: keys depend on it");
  if ((status.st_mode & 077) != 0) return trouble("can be read by others", "chmod 600 " + path);
  if (!is_trusted_owner(status.st_uid, path))
    return trouble("belongs to another user, who knows every key made with it",
                   "restore your own from a backup, or run this as that user");
  return MasterSecret(
      Secret(hmac_sha256(std::string_view(bytes.data(), kMasterBytes), "glmgate client key v1")));
}

Secret MasterSecret::derive(std::string_view id, std::string_view salt) const {
  std::string text(id);
  text += '\0';
  text += salt;
  const std::string drawn = base62(hmac_sha256(bytes_.reveal(), text), kSecretCharacters);
  return Secret(drawn + checksum(whole_key(id, drawn)));
}

NewKey make_key(const MasterSecret& master, std::string user, std::string project, UtcMillis now,
                UtcMillis expires) {
  Key row;
  row.user = std::move(user);
  row.project = std::move(project);
  row.created = now;
  row.expires = expires;
  while (true) {
    row.id = "k" + secret_base62(kIdCharacters);
    row.salt = random_bytes(16);
    const std::string secret = master.derive(row.id, row.salt).reveal();
    std::string text = whole_key(row.id, secret);
    if (has_bad_word(text)) continue;
    row.last4 = secret.substr(secret.size() - 4);
    return {std::move(row), Secret(std::move(text))};
  }
}

KeyTable::KeyTable(std::vector<Key> rows, const MasterSecret& master)
    : nobody_(master.derive("", "")) {
  rows_.reserve(rows.size());
  for (Key& key : rows) {
    Secret secret = master.derive(key.id, key.salt);
    rows_.push_back({std::move(key), std::move(secret)});
  }
  for (const Row& row : rows_) by_id_.emplace(row.key.id, &row);
}

const KeyTable::Row* KeyTable::find_row(std::string_view id) const {
  if (id.size() != kIdCharacters + 1) return nullptr;
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

const Key* KeyTable::find(std::string_view id) const {
  const Row* row = find_row(id);
  return row == nullptr ? nullptr : &row->key;
}

Result<const Key*> KeyTable::check_jwt(std::string_view token, UtcMillis now) const {
  const std::optional<JwtClaims> claims = read_jwt(token);
  if (!claims) return wrong_key();
  if (is_glm_key_id(claims->key_id))
    return fail(
        FaultCode::wrong_key,
        "This token was made with a key of Z.AI or Zhipu, not of this gateway. Make it with "
        "one from `glmgate keys create --user NAME`.");
  std::string_view id = claims->key_id;
  if (id.starts_with(kPrefix)) id.remove_prefix(kPrefix.size());
  const Row* row = find_row(id);
  const bool good = signature_holds(*claims, (row == nullptr ? nobody_ : row->secret).reveal());
  if (row == nullptr || !good) return wrong_key();
  if (claims->expires + kSkew < now)
    return fail(FaultCode::expired_token, "This token has expired. Sign a new one.");
  return &row->key;
}

Result<const Key*> KeyTable::check_one(std::string_view presented, UtcMillis now) const {
  // Ours begin with "sk-k", and none of the others does.
  if (std::string told = tell_foreign_key(presented); !told.empty())
    return fail(FaultCode::wrong_key, std::move(told));
  const Key* key = nullptr;
  if (presented.starts_with(kPrefix)) {
    const std::size_t dot = std::min(presented.find('.'), presented.size() - 1);
    const Row* row = find_row(presented.substr(kPrefix.size(), dot - kPrefix.size()));
    const bool good = equal_in_constant_time(presented.substr(dot + 1),
                                             (row == nullptr ? nobody_ : row->secret).reveal());
    if (row == nullptr || !good) return wrong_key();
    key = &row->key;
  } else if (looks_like_jwt(presented)) {
    const Result<const Key*> signer = check_jwt(presented, now);
    if (!signer) return signer;
    key = *signer;
  } else {
    return wrong_key();
  }
  if (key->state == KeyState::revoked)
    return fail(FaultCode::disabled_key, "This key was revoked.");
  if (key->expires != 0 && key->expires <= now)
    return fail(FaultCode::expired_key, "This key has expired. Ask for a new one.");
  return key;
}

Result<const Key*> KeyTable::admit(const Credentials& credentials, UtcMillis now) const {
  const std::string_view bearer = without_scheme(credentials.authorization);
  const std::string_view plain = credentials.x_api_key;
  if (bearer.empty() && plain.empty())
    return fail(FaultCode::no_key,
                "No key was sent. Use `Authorization: Bearer <key>` or `x-api-key: <key>`.");
  if (bearer.empty()) return check_one(plain, now);
  Result<const Key*> first = check_one(bearer, now);
  if (first || plain.empty() || plain == bearer) return first;
  return check_one(plain, now);
}

}  // namespace glmgate::accounts
