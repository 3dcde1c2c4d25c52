// SPDX-License-Identifier: Apache-2.0
// Values of [dkim], and its rows in the table of options.
#include "config/way_out.h"

#include "config/boxed_impl.h"
#include "config/option.h"

namespace postern::config {

template class Boxed<WayOut>;

namespace {

constexpr std::uint64_t day = 86400;

Section dkim() {
  return Builder<Dkim>(
             "dkim", [](Config& c) -> Dkim& { return c.way_out->dkim; },
             "Signatures on mail that our people send elsewhere. Keys are made with `postern dkim create DOMAIN`; a domain\n"
             "without a key sends unsigned mail.")
      .flag("sign", &Dkim::sign, "Sign what leaves, for each domain that has an active key (RFC 6376).")
      .done();
}

Section forwarding() {
  using F = Forwarding;
  return Builder<F>(
             "forwarding", [](Config& c) -> F& { return c.way_out->forwarding; },
             "Mail that aliases and accounts send on to addresses elsewhere (`postern account forward`).")
      .parsed_list("forbid_for", &F::forbid_for, RouteDomain::parse,
                   "Domains of ours whose mail stays here: \"example.com\", or \".example.com\" for all below it.")
      .flag("srs", &F::srs,
            "Rewrite strangers' senders to an address of ours (SRS), so that SPF passes at the next server and notices find\n"
            "their way back through us.")
      .name("srs_domain", &F::srs_domain, host_name_or_empty,
            "The domain of such addresses; one of ours whose mail comes to us. Empty: that of the address that forwards.")
      .duration("srs_valid", &F::srs_valid, {day, 365 * day},
                "How long a notice about forwarded mail is taken back to its sender.")
      .flag("arc", &F::arc,
            "Seal what we saw of SPF, DKIM and DMARC (ARC, RFC 8617) with the domain's DKIM key, for servers that trust us.")
      .done();
}

constexpr std::uint64_t most_allowance = 10'000'000;
constexpr std::uint64_t longest_hold = 366ULL * 86400;

}  // namespace

std::vector<Option> outbound_more_rows() {
  auto section =
      Builder<OutboundMore>(
          "outbound", [](Config& c) -> OutboundMore& { return c.way_out->outbound; }, "")
          .flag("dane", &OutboundMore::dane,
                "Demand what a recipient's domain says in TLSA records (RFC 7672), where DNSSEC proves them.")
          .flag("mta_sts", &OutboundMore::mta_sts, "Where there are none, demand what its MTA-STS policy says (RFC 8461).")
          .done();
  return std::move(section.options);
}

std::vector<Option> submission_more_rows() {
  auto section = Builder<SubmissionMore>(
                     "submission", [](Config& c) -> SubmissionMore& { return c.way_out->submission; }, "")
                     .number("new_recipients_per_day", &SubmissionMore::new_recipients_per_day, {1, most_allowance},
                             "People elsewhere to whom one account writes for the first time in a day. Stolen accounts do.")
                     .duration("suspend_for", &SubmissionMore::suspend_for, {0, 365ULL * 86400},
                               "How long an account that wants more may not send. \"0s\": until `postern account resume`.")
                     .at_restart()
                     .duration("hold_max", &SubmissionMore::hold_max, {0, longest_hold},
                               "Longest time that a mail program may ask us to keep a message before it is sent (RFC 4865).\n"
                               "\"0s\": not offered.")
                     .done();
  return std::move(section.options);
}

std::vector<Section> way_out_sections() { return {device_section(), dkim(), forwarding(), route_section()}; }

}  // namespace postern::config
