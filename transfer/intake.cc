// SPDX-License-Identifier: Apache-2.0
#include "transfer/intake.h"

#include <algorithm>

#include "mime/body_structure.h"
#include "mime/part_codec.h"

namespace postern::transfer {

void append_with_crlf(std::string_view raw, char& last, std::string& out) {
  if (raw.empty()) return;
  std::size_t from = 0;
  for (auto at = raw.find('\n'); at != std::string_view::npos; at = raw.find('\n', at + 1)) {
    const char before = at == 0 ? last : raw[at - 1];
    if (before == '\r') continue;
    out.append(raw, from, at - from);
    out += '\r';
    from = at;
  }
  out.append(raw, from);
  last = raw.back();
}

void append_with_lf(std::string_view raw, bool& held_cr, std::string& out) {
  if (raw.empty()) return;
  if (held_cr && raw.front() != '\n') out += '\r';
  held_cr = raw.back() == '\r';
  if (held_cr) raw.remove_suffix(1);
  std::size_t from = 0;
  for (auto at = raw.find("\r\n"); at != std::string_view::npos; at = raw.find("\r\n", at + 2)) {
    out.append(raw, from, at - from);
    from = at + 1;
  }
  out.append(raw, from);
}

Result<> Intake::write(std::string_view raw) {
  if (raw.find('\0') != std::string_view::npos) {
    had_nul_ = true;
    without_nul_ = raw;
    std::ranges::replace(without_nul_, '\0', nul_replacement);
    raw = without_nul_;
  }
  piece_.clear();
  append_with_crlf(raw, last_, piece_);
  size_ += piece_.size();
  if (size_ > max_message_octets) return fail(ErrorKind::too_large, "the message is larger than 1 GiB");
  parser_.feed(piece_);
  return spool_->write(piece_);
}

Result<store::NewMessage> Intake::finish() {
  if (size_ == 0) return fail(ErrorKind::invalid, "the message is empty");
  auto body = spool_->finish();
  if (!body) return std::unexpected(body.error());
  const auto tree = parser_.finish();
  return store::NewMessage{.body = *std::move(body),
                           .meta = {.envelope = tree.root().envelope,
                                    .bodystructure = mime::imap_bodystructure(tree, mime::Structure::extended),
                                    .parts = mime::encode_parts(tree)}};
}

}  // namespace postern::transfer
