// SPDX-License-Identifier: Apache-2.0
#include "policy/arc_seal.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/ascii.h"
#include "base/encoding.h"
#include "policy/arc_fields.h"
#include "policy/dkim_sign.h"
#include "policy/field_folder.h"

namespace postern::policy {
namespace {

/// One set as it stands in the header, fields without the last CRLF.
struct Set {
  std::string_view results;
  std::string_view message;
  std::string_view seal;
};

/// By number.
std::map<std::size_t, Set> sets_of(const SignedFields& fields) {
  std::map<std::size_t, Set> out;
  for (const auto& field : fields.fields()) {
    const auto text = fields.text(field);
    if (field.is(arc_results_name)) out[arc_instance_of_results(field.raw)].results = text;
    if (field.is(arc_message_name)) out[arc_instance_of_tags(field.raw)].message = text;
    if (field.is(arc_seal_name)) out[arc_instance_of_tags(field.raw)].seal = text;
  }
  return out;
}

bool was_declared_broken(const Set& newest) {
  const auto value = newest.seal.substr(std::min(newest.seal.size(), newest.seal.find(':') + 1));
  return ascii::iequals(TagList::salvage(value).find("cv").value_or(""), "fail");
}

void append_field(std::string& out, std::string_view field) {
  append_canonical_field(out, field, Canonical::relaxed);
  out += "\r\n";
}

std::string unsigned_seal(const ArcSealing& sealing, std::size_t number, DkimAlgorithm algorithm) {
  FieldFolder out("ARC-Seal: i=" + std::to_string(number) + ";");
  out.word("a=" + std::string(to_string(algorithm)) + ";");
  out.word("t=" + std::to_string(sealing.now) + ";");
  out.word("cv=" + std::string(to_string(sealing.chain)) + ";");
  out.word("d=" + sealing.domain + ";");
  out.word("s=" + sealing.selector + ";");
  out.word("b=");
  return out.take();
}

std::string_view without_line_end(std::string_view field) { return field.substr(0, field.size() - 2); }

}  // namespace

async::Task<Result<std::string>> seal_arc(KeyOracle& oracle, ArcSealing sealing, std::string header, std::string body_digest) {
  const SignedFields fields(header);
  const auto sets = sets_of(fields);
  const auto newest = sets.empty() ? 0 : sets.rbegin()->first;
  const bool unclear =
      sealing.chain == ArcCode::temperror || sets.contains(0) || (sealing.chain == ArcCode::none) != sets.empty();
  if (unclear || newest >= arc_sets_max || (newest != 0 && was_declared_broken(sets.rbegin()->second))) co_return std::string();
  const auto number = newest + 1;
  const auto algorithm = co_await oracle.algorithm(sealing.key_id);
  if (!algorithm) co_return std::unexpected(algorithm.error());
  const auto results = "ARC-Authentication-Results: i=" + std::to_string(number) + "; " + sealing.results;
  DkimSigning signing{.domain = sealing.domain, .selector = sealing.selector, .key_id = sealing.key_id, .agent = {}};
  signing.signed_at = sealing.now;
  signing.arc_instance = number;
  const auto message = co_await sign_dkim(oracle, std::move(signing), header, std::move(body_digest));
  if (!message) co_return message;
  auto seal = unsigned_seal(sealing, number, *algorithm);
  // RFC 8617 §5.1.1: all sets in order, each as results, message signature, seal. §5.1.2: of a broken chain the new set alone.
  std::string text;
  if (sealing.chain == ArcCode::pass) {
    for (const auto& [which, set] : sets) {
      append_field(text, set.results);
      append_field(text, set.message);
      append_field(text, set.seal);
    }
  }
  append_field(text, results);
  append_field(text, without_line_end(*message));
  append_canonical_field(text, seal, Canonical::relaxed);
  const auto signature = co_await oracle.sign(sealing.key_id, sha256(text));
  if (!signature) co_return std::unexpected(signature.error());
  const auto line = seal.rfind('\n') == std::string::npos ? 0 : seal.rfind('\n') + 1;
  FieldFolder out(seal.substr(line));
  out.stretch(base64_encode(*signature));
  co_return seal.substr(0, line) + out.take() + "\r\n" + *message + results + "\r\n";
}

}  // namespace postern::policy
