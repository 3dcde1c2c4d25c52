// SPDX-License-Identifier: Apache-2.0
// What a receiver finds out about the signatures of a message. Header only, since few tests know policy/.
#pragma once

#include <string_view>
#include <vector>

#include "dns/resolver.h"
#include "mime/header.h"
#include "policy/dkim_verify.h"
#include "tests/support/net.h"

namespace postern::test {

/// One result for each signature, by the keys that `dns` holds.
inline std::vector<policy::DkimResult> verify_dkim(TestLoop& loop, dns::Resolver& dns, std::string_view message, UnixTime now) {
  const auto end = mime::find_header_end(message);
  const std::string header(message.substr(0, end.fields_end));
  const policy::SignedFields fields(header);
  policy::BodyHashes hashes;
  policy::DkimVerifier verifier(fields, hashes);
  hashes.feed(message.substr(end.body_begin));
  hashes.finish();
  return loop.run(verifier.verify(dns, now));
}

}  // namespace postern::test
