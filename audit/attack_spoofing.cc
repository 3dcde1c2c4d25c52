// SPDX-License-Identifier: Apache-2.0
// Messages from outside that claim to be ours. The sender is null or ours; forged evidence on top must change nothing.
#include "audit/attacks.h"

namespace postern::audit {
namespace {

struct Claim {
  std::string name;
  std::string sender;
  std::string fields;  ///< the header without Subject, each line ending in CRLF
};

constexpr const char* remedy =
    "mail from outside may not claim to be ours: rules.spoofed_sender and rules.spoofed_author = \"reject\", and no [[spoof]] "
    "entry or "
    "allow entry of our own list that lets everybody do it";

std::vector<Claim> claims(const Attack& attack) {
  const auto us = attack.postmaster();
  const auto host = attack.target.hostname;
  const auto from = "From: <" + us + ">\r\n";
  const auto stranger = std::string("From: <probe@audit.example>\r\n");
  const auto received = "Received: from localhost (localhost [127.0.0.1])\r\n\tby " + host +
                        " with ESMTPSA (TLSv1.3)\r\n\tid aaaa for <" + us + ">; Thu, 1 Jan 2026 00:00:00 +0000\r\n";
  const auto results = "Authentication-Results: " + host + ";\r\n\tspf=pass smtp.mailfrom=" + us +
                       ";\r\n\tdkim=pass header.d=" + attack.domain() + ";\r\n\tdmarc=pass header.from=" + attack.domain() +
                       "\r\n";
  return {
      {"our address in MAIL FROM", "<" + us + ">", stranger},
      {"our address in From", "<>", from},
      {"our address in both", "<" + us + ">", from},
      {"our address in From, with a name", "<>", "From: \"The postmaster\" <" + us + ">\r\n"},
      {"our address in From, upper case", "<>", "From: <POSTMASTER@" + attack.domain() + ">\r\n"},
      {"our address in From, quoted", "<>", "From: <\"postmaster\"@" + attack.domain() + ">\r\n"},
      {"our address in From, folded", "<>", "From:\r\n <" + us + ">\r\n"},
      {"our address in From, with a comment", "<>", "From: (x) <" + us + "> (y)\r\n"},
      {"two From fields, one ours", "<>", stranger + from},
      {"our address in From beside a stranger's", "<>", "From: <probe@audit.example>, <" + us + ">\r\n"},
      {"a forged Received of ours", "<>", received + from},
      {"a forged Authentication-Results of ours", "<>", results + from},
      {"a forged DKIM-Signature of ours", "<>",
       "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=" + attack.domain() + "; s=audit; h=from; bh=AAAA; b=AAAA\r\n" +
           from},
      {"forged Received and results, our sender", "<" + us + ">", received + results + from},
      {"a forged X-Originating-IP and list", "<>",
       "X-Originating-IP: [127.0.0.1]\r\nList-Id: <l." + attack.domain() + ">\r\n" + from},
      {"a forged ARC chain", "<>",
       "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=" + attack.domain() +
           "; s=audit; b=AAAA\r\nARC-Message-Signature: i=1; a=rsa-sha256; d=" + attack.domain() +
           "; s=audit; h=from; bh=AAAA; b=AAAA\r\nARC-Authentication-Results: i=1; " + host + "; dmarc=pass\r\n" + from},
  };
}

async::Task<> try_claim(Attack& attack, Claim claim) {
  auto line = co_await greeted(attack, *attack.target.smtp);
  const auto us = attack.postmaster();
  auto reply = co_await line.say("MAIL FROM:" + claim.sender);
  if (is_positive(reply)) reply = co_await line.say("RCPT TO:<" + us + ">");
  if (is_positive(reply)) reply = co_await line.say("DATA");
  if (is_positive(reply)) {
    reply = co_await line.say(claim.fields + "To: <" + us + ">\r\nSubject: Postern audit, spoofing: " + claim.name +
                              "\r\nMessage-ID: <audit@audit.invalid>\r\n\r\nThis message should have been refused.\r\n.");
  }
  attack.report.judge(reply.starts_with('5'), {"spoofing", claim.name, {}, shown(reply), remedy});
}

}  // namespace

async::Task<> attack_spoofing(Attack& attack) {
  if (!attack.target.smtp) {
    attack.report.skip("spoofing", "port 25", "no such listener");
    co_return;
  }
  for (auto& claim : claims(attack)) co_await try_claim(attack, std::move(claim));
}

}  // namespace postern::audit
