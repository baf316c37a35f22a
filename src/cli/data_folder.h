// Where the data is: found the same way by every command, so that all of them mean the same store.
#pragma once

#include <memory>
#include <string>

#include "accounts/ledger.h"
#include "base/result.h"
#include "cli/context.h"

namespace glmgate::cli {

/// --data, else GLMGATE_DATA, else `data` of the configuration file, else this user's own:
/// /var/lib/glmgate for root, $XDG_DATA_HOME/glmgate or ~/.local/share/glmgate. Absolute.
Result<std::string> find_data_folder(const Context& context);
/// The same for `serve`, which has read the file already.
Result<std::string> find_data_folder(const Context& context, const std::string& data_of_config);

/// find_data_folder(), and a glmgate has its data there. For commands that only read: makes
/// nothing.
Result<std::string> find_used_folder(const Context& context);

/// The books of find_used_folder().
Result<std::unique_ptr<accounts::Books>> open_books(const Context& context);
/// Of find_data_folder(); makes them if they are not there, and says so on stderr.
Result<std::unique_ptr<accounts::Books>> open_or_make_books(const Context& context);

/// Could `serve` keep its data there? Makes nothing.
Result<void> check_data_folder(const std::string& path);

}  // namespace glmgate::cli
