// SPDX-License-Identifier: Apache-2.0
// DMARC (RFC 9989, before it RFC 7489): does the author's domain stand behind this message, and what does it wish for one that
// it does not stand behind? Finds the record, compares the domains that SPF and DKIM have proven, and says; what we do about it
// is a rule's and a local override's decision.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "dns/resolver.h"
#include "policy/dmarc_record.h"

namespace postern::policy {

/// How the organizational domain is found: by RFC 9989's walk up the DNS, or by RFC 7489's public suffix list.
enum class OrganizationBy : std::uint8_t { tree_walk, public_suffix };

/// Names that a walk asks at most (RFC 9989 §4.10, security.md D49).
inline constexpr std::size_t tree_walk_max = 8;

enum class DmarcCode : std::uint8_t { none, pass, fail, temperror, permerror };
std::string_view to_string(DmarcCode code);

struct DmarcQuestion {
  std::string author;                  ///< domain of From, canonical ASCII
  std::string spf;                     ///< domain that passed SPF as MAIL FROM; empty: none
  std::vector<std::string> dkim;       ///< domains of signatures that count
  std::vector<std::string> undecided;  ///< domains whose SPF or DKIM met a temporary error
  unsigned dice = 0;                   ///< 0 to 99, for pct=
  OrganizationBy by = OrganizationBy::tree_walk;
};

struct DmarcResult {
  DmarcCode code = DmarcCode::none;
  std::string author;                         ///< as asked
  std::string found_at;                       ///< domain whose record counts; empty: none
  std::string organization;                   ///< of the author; empty when nobody had to know
  DmarcRecord record;                         ///< of found_at
  DmarcPolicy published = DmarcPolicy::none;  ///< what the record says for this domain: p=, sp= or np=
  DmarcPolicy wished = DmarcPolicy::none;     ///< of fail: after pct= and t=
  bool spf_aligned = false;
  bool dkim_aligned = false;
  std::string reason;
};

/// One message's questions: records are asked once, however often they are needed.
class DmarcCheck {
 public:
  explicit DmarcCheck(dns::Resolver& resolver) : resolver_(resolver) {}
  /// Never fails: what goes wrong is a code.
  async::Task<DmarcResult> check(DmarcQuestion question);

 private:
  /// What `_dmarc.name` has.
  struct Entry {
    bool temporary = false;
    std::optional<DmarcRecord> record;
  };
  struct Place {
    bool temporary = false;
    std::string organization;
    std::string suffix;  ///< name of a record with psd=y above the organization
  };
  async::Task<Entry> entry(std::string name);
  async::Task<Place> place(std::string domain, OrganizationBy by);
  async::Task<Place> walk(std::string domain);
  async::Task<bool> find_record(const DmarcQuestion& question, DmarcResult& out);
  async::Task<bool> aligned(const std::string& domain, Alignment mode, const DmarcQuestion& question, DmarcResult& out);
  async::Task<bool> any_aligned(const std::vector<std::string>& domains, Alignment mode, const DmarcQuestion& question,
                                DmarcResult& out);
  async::Task<> wish(const DmarcQuestion& question, DmarcResult& out);

  dns::Resolver& resolver_;
  std::map<std::string, Entry> entries_;
};

/// The results for all authors as one: passed only when all have; otherwise the strictest wish (RFC 9989 §5.3, RFC 7489 §6.6.1).
DmarcResult worst_of(std::vector<DmarcResult> results);

}  // namespace postern::policy
