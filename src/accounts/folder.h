// The data folder: 0700, with the database, the holds file, the secret and the lock in it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace glmgate::accounts {

struct Folder {
  std::string path;
  std::string database() const { return path + "/glmgate.db"; }
  std::string holds() const { return path + "/holds"; }
  std::string secret() const { return path + "/secret"; }
  std::string lock() const { return path + "/lock"; }
};

/// Makes the folder and its parents if they are not there, and checks that this user, and nobody
/// else, can write there.
Result<Folder> open_folder(const std::string& path);

/// Makes what was created or renamed in a folder survive power loss. 0 or errno.
int sync_folder(const std::string& path);

/// Locks all of an open file, for as long as the descriptor lives. 0 or errno.
int lock_file(int fd);

/// Held by the one server of a folder for as long as it lives; the kernel lets go when the process
/// ends, however. The holds file is locked beside `lock`, the old one here and its successor by
/// HoldsFile: that `lock` was removed lets no second server in. Asking leaves no trace, so that it
/// never keeps a server from starting.
class FolderLock {
 public:
  static Result<FolderLock> take(const Folder& folder);
  /// Does a server hold it now?
  static bool is_taken(const Folder& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  FolderLock(int fd, int holds) : fd_(fd), holds_(holds) {}
  int fd_;
  int holds_;  // -1: there was none
};

/// Notices that files a running server depends on were deleted or replaced under it: what it writes
/// goes nowhere then.
class FolderWatch {
 public:
  explicit FolderWatch(const Folder& folder);
  /// The first file that is not what it was; empty: all are.
  std::string changed() const;

 private:
  struct Seen {
    std::string path;
    dev_t device;
    ino_t inode;
  };
  std::vector<Seen> seen_;
};

}  // namespace glmgate::accounts
