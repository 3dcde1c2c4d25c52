// SPDX-License-Identifier: Apache-2.0
// What SPF, DKIM and DMARC cost: thread CPU for each message of 10 KiB, with DNS answered from memory, so that only our own work
// is counted. Each row is the median of nine rounds.
//
//   openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem
//   authentication_bench key.pem [messages per round]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>

#include "async/executor.h"
#include "dns/zone.h"
#include "policy/authentication.h"
#include "policy/dkim_sign.h"
#include "tests/policy/dkim_messages.h"

namespace postern::bench {
namespace {

constexpr std::size_t body_bytes = 10 * 1024;
constexpr int rounds = 9;
constexpr std::size_t piece = 4096;

std::string text_of(const char* path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

double thread_cpu() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

std::string body_text() {
  std::string out;
  while (out.size() < body_bytes) out += "The quick brown fox jumps over the lazy dog, and one line is as long as another.\r\n";
  return out;
}

struct Subject {
  std::string header;
  std::string body;
  policy::AuthenticationOptions options;
};

/// One message from end of header to result, `count` times on this thread.
async::Task<> run(dns::Resolver& resolver, const Subject& subject, int count) {
  for (int i = 0; i < count; ++i) {
    policy::AuthenticationRun one(subject.header, subject.options);
    for (std::string_view rest = subject.body; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
      one.feed(rest.substr(0, piece));
    }
    policy::ClientFacts client;
    client.ip = IpAddress::v4({192, 0, 2, 1});
    client.helo = "mail.sender.example";
    client.sender = *mail::Address::parse("joe@sender.example");
    client.own_hostname = "mx.example.org";
    client.now = 1'600'000'000;
    const auto all = co_await one.finish(resolver, std::move(client));
    const auto field = policy::write_results("mx.example.org", all.results());
    if (field.empty()) std::abort();
    if (subject.options.dmarc && all.dmarc.code != policy::DmarcCode::pass) std::abort();
  }
}

/// Times `work`, which does something `count` times.
void measure(std::string_view name, int count, const std::function<void()>& work) {
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    const auto before = thread_cpu();
    work();
    times.push_back((thread_cpu() - before) / count);
  }
  std::ranges::sort(times);
  fmt::print("{:<44}{:>8.1f} µs  ({:.1f} to {:.1f})\n", name, times[rounds / 2], times.front(), times.back());
}

void measure(std::string_view name, dns::Resolver& resolver, const Subject& subject, int count) {
  measure(name, count, [&] { async::run_alone(run(resolver, subject, count)); });
}

/// The steps of a verification apart.
void measure_parts(const std::string& body, const std::string& rsa, policy::KeyOracle& keys, int count) {
  for (const auto canonical : {policy::Canonical::simple, policy::Canonical::relaxed}) {
    measure(fmt::format("body hash alone, {}", to_string(canonical)), count, [&] {
      for (int i = 0; i < count; ++i) {
        policy::BodyHash hash(canonical, std::nullopt);
        hash.feed(body);
        if (hash.finish().empty()) std::abort();
      }
    });
  }
  const auto digest = policy::sha256(body);
  const auto signature = *async::run_alone(keys.sign("rsa", digest));
  measure("RSA key and signature alone", count, [&] {
    for (int i = 0; i < count; ++i) {
      const auto key = policy::PublicKey::from(*policy::parse_dkim_key("v=DKIM1; k=rsa; p=" + rsa));
      if (!key->verify(digest, signature)) std::abort();
    }
  });
}

std::string signed_with(policy::KeyOracle& keys, const std::string& key, const std::string& header, const std::string& body) {
  policy::DkimSigning signing;
  signing.domain = "sender.example";
  signing.selector = key;
  signing.key_id = key;
  policy::BodyHash hash(signing.body, std::nullopt);
  hash.feed(body);
  return *async::run_alone(policy::sign_dkim(keys, signing, header, hash.finish())) + header;
}

int main_with(const char* rsa_path, int count) {
  policy::MemoryKeys keys;
  if (!keys.add("ed", Secret(policy::rfc8463_ed25519_pem)) || !keys.add("rsa", Secret(text_of(rsa_path)))) return EXIT_FAILURE;
  const auto rsa = *keys.public_key("rsa");
  dns::Zone zone(fmt::format(R"(
    sender.example. TXT "v=spf1 include:_spf.sender.example ip4:198.51.100.0/24 -all"
    _spf.sender.example. TXT "v=spf1 ip4:203.0.113.0/24 ip4:192.0.2.0/24 ~all"
    mail.sender.example. TXT "v=spf1 a -all"
    mail.sender.example. A 192.0.2.1
    _dmarc.sender.example. TXT "v=DMARC1; p=reject; rua=mailto:d@sender.example"
    ed._domainkey.sender.example. TXT "v=DKIM1; k=ed25519; p={}"
    rsa._domainkey.sender.example. TXT "v=DKIM1; k=rsa; p={}" "{}"
  )",
                             *keys.public_key("ed"), rsa.substr(0, 200), rsa.substr(200)));
  Subject subject;
  subject.body = body_text();
  const std::string header = std::string("From: joe@sender.example\r\n") +
                             std::string(policy::rfc6376_header.substr(policy::rfc6376_header.find("To:"))) + "\r\n";
  subject.header = header;
  subject.options.dkim = subject.options.arc = subject.options.dmarc = false;
  measure("SPF (MAIL FROM with an include, HELO)", zone, subject, count);
  subject.options = {};
  measure("SPF + DMARC, no signature", zone, subject, count);
  subject.header = signed_with(keys, "rsa", header, subject.body);
  measure("SPF + DKIM (RSA 2048, relaxed) + DMARC", zone, subject, count);
  subject.header = signed_with(keys, "ed", header, subject.body);
  measure("SPF + DKIM (Ed25519, relaxed) + DMARC", zone, subject, count);
  subject.header = signed_with(keys, "rsa", subject.header, subject.body);
  measure("SPF + DKIM (both) + DMARC", zone, subject, count);
  measure_parts(subject.body, rsa, keys, count);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace postern::bench

int main(int argc, char** argv) {
  if (argc > 1) return postern::bench::main_with(argv[1], argc > 2 ? std::atoi(argv[2]) : 500);
  fmt::print(stderr, "authentication_bench RSA_KEY.pem [messages per round]\n");
  return EXIT_FAILURE;
}
