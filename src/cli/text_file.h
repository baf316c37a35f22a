// Files that people write: read whole, and if that fails, told why in words that help.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace glmgate::cli {

/// The file at `path` without a UTF-8 byte order mark. Fault{bad_value}: not there, not readable, a
/// folder, UTF-16, or more than `most` bytes. An empty file is fine.
Result<std::string> read_text_file(const std::string& path, std::size_t most);

/// Without blanks and line ends around it.
std::string trimmed(std::string text);

}  // namespace glmgate::cli
