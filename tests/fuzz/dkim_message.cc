// SPDX-License-Identifier: Apache-2.0
// DKIM over whole messages: canonical forms do not depend on how a body is cut, the verifier survives any header, and what we
// sign over the same header and body verifies. The first octet chooses the size of the pieces.
#include <cstdint>
#include <cstdlib>

#include "async/executor.h"
#include "dns/zone.h"
#include "policy/dkim_sign.h"
#include "policy/dkim_verify.h"
#include "tests/policy/dkim_messages.h"

using namespace postern;
using namespace postern::policy;

namespace {

std::string digest(std::string_view body, Canonical canonical, std::size_t piece) {
  BodyHash hash(canonical, std::nullopt);
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) hash.feed(body.substr(0, piece));
  return hash.finish();
}

std::vector<DkimResult> verify(const std::string& header, std::string_view body, dns::Resolver& zone) {
  const SignedFields fields(header);
  BodyHashes hashes;
  DkimVerifier verifier(fields, hashes);
  hashes.feed(body);
  hashes.finish();
  return async::run_alone(verifier.verify(zone, 1'600'000'000));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 7;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  // The door refuses what begins with a space: it would continue the field that is put above.
  if (message.starts_with(' ') || message.starts_with('\t')) return 0;
  const auto end = mime::find_header_end(message);
  const std::string header(message.substr(0, end.body_begin));
  const auto body = message.substr(end.body_begin);
  for (const auto canonical : {Canonical::simple, Canonical::relaxed}) {
    if (digest(body, canonical, piece) != digest(body, canonical, size)) std::abort();
  }
  static dns::Zone zone(example_keys);
  if (verify(header, body, zone).size() > dkim_signatures_max + 1) std::abort();
  static MemoryKeys keys;
  static const bool added = keys.add("k", Secret(rfc8463_ed25519_pem)).has_value();
  DkimSigning signing;
  signing.domain = "football.example.com";
  signing.selector = "brisbane";
  signing.key_id = "k";
  const auto field = async::run_alone(sign_dkim(keys, signing, header, digest(body, Canonical::relaxed, piece)));
  if (!added || !field) return 0;
  const auto again = verify(*field + header, body, zone);
  if (again.empty() || again.front().code != DkimCode::pass) std::abort();
  return 0;
}
