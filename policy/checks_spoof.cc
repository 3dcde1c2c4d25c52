// SPDX-License-Identifier: Apache-2.0
// Rules about mail from outside that claims to be ours.
#include "policy/checks.h"

namespace postern::policy {
namespace {

/// One claim: what it is, and whether something proves it.
Finding check_claim(const SpoofEvidence& evidence, const std::string& claimed, bool proven) {
  if (claimed.empty()) return pass();
  if (proven) return note(claimed + ", proven");
  if (evidence.permitted) return note(claimed + ", permitted");
  return hit(claimed);
}

}  // namespace

Finding check_spoofed_sender(const SpoofEvidence& evidence) {
  return check_claim(evidence, evidence.sender, evidence.sender_proven);
}
Finding check_spoofed_author(const SpoofEvidence& evidence) {
  return check_claim(evidence, evidence.author, evidence.author_proven);
}
// A name proves nothing: that mail comes from the domain it comes from says nothing of whom it names.
Finding check_spoofed_name(const SpoofEvidence& evidence) { return check_claim(evidence, evidence.name, false); }

}  // namespace postern::policy
