// SPDX-License-Identifier: Apache-2.0
// DKIM signatures and key records: what is read keeps its promises.
#include "policy/dkim_signature.h"

#include <cstdint>
#include <cstdlib>

#include "policy/dkim_key.h"

using namespace postern;
using namespace postern::policy;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_signature(std::string_view text, SignatureKind kind) {
  const auto signature = parse_dkim_signature(text, kind);
  if (!signature) return;
  require(!signature->domain.empty() && !signature->selector.empty() && signature->fields.size() <= signed_fields_max);
  require(!signature->signature.empty() && !signature->body_hash.empty());
  require(kind == SignatureKind::arc_message || ("." + signature->agent_domain).ends_with("." + signature->domain));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_signature(text, SignatureKind::dkim);
  check_signature(text, SignatureKind::arc_message);
  const std::string field = "DKIM-Signature:" + std::string(text);
  require(without_signature(field).size() <= field.size());
  if (const auto record = parse_dkim_key(text)) {
    if (const auto key = PublicKey::from(*record)) key->verify(std::string(32, 'x'), record->key);
  }
  return 0;
}
