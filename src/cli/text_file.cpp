#include "cli/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace glmgate::cli {
namespace {

std::unexpected<Fault> refuse(const std::string& path, const std::string& why,
                              const std::string& hint) {
  return fail(FaultCode::bad_value, "cannot read " + path + ": " + why + "\nhint: " + hint);
}

std::string size_text(std::size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t most) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return refuse(path, std::strerror(errno),
                  path.starts_with('~') ? "`~` is the shell's: write the whole path"
                  : errno == ENOENT     ? "is the path right, seen from this folder?"
                                        : "this user must be allowed to read it");
  std::string text;
  std::array<char, 65'536> piece{};
  ssize_t got = 0;
  while (text.size() <= most && (got = ::read(fd, piece.data(), piece.size())) > 0)
    text.append(piece.data(), static_cast<std::size_t>(got));
  const int error = got < 0 ? errno : 0;
  ::close(fd);
  if (error == EISDIR) return refuse(path, "it is a folder", "name the file in it");
  if (error != 0) return refuse(path, std::strerror(error), "is the disk well?");
  if (text.size() > most)
    return refuse(path, "it is larger than " + size_text(most), "is it the right file?");
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return refuse(path, "it is UTF-16", "save it as UTF-8");
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  return text;
}

std::string trimmed(std::string text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_space(text.back())) text.pop_back();
  text.erase(text.begin(), std::ranges::find_if_not(text, is_space));
  return text;
}

}  // namespace glmgate::cli
