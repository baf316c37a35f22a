// docs/errors.md says what the code does: its tables are what these functions write. When they
// differ, GLMGATE_WRITE_DOCS=1 in the environment of this test rewrites them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "protocol/fault_codes.h"
#include "protocol/fault_wire.h"

namespace glmgate::protocol {
namespace {

/// Upwards from where this program lies, which is in the tree's build folder.
std::filesystem::path find_document() {
  std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  while (folder.has_relative_path()) {
    if (std::filesystem::exists(folder / "docs/errors.md")) return folder / "docs/errors.md";
    folder = folder.parent_path();
  }
  return {};
}

std::string code_text(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string error_member(const WireFault& wire, std::string_view key) {
  const auto parsed = json::parse(wire.body);
  const json::value* error = parsed ? json::find(*parsed, "error") : nullptr;
  return error == nullptr ? std::string() : std::string(json::find_string(*error, key, ""));
}

WireFault wire_of(Protocol client, const Fault& fault) {
  return write_fault({.client = client}, fault, "x");
}

struct Wires {
  explicit Wires(const Fault& fault)
      : openai(wire_of(Protocol::openai_chat, fault)),
        anthropic(wire_of(Protocol::anthropic_messages, fault)),
        native(wire_of(Protocol::glm, fault)) {}
  WireFault openai;
  WireFault anthropic;
  WireFault native;

  std::string statuses() const {
    return std::to_string(openai.status) + " | " + std::to_string(anthropic.status) + " | " +
           std::to_string(native.status);
  }
  /// What the headers ask of the client.
  std::string advice() const {
    std::string text;
    for (const auto& [name, value] : openai.headers) {
      if (!text.empty()) text += ", ";
      text += name == "retry-after" ? "`retry-after`" : code_text(name + ": " + value);
    }
    return text;
  }
};

std::string_view blame_text(Blame blame) {
  switch (blame) {
    case Blame::client:
      return "client";
    case Blame::upstream:
      return "upstream";
    case Blame::us:
      break;
  }
  return "us";
}

std::string_view again_text(Again again) {
  switch (again) {
    case Again::never:
      return "";
    case Again::elsewhere:
      return "elsewhere";
    case Again::after_wait:
      break;
  }
  return "elsewhere, then here";
}

std::string write_fault_table() {
  std::string out =
      "| fault | `/v1` | Anthropic | native | blame | headers | what happened |\n"
      "|---|---|---|---|---|---|---|\n";
  for (int i = 0; i <= static_cast<int>(FaultCode::internal); ++i) {
    const auto code = static_cast<FaultCode>(i);
    if (code == FaultCode::client_gone) continue;  // is told to nobody
    const Fault fault = make_fault(code, "x");
    const Wires wires(fault);
    out += "| " + code_text(name(code)) + " | " + wires.statuses() + " | " +
           std::string(blame_text(fault.blame)) + " | " + wires.advice() + " | " +
           std::string(face(code).about) + " |\n";
  }
  return out;
}

std::string write_word_table() {
  std::string out =
      "| fault | `/v1`: `type` | `code` | Anthropic: `type` | native: `code` |\n"
      "|---|---|---|---|---|\n";
  for (int i = 0; i <= static_cast<int>(FaultCode::internal); ++i) {
    const auto code = static_cast<FaultCode>(i);
    if (code == FaultCode::client_gone) continue;
    const Wires wires(make_fault(code, "x"));
    out += "| " + code_text(name(code)) + " | " + code_text(error_member(wires.openai, "type")) +
           " | " + code_text(error_member(wires.openai, "code")) + " | " +
           code_text(error_member(wires.anthropic, "type")) + " | " +
           code_text(error_member(wires.native, "code")) + " |\n";
  }
  return out;
}

std::string write_code_table() {
  std::string out =
      "| code | fault | `/v1` | Anthropic | native | headers | tried again | our words |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const BusinessCode& row : business_codes()) {
    const std::string digits = std::to_string(row.code);
    const Fault fault = read_upstream_fault(
        500, {}, R"({"error":{"code":")" + digits + R"(","message":""}})", {"engine"}, 0);
    EXPECT_EQ(fault.glm_code, digits);
    const Wires wires(fault);
    out += "| " + digits + " | " + code_text(name(fault.code)) + " | " + wires.statuses() + " | " +
           wires.advice() + " | " + std::string(again_text(fault.again)) + " | " +
           std::string(row.words) + " |\n";
  }
  return out;
}

/// The lines between `<!-- begin NAME -->` and `<!-- end NAME -->`.
void check_table(std::string& document, const std::string& table_name, const std::string& table,
                 bool rewrite) {
  SCOPED_TRACE(table_name);
  const std::string begin = "<!-- begin " + table_name + " -->\n\n";
  const std::size_t from = document.find(begin);
  const std::size_t to = document.find("\n<!-- end " + table_name + " -->");
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  const std::size_t first = from + begin.size();
  ASSERT_LE(first, to);
  if (rewrite)
    document.replace(first, to - first, table);
  else
    EXPECT_EQ(document.substr(first, to - first), table)
        << "run this test with GLMGATE_WRITE_DOCS=1 to rewrite the table";
}

TEST(fault_document, the_tables_of_errors_md_are_those_of_the_code) {
  const std::filesystem::path path = find_document();
  ASSERT_FALSE(path.empty()) << "docs/errors.md is not above this program";
  std::ifstream in(path);
  std::string document{std::istreambuf_iterator<char>(in), {}};
  ASSERT_FALSE(document.empty());
  const bool rewrite = std::getenv("GLMGATE_WRITE_DOCS") != nullptr;
  check_table(document, "faults", write_fault_table(), rewrite);
  check_table(document, "words", write_word_table(), rewrite);
  check_table(document, "codes", write_code_table(), rewrite);
  if (rewrite) std::ofstream(path) << document;
}

}  // namespace
}  // namespace glmgate::protocol
