// SPDX-License-Identifier: Apache-2.0
// The file as a whole: all mistakes at once with line, key and remedy; syntax errors with their line; unsafe files refused.
#include "config/parse.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/support/folder.h"

namespace postern::config {
namespace {

std::string errors_of(std::string_view text) {
  const auto loaded = parse(text);
  return loaded ? "no errors" : to_string(loaded.error());
}

TEST(Parse, EmptyFileGivesTheDefaults) {
  const auto loaded = parse("");
  ASSERT_TRUE(loaded) << to_string(loaded.error());
  EXPECT_EQ(loaded->config, Config{});
}

TEST(Parse, ReadsEveryKindOfValue) {
  const auto loaded = parse(R"(
[server]
hostname = "Mail.B\u00FCcher.example"
log_level = "debug"
threads = 4
[tls]
certificate = "/c.pem"
key = "/k.pem"
[[tls.sni]]
name = "other.example"
certificate = "/c2.pem"
key = "/k2.pem"
[[tls.sni]]
name = "third.example"
certificate = "/c3.pem"
key = "/k3.pem"
[listen]
smtp = ["127.0.0.1:2525"]
pop3s = []
trusted = ["[::1]:2526"]
[trusted]
networks = ["192.168.0.0/16"]
[limits]
header_bytes = "128KiB"
command_line = 2048
smtp_timeout = "2m"
[auth]
zxcvbn_bits = 40
min_password_length = 20
[queue]
backoff = ["1s", "2m"]
[outbound]
smart_host = "smtp.example.net:587"
prefer = "ipv4"
[dns]
servers = ["127.0.0.1:5353", "2001:db8::53"]
dnssec = false
[[dns.stub]]
zone = "Inside.example"
servers = ["127.0.0.2"]
)");
  ASSERT_TRUE(loaded) << to_string(loaded.error());
  const auto& c = loaded->config;
  EXPECT_EQ(c.server.hostname, "mail.xn--bcher-kva.example");
  EXPECT_EQ(c.server.log_level, LogLevel::debug);
  EXPECT_EQ(c.server.threads, 4U);
  ASSERT_EQ(c.tls.sni.size(), 2U);
  EXPECT_EQ(c.tls.sni[1].certificate, "/c3.pem");
  EXPECT_EQ(c.listen.smtp, (std::vector<Endpoint>{{"127.0.0.1", 2525}}));
  EXPECT_TRUE(c.listen.pop3s.empty());
  EXPECT_TRUE(c.trusted.networks.at(0).contains("192.168.3.4"));
  EXPECT_EQ(c.limits.header_bytes, 128 * KiB);
  EXPECT_EQ(c.limits.command_line, 2048U);
  EXPECT_EQ(c.limits.smtp_timeout, Duration(120));
  EXPECT_DOUBLE_EQ(c.auth.zxcvbn_bits, 40);
  EXPECT_EQ(c.queue.backoff, (std::vector<Duration>{Duration(1), Duration(120)}));
  EXPECT_EQ(c.outbound.smart_host, (HostPort{"smtp.example.net", 587}));
  EXPECT_EQ(c.outbound.prefer, Family::ipv4);
  EXPECT_EQ(c.dns.servers, (std::vector<Endpoint>{{"127.0.0.1", 5353}, {"2001:db8::53", 53}}));
  EXPECT_FALSE(c.dns.dnssec);
  ASSERT_EQ(c.dns.stub.size(), 1U);
  EXPECT_EQ(c.dns.stub[0].zone, "inside.example");
  EXPECT_EQ(c.helo(), c.server.hostname);
}

TEST(Parse, TellsAllMistakesAtOnce) {
  EXPECT_EQ(errors_of(R"(hostname = "mail.example.org"
[server]
hostnmae = "mail.example.org"
threads = "4"
log_level = "loud"
[limit]
x = 1
[limits]
header_bytes = "10 parsecs"
smtp_timeout = 300
recipients_inbound = 50
data_total = "100d"
errors = -1
frobnicate = true
[listen]
smtp = "0.0.0.0:25"
imaps = ["0.0.0.0"]
pop3s = [993]
[[tls.sni]]
name = "no such name"
[dns]
stub = "x"
dnssec = "yes"
[auth]
zxcvbn_bits = "strong"
[queue]
backoff = []
lifetime = 2026-01-01
)"),
            R"(line 1: hostname: no such option outside a section; remove it
line 3: server.hostnmae: no such option; did you mean hostname?
line 4: server.threads: "4" is not a whole number; write it without quotes
line 5: server.log_level: "loud" is not possible; write "debug", "info", "warning" or "error"
line 6: limit: no such section; did you mean limits?
line 9: limits.header_bytes: "10 parsecs" is not a size; write bytes (4096) or whole units ("256KiB", "50MiB", "1GiB")
line 10: limits.smtp_timeout: a whole number is not a duration; write a whole number with its unit ("30s", "5m", "4h", "2d")
line 11: limits.recipients_inbound: 50 is out of range; write a value from 100 to 1000000
line 12: limits.data_total: "100d" is out of range; write a value from "1m" to "1d"
line 13: limits.errors: -1 is out of range; write a value from 3 to 1000
line 14: limits.frobnicate: no such option; remove it
line 16: listen.smtp: "0.0.0.0:25" is not a list of strings; write ["…", "…"]
line 17: listen.imaps: "0.0.0.0" is no address with port; write "192.0.2.1:25" or "[2001:db8::1]:25"
line 18: listen.pop3s: a list with items that are no strings is not a list of strings; write ["…", "…"]
line 19: tls.sni: needs certificate
line 19: tls.sni: needs key
line 20: tls.sni.name: label "no such name" has a character that host names do not have; write a host name, for example "mail.example.org"
line 22: dns.stub: may be given many times; write [[dns.stub]] on a line of its own
line 23: dns.dnssec: "yes" is not a boolean; write true or false, without quotes
line 25: auth.zxcvbn_bits: "strong" is not a number; write it without quotes
line 27: queue.backoff: an empty list is not possible; write at least one duration
line 28: queue.lifetime: a date or time is not a duration; write a whole number with its unit ("30s", "5m", "4h", "2d")
)");
}

TEST(Parse, SyntaxErrorsHaveTheirLine) {
  const std::pair<const char*, unsigned> rows[] = {{"[server\n", 1},
                                                   {"\n[;]\n", 2},
                                                   {"\n\xc8\xa4\"x\"", 2},
                                                   {"[server]\n\xc3\xbc = 1\n", 2},
                                                   {"[[\x01]]\n", 1},
                                                   {"[\xff]\n", 1},
                                                   {"[server]\nthreads = \n", 2},
                                                   {"\n\nthreads\n", 3},
                                                   {"[server]\nthreads = 1\nthreads = 2\n", 3},
                                                   {"[a]\nb = \"x\n", 2}};
  for (const auto& [text, line] : rows) {
    const auto loaded = parse(text);
    ASSERT_FALSE(loaded) << text;
    ASSERT_EQ(loaded.error().size(), 1U);
    EXPECT_EQ(loaded.error()[0].line, line) << to_string(loaded.error());
    EXPECT_TRUE(loaded.error()[0].text.starts_with("syntax error: "));
  }
}

TEST(Parse, RefusesBrokenBytes) {
  EXPECT_FALSE(parse("[server]\nuser = \"\xff\"\n"));
  EXPECT_FALSE(parse(std::string_view("[server]\nuser = \"a\0b\"\n", 21)));
  EXPECT_EQ(errors_of("[server]\nuser = \"a\\nb\"\n"),
            "line 2: server.user: control characters are not possible; write plain text\n");
}

TEST(Parse, RefusesNumbersThatDoNotFit) {
  EXPECT_NE(errors_of("[limits]\nmessage_bytes = \"99999999999999999999GiB\"\n"), "no errors");
  EXPECT_NE(errors_of("[limits]\nmessage_bytes = \"9999999999999GiB\"\n"), "no errors");
  EXPECT_NE(errors_of("[limits]\nmessage_bytes = \"17179869185GiB\"\n"), "no errors");  // 1 GiB modulo 2^64
  EXPECT_NE(errors_of("[queue]\nlifetime = \"999999999999999999d\"\n"), "no errors");
  EXPECT_NE(errors_of("[auth]\nzxcvbn_bits = nan\n"), "no errors");
  EXPECT_NE(errors_of("[auth]\nzxcvbn_bits = inf\n"), "no errors");
}

TEST(Parse, SemanticMistakesHaveTheirLine) {
  EXPECT_EQ(errors_of("[tls]\ncertificate = \"/c.pem\"\n\n[queue]\nbackoff_max = \"1m\"\n"),
            "line 2: tls.certificate: certificate and key belong together; give both or neither\n"
            "line 5: queue.backoff_max: is less than the last wait of backoff; raise it\n");
}

TEST(Parse, WarningsDoNotStop) {
  const auto loaded = parse("[auth]\nmin_password_length = 13\n");
  ASSERT_TRUE(loaded);
  const auto text = to_string(loaded->warnings);
  EXPECT_NE(text.find("line 2: auth.min_password_length: 13 characters are few"), std::string::npos) << text;
  EXPECT_NE(text.find("server.hostname: \"localhost\" is no public name"), std::string::npos) << text;
  const auto weak = parse("[auth]\nzxcvbn_bits = 25\n");
  ASSERT_TRUE(weak);
  EXPECT_NE(to_string(weak->warnings).find("line 2: auth.zxcvbn_bits: 25 bits let guessable passwords through"),
            std::string::npos);
  EXPECT_EQ(errors_of("[auth]\nmin_password_length = 11\n"),
            "line 2: auth.min_password_length: 11 is out of range; write a value from 12 to 128\n");
}

TEST(Load, RefusesMissingAndUnsafeFiles) {
  const test::Folder folder;
  const auto path = folder / "postern.toml";
  EXPECT_FALSE(load(path));
  ASSERT_TRUE(write_file_durably(path, "[server]\nthreads = 2\n", 0644));
  const auto loaded = load(path);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.server.threads, 2U);
  ASSERT_EQ(::chmod(path.c_str(), 0646), 0);
  const auto refused = load(path);
  ASSERT_FALSE(refused);
  EXPECT_NE(to_string(refused.error()).find("may be written by everybody"), std::string::npos);
}

}  // namespace
}  // namespace postern::config
