#include "cli/config_section.h"

#include "cli/config.h"
#include "cli/redact.h"
#include "protocol/models_document.h"

namespace glmgate::cli {
namespace {

using Kind = ConfigNode::Kind;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::vector<protocol::ModelEntry> entries;
  for (const std::string& each : known) entries.push_back({.id = each});
  return std::string(protocol::find_near_miss(word, entries));
}

std::string Section::full(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void Section::complain(std::uint32_t line, const std::string& name, const std::string& what,
                       const std::string& hint) {
  if (fault_) return;
  std::string text = file_;
  if (line > 0) text += ":" + std::to_string(line);
  text += ": `" + name + "` " + what;
  if (!hint.empty()) text += "\nhint: " + hint;
  fault_ = redacted(make_fault(FaultCode::bad_value, std::move(text), name));
}

void Section::refuse(std::string_view key, const std::string& what, const std::string& hint) {
  const ConfigNode* node = table_.find(key);
  complain(node != nullptr ? node->line : table_.line, full(key), what, hint);
}

void Section::refuse_itself(const std::string& what, const std::string& hint) {
  complain(table_.line, path_, what, hint);
}

void Section::mistaken(std::string_view key, const std::string& hint) {
  mistaken_.emplace_back(key, hint);
}

const ConfigNode* Section::node(std::string_view key) {
  known_.emplace_back(key);
  return table_.find(key);
}

void Section::refuse_text(std::string_view key, const ConfigNode& found, std::string_view example) {
  const bool number = found.is(Kind::integer) || found.is(Kind::decimal);
  if (number)
    refuse(key, "must be text in quotes",
           "write " + std::string(key) + " = " + quoted(example.empty() ? found.text : example));
  else
    refuse(key, "must be a string",
           example.empty() ? "" : "write " + std::string(key) + " = " + quoted(example));
}

void Section::text(std::string_view key, std::string& into, std::string_view example) {
  const ConfigNode* found = node(key);
  if (found == nullptr) return;
  if (found->is(Kind::text))
    into = found->text;
  else
    refuse_text(key, *found, example);
}

void Section::flag(std::string_view key, bool& into) {
  const ConfigNode* found = node(key);
  if (found == nullptr) return;
  if (found->is(Kind::flag))
    into = found->flag;
  else
    refuse(key, "must be true or false", "without quotes: " + std::string(key) + " = true");
}

std::optional<std::int64_t> Section::whole_number(std::string_view key, std::int64_t least,
                                                  std::int64_t most) {
  const ConfigNode* found = node(key);
  if (found == nullptr) return std::nullopt;
  if (found->is(Kind::integer) && found->integer >= least && found->integer <= most)
    return found->integer;
  refuse(key,
         "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most),
         found->is(Kind::text) ? "without quotes: " + std::string(key) + " = " +
                                     std::to_string(std::max<std::int64_t>(least, 8))
                               : "");
  return std::nullopt;
}

void Section::duration(std::string_view key, std::chrono::milliseconds& into) {
  const ConfigNode* found = node(key);
  if (found == nullptr) return;
  if (!found->is(Kind::text))
    return refuse_text(key, *found, found->is(Kind::integer) ? found->text + "s" : "60s");
  const Result<std::chrono::milliseconds> value = read_duration(found->text);
  if (value)
    into = *value;
  else
    refuse(key, value.error().for_client);
}

void Section::size(std::string_view key, std::size_t& into) {
  const ConfigNode* found = node(key);
  if (found == nullptr) return;
  if (!found->is(Kind::text))
    return refuse_text(key, *found, found->is(Kind::integer) ? found->text : "32MiB");
  const Result<std::size_t> value = read_size(found->text);
  if (value)
    into = *value;
  else
    refuse(key, value.error().for_client);
}

void Section::texts(std::string_view key, std::vector<std::string>& into, std::string_view example,
                    const std::function<bool(std::string_view)>& fits) {
  const ConfigNode* list = node(key);
  if (list == nullptr) return;
  std::vector<std::string> values;
  if (list->is(Kind::list))
    for (const ConfigNode& each : list->children)
      if (each.is(Kind::text)) values.push_back(each.text);
  const bool lone = list->is(Kind::text) && (!fits || fits(list->text));
  if (!list->is(Kind::list) || values.size() != list->children.size() || values.empty())
    refuse(key, "must be a list of strings",
           "write " + std::string(key) + " = [" +
               quoted(lone ? std::string_view(list->text) : example) + "]");
  else
    into = std::move(values);
}

void Section::refuse_choice(std::string_view key, const std::string& written,
                            const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  const std::string near = nearest(written, words);
  refuse(key, "is `" + written + "`, which is not one of: " + list,
         near.empty() ? "" : "did you mean `" + near + "`?");
}

void Section::every_text(const std::function<void(const std::string&, std::string)>& take) {
  takes_all_ = true;
  for (const ConfigNode& each : table_.children) {
    if (!each.is(Kind::text)) return refuse_text(each.name, each, {});
    take(each.name, each.text);
  }
}

void Section::enter(Section& inner, const std::function<void(Section&)>& read) {
  read(inner);
  inner.finish();
  if (!fault_ && inner.fault_) fault_ = inner.fault_;
}

void Section::each(std::string_view key,
                   const std::function<void(Section&, const std::string&)>& read) {
  const ConfigNode* found = node(key);
  if (found == nullptr) return;
  if (!found->is(Kind::table)) return refuse(key, "must be a table, like [" + full(key) + ".name]");
  for (const ConfigNode& each : found->children) {
    const std::string inner_path = full(key) + "." + each.name;
    if (!each.is(Kind::table))
      return refuse(
          key, "must hold tables, like [" + inner_path + "]",
          "`" + inner_path + "` is a value; give the table a name: [" + full(key) + ".main]");
    Section inner(each, inner_path, file_);
    enter(inner, [&](Section& section) { read(section, each.name); });
  }
}

void Section::table(std::string_view key, const std::function<void(Section&)>& read) {
  const ConfigNode* found = node(key);
  if (found == nullptr) return;
  if (!found->is(Kind::table)) return refuse(key, "must be a table, like [" + full(key) + "]");
  Section inner(*found, full(key), file_);
  enter(inner, read);
}

void Section::finish() {
  if (takes_all_) return;
  for (const ConfigNode& each : table_.children) {
    const std::string& word = each.name;
    if (std::ranges::find(known_, word) != known_.end()) continue;
    const auto mistake =
        std::ranges::find(mistaken_, word, &std::pair<std::string, std::string>::first);
    const std::string near = nearest(word, known_);
    refuse(word, "is not a key of the configuration",
           mistake != mistaken_.end() ? mistake->second
           : near.empty()             ? ""
                                      : "did you mean `" + full(near) + "`?");
    return;
  }
}

}  // namespace glmgate::cli
