// SPDX-License-Identifier: Apache-2.0
// Rules about what SPF, DKIM, ARC and DMARC said of a whole message.
#include <algorithm>

#include "policy/authentication.h"
#include "policy/checks.h"

namespace postern::policy {

// RFC 7208 §8.4
Finding check_spf_fail(const MessageEvidence& evidence) {
  const auto& spf = evidence.authentication->spf;
  if (spf.code == SpfCode::temperror) return unsure(spf.problem);
  if (spf.code == SpfCode::permerror) return note(spf.problem);
  return spf.code == SpfCode::fail ? hit(spf.domain + ": " + spf.mechanism) : pass();
}

// RFC 7208 §8.5: suspicious, but no reason to refuse by itself.
Finding check_spf_softfail(const MessageEvidence& evidence) {
  const auto& spf = evidence.authentication->spf;
  return spf.code == SpfCode::softfail ? hit(spf.domain + ": " + spf.mechanism) : pass();
}

// RFC 6376 §6.3: a signature that is wrong counts like none; whoever wants may give points for it.
Finding check_dkim(const MessageEvidence& evidence) {
  const auto& signatures = evidence.authentication->dkim;
  const auto has = [&signatures](DkimCode code) {
    return std::ranges::find(signatures, code, &DkimResult::code) != signatures.end();
  };
  if (signatures.empty()) return pass();
  if (has(DkimCode::pass)) {
    const bool weak = std::ranges::none_of(signatures, &DkimResult::counts);
    return weak ? note("only signatures of a part of the body") : pass();
  }
  if (has(DkimCode::temperror)) return unsure("a key could not be asked for");
  return hit(signatures.front().domain + ": " + signatures.front().reason);
}

// RFC 8617 §7.2.2: a broken chain says nothing, neither good nor bad.
Finding check_arc(const MessageEvidence& evidence) {
  const auto& arc = evidence.authentication->arc;
  if (arc.code == ArcCode::temperror) return unsure(arc.reason);
  return arc.code == ArcCode::fail ? hit(arc.reason) : pass();
}

namespace {

/// RFC 9989 §5.4: what the author's domain wishes, our overrides considered.
Finding check_disposition(const Authentication& all, DmarcPolicy policy) {
  if (all.disposition == policy) {
    const auto why = all.overridden == OverrideReason::local_policy ? all.override_text : all.dmarc.reason;
    return hit(all.dmarc.author + ": " + why);
  }
  const bool spared = all.disposition < all.dmarc.published && all.dmarc.published == policy && all.dmarc.code == DmarcCode::fail;
  if (!spared) return pass();
  return note(all.dmarc.author + ": " + std::string(to_string(all.overridden)) + " " + all.override_text);
}

}  // namespace

Finding check_dmarc_reject(const MessageEvidence& evidence) {
  const auto& all = *evidence.authentication;
  // security.md D48: a temporary error refuses nothing for ever.
  if (all.dmarc.code == DmarcCode::temperror) return unsure(all.dmarc.reason);
  return check_disposition(all, DmarcPolicy::reject);
}

Finding check_dmarc_quarantine(const MessageEvidence& evidence) {
  return check_disposition(*evidence.authentication, DmarcPolicy::quarantine);
}

// security.md D40: without a clear author there is nobody to ask, and so no pass.
Finding check_dmarc_author(const MessageEvidence& evidence) {
  const auto& dmarc = evidence.authentication->dmarc;
  return dmarc.code == DmarcCode::permerror ? hit(dmarc.reason) : pass();
}

}  // namespace postern::policy
