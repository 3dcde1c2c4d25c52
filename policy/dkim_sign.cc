// SPDX-License-Identifier: Apache-2.0
// Writes DKIM-Signature fields.
#include "policy/dkim_sign.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/encoding.h"
#include "policy/dkim_signature.h"
#include "policy/field_folder.h"

namespace postern::policy {
namespace {

/// Signed as often as they occur, and once more.
constexpr std::array<std::string_view, 12> sealed{
    "from",        "to",        "cc",           "subject",      "date",
    "message-id",  "reply-to",  "mime-version", "content-type", "content-transfer-encoding",
    "in-reply-to", "references"};
/// Signed when they are there (RFC 6376 §5.4.1).
constexpr std::array<std::string_view, 14> covered{
    "sender",           "resent-date",           "resent-from",    "resent-to", "resent-cc",  "list-id",      "list-help",
    "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post", "list-owner", "list-archive", "autocrypt"};
/// The field up to "b=", folded.
std::string unsigned_field(const DkimSigning& signing, DkimAlgorithm algorithm, const std::vector<std::string>& names,
                           std::string_view body_digest) {
  const bool arc = signing.arc_instance != 0;
  FieldFolder out(arc ? "ARC-Message-Signature: i=" + std::to_string(signing.arc_instance) + ";" : "DKIM-Signature: v=1;");
  out.word("a=" + std::string(to_string(algorithm)) + ";");
  out.word("c=" + std::string(to_string(signing.header)) + "/" + std::string(to_string(signing.body)) + ";");
  out.word("d=" + signing.domain + ";");
  out.word("s=" + signing.selector + ";");
  if (!signing.agent.empty()) out.word("i=" + signing.agent + ";");
  if (signing.signed_at) out.word("t=" + std::to_string(*signing.signed_at) + ";");
  if (signing.expires) out.word("x=" + std::to_string(*signing.expires) + ";");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string end = i + 1 == names.size() ? ";" : ":";
    i == 0 ? out.word("h=" + names[i] + end) : out.piece(names[i] + end);
  }
  out.word("bh=" + base64_encode(body_digest) + ";");
  out.word("b=");
  return out.take();
}

}  // namespace

std::vector<std::string> fields_to_sign(std::string_view header) {
  const SignedFields fields(header);
  const auto count = [&fields](std::string_view name) { return fields.all(name).size(); };
  std::vector<std::string> out;
  for (const auto name : sealed) out.insert(out.end(), count(name) + 1, std::string(name));
  for (const auto name : covered) out.insert(out.end(), count(name), std::string(name));
  if (out.size() > signed_fields_max) out.resize(signed_fields_max);
  return out;
}

async::Task<Result<std::string>> sign_dkim(KeyOracle& oracle, DkimSigning signing, std::string header, std::string body_digest) {
  const SignedFields fields(header);
  if (fields.all("From").empty()) co_return fail(ErrorKind::invalid, "no From field to sign");
  const auto algorithm = co_await oracle.algorithm(signing.key_id);
  if (!algorithm) co_return std::unexpected(algorithm.error());
  auto names = fields_to_sign(header);
  // RFC 8617 §4.1.2: what DKIM said of the author stays provable; ARC fields and results are not signed here.
  if (signing.arc_instance != 0) names.insert(names.end(), fields.all("DKIM-Signature").size(), "dkim-signature");
  if (names.size() > signed_fields_max) names.resize(signed_fields_max);
  auto field = unsigned_field(signing, *algorithm, names, body_digest);
  std::string text;
  fields.append(text, names, signing.header);
  append_canonical_field(text, field, signing.header);
  const auto signature = co_await oracle.sign(signing.key_id, sha256(text));
  if (!signature) co_return std::unexpected(signature.error());
  const auto line = field.rfind('\n') == std::string::npos ? 0 : field.rfind('\n') + 1;
  FieldFolder out(field.substr(line));
  out.stretch(base64_encode(*signature));
  co_return field.substr(0, line) + out.take() + "\r\n";
}

}  // namespace postern::policy
