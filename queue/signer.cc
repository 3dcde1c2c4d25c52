// SPDX-License-Identifier: Apache-2.0
#include "queue/signer.h"

#include "config/way_out.h"
#include "policy/author.h"
#include "policy/dkim_book.h"
#include "policy/dkim_sign.h"
#include "queue/signed_text.h"

namespace postern::queue {

Signer::Signer(Parts parts)
    : parts_(parts),
      signed_(parts.metrics.counter("postern_dkim_signatures_total", "DKIM signatures by result", {{"result", "signed"}})),
      failed_(parts.metrics.counter("postern_dkim_signatures_total", "DKIM signatures by result", {{"result", "failed"}})) {}

async::Task<Result<std::string>> Signer::sign(store::BodyPtr body) const {
  if (!parts_.config.get()->way_out->dkim.sign) co_return std::string();
  const auto header = read_signed_header(*body);
  if (!header) co_return std::unexpected(header.error());
  const auto author = policy::read_author(*header);
  if (!author.is_clear() || author.domains.empty()) co_return std::string();
  const auto keys = parts_.book.signing_keys(author.domains.front());
  if (keys.empty()) co_return std::string();
  const auto text = co_await read_signed_text(body);
  if (!text) co_return std::unexpected(text.error());
  std::string out;
  for (const auto& key : keys) {
    policy::DkimSigning signing{.domain = key.domain, .selector = key.selector, .key_id = key.name(), .agent = {}};
    signing.signed_at = parts_.clock.unix_now();
    const auto field = co_await policy::sign_dkim(parts_.book, std::move(signing), text->header, text->digest);
    if (field) out += *field;
    (field ? signed_ : failed_).add();
    if (!field) parts_.log.error("dkim", "not_signed", {{"key", key.name()}, {"text", field.error().text}});
  }
  co_return out;
}

}  // namespace postern::queue
