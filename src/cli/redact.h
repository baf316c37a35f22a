// Keeps keys off screens and out of logs although somebody wrote them where text is shown: a key
// pasted into `key_env`, an argument, a URL with a password.
#pragma once

#include <string>
#include <string_view>

#include "base/fault.h"

namespace glmgate::cli {

/// Has this word the shape of a key: GLM's `id.secret`, `sk-...`, a JWT, a long run of mixed
/// letters and digits?
bool looks_like_key(std::string_view word);

/// "ZAI_API_KEY", "_x1": what a shell can export.
bool is_variable_name(std::string_view word);

/// `text` with "[hidden]" for each word that looks like a key and for a URL's user and password.
std::string redacted(std::string_view text);
Fault redacted(Fault fault);

/// A line of a configuration file for showing: the same length, `*` for what looks like a key and
/// for the value of anything that is called key, token, secret or password.
std::string masked_line(std::string_view line);

/// For terminals: control characters and bytes that are no UTF-8 as \xNN; line feeds stay.
std::string printable(std::string_view text);

}  // namespace glmgate::cli
