// SPDX-License-Identifier: Apache-2.0
// The whole run over any message: SPF, DKIM, ARC and DMARC against a small zone. Nothing but the examples' own signatures passes,
// the questions are bounded, and the field that comes of it stays one field.
#include "policy/authentication.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "async/executor.h"
#include "dns/zone.h"
#include "tests/policy/dkim_messages.h"

using namespace postern;
using namespace postern::policy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const auto end = mime::find_header_end(message);
  dns::Zone zone(example_keys);
  zone.add("a.example. TXT \"v=spf1 -all\"\n_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n");
  AuthenticationOptions options;
  options.trusted_sealers = {"example.com"};
  AuthenticationRun run(std::string(message.substr(0, end.body_begin)), options);
  run.feed(message.substr(end.body_begin));
  ClientFacts client;
  client.ip = IpAddress::v4({192, 0, 2, 1});
  client.helo = "h.example";
  client.sender = *mail::Address::parse("x@a.example");
  client.own_hostname = "mx.example.org";
  client.now = 1'600'000'000;
  const auto all = async::run_alone(run.finish(zone, std::move(client)));
  if (all.spf.code != SpfCode::fail || all.sender_proven) std::abort();
  if (zone.queries() > options.queries || all.dkim.size() > dkim_signatures_max + 1) std::abort();
  const bool proven = std::ranges::any_of(all.dkim, [](const DkimResult& signature) { return signature.counts(); });
  if (all.dmarc.code == DmarcCode::pass && !proven) std::abort();
  const auto field = write_results("mx.example.org", all.results());
  for (std::size_t i = 0; i + 2 < field.size(); ++i) {
    if (field[i] == '\n' && field[i + 1] != '\t') std::abort();
  }
  return 0;
}
