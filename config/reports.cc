// SPDX-License-Identifier: Apache-2.0
// The rows of [reports].
#include "config/reports.h"

#include "config/gate.h"
#include "config/option.h"
#include "mail/address.h"

namespace postern::config {

namespace {

Result<std::string> address_or_empty(std::string_view text) {
  if (text.empty()) return std::string();
  const auto address = mail::Address::parse(text);
  if (!address) return std::unexpected(address.error());
  if (address->domain() == nullptr) return fail(ErrorKind::invalid, "an address with a domain is needed, not a literal");
  return address->to_string();
}

}  // namespace

Section reports_section() {
  return Builder<Reports>(
             "reports", [](Config& c) -> Reports& { return c.gate->reports; },
             "Reports to domains that ask for them in DNS, one for each domain and day (UTC), and those of others about us.")
      .flag("dmarc", &Reports::dmarc,
            "Tell the domains of authors once a day what SPF, DKIM and DMARC said of mail in their name (RFC 7489 §7.2).")
      .flag("tls", &Reports::tls,
            "Tell domains once a day how TLS with their mail servers went (RFC 8460), by mail and to https addresses.")
      .name("from", &Reports::from, address_or_empty,
            "Sender in the header of our reports; best in a domain that has a DKIM key here. Empty: postmaster at\n"
            "server.hostname.")
      .text("organization", &Reports::organization, "Who we are, in the reports. Empty: server.hostname.")
      .text("contact", &Reports::contact, "How people reach us, in the reports: an address or a page.")
      .name("received_by", &Reports::received_by, address_or_empty,
            "The account in whose INBOX reports of others about our domains arrive, for `postern dmarc report list`\nand "
            "`postern tls report list`.")
      .done();
}

}  // namespace postern::config
