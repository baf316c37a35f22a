#include "accounts/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace glmgate::accounts {
namespace {

struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

bool is_locked(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock = whole_file();
  const bool locked = ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(fd);
  return locked;
}

}  // namespace

Result<Folder> open_folder(const std::string& given) {
  std::string path = given;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();

  const auto trouble = [&](const std::string& what) {
    return fail(FaultCode::store_unavailable,
                "data folder " + path + ": " + what +
                    "\nhint: --data names another folder; this user must be able to write there");
  };
  std::error_code error;
  const std::filesystem::path folder(path);
  if (!std::filesystem::exists(folder, error)) {
    if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), error);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return trouble(std::strerror(errno));
    sync_folder(folder.has_parent_path() ? folder.parent_path().string() : ".");
  }
  if (!std::filesystem::is_directory(folder, error)) return trouble("not a folder");
  if (::access(path.c_str(), W_OK | X_OK) != 0) return trouble(std::strerror(errno));
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return trouble(std::strerror(errno));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(FaultCode::store_unavailable,
                "data folder " + path +
                    ": others may write to it, and could put their own keys there\nhint: chmod "
                    "go-w " +
                    path + ", or take a folder in it: --data " + path + "/glmgate");
  ::umask(077);  // SQLite's own files beside the database too
  return Folder{path};
}

int sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error == EINVAL ? 0 : error;  // a file system that has no such thing
}

int lock_file(int fd) {
  struct flock lock = whole_file();
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

Result<FolderLock> FolderLock::take(const Folder& folder) {
  const int fd = ::open(folder.lock().c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(FaultCode::store_unavailable,
                folder.lock() + ": " + std::strerror(errno) + "\nhint: may this user write there?");
  FolderLock taken(fd, ::open(folder.holds().c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  int error = lock_file(fd);
  if (error == 0 && taken.holds_ >= 0) error = lock_file(taken.holds_);
  if (error == 0) return taken;
  if (error != EAGAIN && error != EACCES)
    return fail(FaultCode::store_unavailable,
                folder.lock() + " cannot be locked: " + std::strerror(error) +
                    "\nhint: put the data folder on a local file system, with --data");
  return fail(FaultCode::store_unavailable,
              "another server runs on the data folder " + folder.path +
                  "\nhint: stop it first, or give this one a folder of its own with --data");
}

bool FolderLock::is_taken(const Folder& folder) {
  return is_locked(folder.lock()) || is_locked(folder.holds());
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), holds_(std::exchange(other.holds_, -1)) {}

FolderLock::~FolderLock() {
  for (const int fd : {fd_, holds_})
    if (fd >= 0) ::close(fd);
}

FolderWatch::FolderWatch(const Folder& folder) {
  for (const std::string& path : {folder.lock(), folder.holds(), folder.database()}) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) seen_.push_back({path, status.st_dev, status.st_ino});
  }
}

std::string FolderWatch::changed() const {
  for (const Seen& each : seen_) {
    struct stat status{};
    if (::stat(each.path.c_str(), &status) != 0 || status.st_dev != each.device ||
        status.st_ino != each.inode)
      return each.path;
  }
  return {};
}

}  // namespace glmgate::accounts
