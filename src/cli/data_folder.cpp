#include "cli/data_folder.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "accounts/folder.h"
#include "cli/config.h"
#include "cli/redact.h"

namespace glmgate::cli {
namespace {

namespace fs = std::filesystem;

/// This user's own; empty if there is no HOME.
std::string default_folder() {
  if (::geteuid() == 0) return "/var/lib/glmgate";
  // Relative ones are to be ignored, says the XDG base directory specification.
  if (const std::string data = variable("XDG_DATA_HOME"); data.starts_with('/'))
    return data + "/glmgate";
  const std::string home = variable("HOME");
  return home.empty() ? std::string() : home + "/.local/share/glmgate";
}

std::string absolute(const std::string& path) {
  std::error_code error;
  std::string whole = fs::absolute(path, error).lexically_normal().string();
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return error ? path : whole;
}

std::unexpected<Fault> none_at(const std::string& path, const std::string& hint) {
  return fail(FaultCode::store_unavailable, "there is no glmgate at " + path + "\nhint: " + hint);
}

std::unexpected<Fault> unusable(const std::string& path, const std::string& why) {
  return fail(FaultCode::store_unavailable,
              "data folder " + path + ": " + why +
                  "\nhint: --data names another folder; this user must be able to write there");
}

bool cannot_hold_files(const std::string& path) {
  struct statfs system{};
  if (::statfs(path.c_str(), &system) != 0) return false;
  return system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC;
}

}  // namespace

Result<std::string> find_data_folder(const Context& context, const std::string& data_of_config) {
  for (const std::string& each : {context.data_dir, variable("GLMGATE_DATA"), data_of_config})
    if (each.starts_with('~'))
      return fail(FaultCode::bad_value, "data folder " + each +
                                            ": `~` is the shell's, and means nothing here\n"
                                            "hint: write the whole path");
    else if (!each.empty())
      return absolute(each);
  const std::string own = default_folder();
  if (own.empty())
    return fail(FaultCode::bad_value,
                "there is no place for the data: HOME is not set\nhint: --data names a folder");
  return absolute(own);
}

Result<std::string> find_data_folder(const Context& context) {
  std::string data;
  if (context.data_dir.empty() && variable("GLMGATE_DATA").empty() && !context.config.empty()) {
    Result<std::string> read = read_data_key(context.config);
    if (!read) return read;
    data = std::move(*read);
  }
  return find_data_folder(context, data);
}

Result<std::string> find_used_folder(const Context& context) {
  Result<std::string> folder = find_data_folder(context);
  if (!folder) return folder;
  struct stat found{};
  if (::stat(accounts::Folder{*folder}.database().c_str(), &found) == 0) return folder;
  if (errno == EACCES)
    return fail(FaultCode::store_unavailable,
                "this user may not look into " + *folder +
                    "\nhint: run it as the user that the server runs as");
  return none_at(*folder,
                 "name the folder of the server with --data, GLMGATE_DATA, or the --config it runs "
                 "with; and run as the same user. `glmgate serve` makes one");
}

Result<std::unique_ptr<accounts::Books>> open_books(const Context& context) {
  const Result<std::string> folder = find_used_folder(context);
  if (!folder) return fail(folder.error());
  return accounts::open_books(*folder, system_clock());
}

Result<std::unique_ptr<accounts::Books>> open_or_make_books(const Context& context) {
  const Result<std::string> folder = find_data_folder(context);
  if (!folder) return fail(folder.error());
  std::error_code ignored;
  const bool there = fs::exists(accounts::Folder{*folder}.database(), ignored);
  auto books = accounts::open_books(*folder, system_clock());
  if (books && !there)
    std::fprintf(stderr, "Made the data folder %s. A server uses it with --data, or by default.\n",
                 printable(*folder).c_str());
  return books;
}

Result<void> check_data_folder(const std::string& path) {
  fs::path there(path);
  struct stat found{};
  while (::stat(there.c_str(), &found) != 0) {
    if (errno != ENOENT) return unusable(path, std::strerror(errno));
    if (!there.has_relative_path()) break;
    there = there.parent_path();
  }
  if (!S_ISDIR(found.st_mode)) return unusable(path, there.string() + " is not a folder");
  if (::access(there.c_str(), W_OK | X_OK) != 0)
    return unusable(path, there.string() + ": " + std::strerror(errno));
  if (cannot_hold_files(there.string()))
    return unusable(path, there.string() + " is the kernel's, and holds no files");
  return {};
}

}  // namespace glmgate::cli
