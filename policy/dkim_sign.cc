// SPDX-License-Identifier: Apache-2.0
// Writes DKIM-Signature fields.
#include "policy/dkim_sign.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/encoding.h"
#include "policy/dkim_signature.h"

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
/// Longest line of the field we write.
constexpr std::size_t line_max = 76;

/// Adds text at places where it may be folded.
class Folder {
 public:
  explicit Folder(std::string start) : text_(std::move(start)), column_(text_.size()) {}
  /// A word with a space before it, or on a new line.
  void word(std::string_view text) { put(text, " "); }
  /// Text that may break anywhere.
  void stretch(std::string_view text) {
    while (!text.empty()) {
      if (column_ >= line_max) fold();
      const auto part = text.substr(0, line_max - column_);
      text_ += part;
      column_ += part.size();
      text.remove_prefix(part.size());
    }
  }
  /// Text behind the last word, broken before it when the line is full.
  void piece(std::string_view text) { put(text, ""); }
  std::string take() { return std::move(text_); }

 private:
  void put(std::string_view text, std::string_view space) {
    if (column_ + space.size() + text.size() > line_max) {
      fold();
    } else {
      text_ += space;
      column_ += space.size();
    }
    text_ += text;
    column_ += text.size();
  }
  void fold() {
    text_ += "\r\n\t";
    column_ = 1;
  }
  std::string text_;
  std::size_t column_;
};

/// The field up to "b=", folded.
std::string unsigned_field(const DkimSigning& signing, DkimAlgorithm algorithm, const std::vector<std::string>& names,
                           std::string_view body_digest) {
  Folder out("DKIM-Signature: v=1;");
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
  const auto names = fields_to_sign(header);
  auto field = unsigned_field(signing, *algorithm, names, body_digest);
  std::string text;
  fields.append(text, names, signing.header);
  append_canonical_field(text, field, signing.header);
  const auto signature = co_await oracle.sign(signing.key_id, sha256(text));
  if (!signature) co_return std::unexpected(signature.error());
  const auto line = field.rfind('\n') == std::string::npos ? 0 : field.rfind('\n') + 1;
  Folder out(field.substr(line));
  out.stretch(base64_encode(*signature));
  co_return field.substr(0, line) + out.take() + "\r\n";
}

}  // namespace postern::policy
