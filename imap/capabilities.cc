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
// · MULTIAPPEND RFC 3502 · CATENATE RFC 4469 · QUOTA RFC 9208 ·
// BINARY RFC 3516 · REPLACE RFC 8508 · PREVIEW RFC 8970 · UTF8=ACCEPT RFC 6855 · I18NLEVEL RFC 5255 · COMPRESS RFC 4978
// · SAVEDATE RFC 8514 · OBJECTID RFC 8474 · METADATA RFC 5464 · LIST-METADATA RFC 9590 · ACL RFC 4314 · UNAUTHENTICATE RFC 8437
// · UIDONLY RFC 9586 · MULTISEARCH RFC 7377 · NOTIFY RFC 5465 · CONTEXT RFC 5267 ·
// INPROGRESS RFC 9585
constexpr std::string_view after_login =
    "IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE CREATE-SPECIAL-USE CONDSTORE QRESYNC "
    "ESEARCH MULTISEARCH SEARCHRES WITHIN PARTIAL SORT SORT=DISPLAY ESORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES "
    "LIST-EXTENDED LIST-STATUS STATUS=SIZE MULTIAPPEND CATENATE BINARY REPLACE PREVIEW UTF8=ACCEPT I18NLEVEL=1 QUOTA "
    "QUOTA=RES-STORAGE "
    "QUOTA=RES-MESSAGE COMPRESS=DEFLATE UIDONLY SAVEDATE OBJECTID METADATA LIST-METADATA UNAUTHENTICATE ACL NOTIFY "
    "CONTEXT=SEARCH CONTEXT=SORT INPROGRESS";

/// Whether taking `off` away takes `name` away: itself, or a variant of it.
bool takes_away(std::string_view off, std::string_view name) {
  return ascii::iequals(off, name) || (ascii::istarts_with(name, off) && name[off.size()] == '=');
}

class Announcement {
 public:
  Announcement(const config::Config& config, std::string_view account_off) : config_(config), account_off_(account_off) {}

  /// Adds the name unless it is off.
  void add(std::string_view name) {
    if (is_capability_off(config_, account_off_, name)) return;
    if (!out_.empty()) out_ += ' ';
    out_ += name;
  }
  /// The same for a list with spaces.
  void add_all(std::string_view names) {
    for (Cursor in(names); !in.at_end(); in.take(' ')) add(in.take_until(' '));
  }
  std::string text() && { return std::move(out_); }

 private:
  const config::Config& config_;
  std::string_view account_off_;
  std::string out_;
};

}  // namespace

bool is_capability_off(const config::Config& config, std::string_view account_off, std::string_view name) {
  if (name.empty()) return false;
  for (const auto& off : config.imap.capabilities_off) {
    if (takes_away(off, name)) return true;
  }
  for (Cursor in(account_off); !in.at_end(); in.take(' ')) {
    if (takes_away(in.take_until(' '), name)) return true;
  }
  return false;
}

std::string capabilities_before_login(const config::Config& config, const std::vector<std::string>& mechanisms) {
  Announcement out(config, {});
  out.add_all(always);
  for (const auto& mechanism : mechanisms) out.add("AUTH=" + mechanism);
  return std::move(out).text();
}

std::string capabilities_after_login(const config::Config& config, std::string_view account_off) {
  Announcement out(config, account_off);
  out.add_all(always);
  out.add_all(after_login);
  // RFC 4314 §6, RFC 8440 §3: both say more about ACL.
  if (!is_capability_off(config, account_off, "ACL")) out.add_all("RIGHTS=kxte LIST-MYRIGHTS");
  // RFC 7889 §3
  out.add(fmt::format("APPENDLIMIT={}", config.limits.append_bytes));
  // RFC 9738 §3
  if (config.imap.message_limit != 0) out.add(fmt::format("MESSAGELIMIT={}", config.imap.message_limit));
  return std::move(out).text();
}

}  // namespace postern::imap
