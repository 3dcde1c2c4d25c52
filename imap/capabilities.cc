// SPDX-License-Identifier: Apache-2.0
// The one list of capabilities; whoever adds one makes sure that it works in full.
#include "imap/capabilities.h"

#include "base/ascii.h"
#include "base/cursor.h"

namespace postern::imap {
namespace {

constexpr std::string_view always = "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE";

// IDLE RFC 2177 · NAMESPACE RFC 2342 · UIDPLUS RFC 4315 · MOVE RFC 6851 · UNSELECT RFC 3691 · CHILDREN RFC 3348 · SPECIAL-USE
// RFC 6154 · CONDSTORE, QRESYNC RFC 7162 · ESEARCH RFC 4731 · SEARCHRES RFC 5182 · WITHIN RFC 5032 · PARTIAL RFC 9394 · SORT,
// THREAD RFC 5256 · SORT=DISPLAY RFC 5957 · ESORT RFC 5267 · LIST-EXTENDED RFC 5258 · LIST-STATUS RFC 5819 · STATUS=SIZE RFC 8438
// · MULTIAPPEND RFC 3502 · QUOTA RFC 9208 ·
// BINARY RFC 3516 · REPLACE RFC 8508 · PREVIEW RFC 8970 · UTF8=ACCEPT RFC 6855 · I18NLEVEL RFC 5255
constexpr std::string_view after_login =
    "IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE CREATE-SPECIAL-USE CONDSTORE QRESYNC "
    "ESEARCH SEARCHRES WITHIN PARTIAL SORT SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES "
    "LIST-EXTENDED LIST-STATUS STATUS=SIZE MULTIAPPEND BINARY REPLACE PREVIEW UTF8=ACCEPT I18NLEVEL=1 QUOTA QUOTA=RES-STORAGE "
    "QUOTA=RES-MESSAGE";

/// Adds the name unless the admin took it off.
void add(std::string& out, const config::Config& config, std::string_view name) {
  const auto is_off = [name](const std::string& off) { return ascii::iequals(off, name); };
  if (std::ranges::any_of(config.imap.capabilities_off, is_off)) return;
  if (!out.empty()) out += ' ';
  out += name;
}

/// The same for a list with spaces.
void add_all(std::string& out, const config::Config& config, std::string_view names) {
  for (Cursor in(names); !in.at_end(); in.take(' ')) add(out, config, in.take_until(' '));
}

}  // namespace

std::string capabilities_before_login(const config::Config& config, const std::vector<std::string>& mechanisms) {
  std::string out;
  add_all(out, config, always);
  for (const auto& mechanism : mechanisms) add(out, config, "AUTH=" + mechanism);
  return out;
}

std::string capabilities_after_login(const config::Config& config) {
  std::string out;
  add_all(out, config, always);
  add_all(out, config, after_login);
  // RFC 7889 §3
  add(out, config, fmt::format("APPENDLIMIT={}", config.limits.append_bytes));
  return out;
}

}  // namespace postern::imap
