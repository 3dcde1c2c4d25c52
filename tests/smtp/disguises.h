// SPDX-License-Identifier: Apache-2.0
// Ways in which people have tried to make servers relay: arguments of RCPT that name, or might be taken to name, a mailbox
// elsewhere. `\0` in a text is written as the escape of dialogue lines.
#pragma once

#include <fstream>

#include "tests/smtp/house.h"

namespace postern::test {

inline const std::vector<std::string>& relay_disguises() {
  static const std::vector<std::string> table = {
      "TO:<victim@elsewhere.example>",
      "TO:<victim@[192.0.2.99]>",
      "TO:<victim@[IPv6:2001:db8::99]>",
      "TO:<victim@192.0.2.99>",
      "TO:<@example.org:victim@elsewhere.example>",
      "TO:<@elsewhere.example:alice@example.org>",
      "TO:<@example.org,@example.net:victim@elsewhere.example>",
      "TO:<victim%elsewhere.example@example.org>",
      "TO:<victim%elsewhere.example%example.net@example.org>",
      "TO:<victim%elsewhere.example>",
      "TO:<victim@elsewhere.example@example.org>",
      "TO:<alice@example.org@elsewhere.example>",
      "TO:<alice@example.org%elsewhere.example>",
      "TO:<\\\"victim@elsewhere.example\\\"@example.org>",
      "TO:<\\\"victim@elsewhere.example\\\">",
      "TO:<\\\"victim%elsewhere.example\\\"@example.org>",
      "TO:<\\\"victim\\\"@elsewhere.example>",
      "TO:<elsewhere.example!victim@example.org>",
      "TO:<elsewhere.example!victim>",
      "TO:<example.org!elsewhere.example!victim@example.org>",
      "TO:<\\\"elsewhere.example!victim\\\"@example.org>",
      "TO:<victim@elsewhere.example.>",
      "TO:<victim@EXAMPLE.ORG.elsewhere.example>",
      "TO:<victim@example.org.elsewhere.example>",
      "TO:<victim@sub.example.org>",
      "TO:<victim@xn--exmple-cua.org>",
      "TO:<victim@[example.org]>",
      "TO:<victim@[127.0.0.1]>",
      "TO:<alice@[192.0.2.25]>",
      "TO:<victim@localhost>",
      "TO:<victim@>",
      "TO:<victim>",
      "TO:<victim@elsewhere.example> NOTIFY=SUCCESS",
      "TO:<victim@elsewhere.example> ORCPT=rfc822;alice@example.org",
      "TO:<alice@example.org>, <victim@elsewhere.example>",
      "TO:<alice@example.org,victim@elsewhere.example>",
      "TO:<alice@example.org><victim@elsewhere.example>",
      "TO:victim@elsewhere.example",
      "TO:<victim@elsewhere.example\\0@example.org>",
      "TO:<alice@example.org\\0.elsewhere.example>",
      "TO:<victim@elsewhere.example\\x0b@example.org>",
      "TO:<victim@elsewhere.example#@example.org>",
      "TO:<victim@elsewhere.example(@example.org)>",
      "TO:<(alice@example.org)victim@elsewhere.example>",
      "TO:<|/bin/sh@example.org>",
      "TO:</etc/passwd@example.org>",
      "TO:<:include:/etc/passwd@example.org>",
      "TO:<relay=elsewhere.example/victim@example.org>",
      "TO:<victim+elsewhere.example@example.org>",
      "TO:<postmaster@elsewhere.example>",
      "TO:<victim\\\\@elsewhere.example@example.org>",
      "TO: <victim@elsewhere.example>",
      "TO:<<victim@elsewhere.example>>",
      "TO:<ｖictim@ｅlsewhere.example>",
  };
  return table;
}

/// Says the lines, then RCPT with the disguise, and expects one of the answers. Uses a dialogue file in memory form.
inline void play_disguise(DialogueHost& house, const std::string& disguise, const std::vector<std::string>& before,
                          const std::vector<std::string>& answers, const std::string& opening = {}) {
  const Folder folder;
  const auto file = folder / "disguise.txt";
  std::ofstream out(file);
  out << opening << "s~ 220 *\n";
  for (const auto& line : before) {
    out << "c: " << line << '\n';
    out << (line.starts_with("EHLO") ? "s> 250 LIMITS*\n" : "s~ *\n");
  }
  out << "c\\: \"RCPT " << disguise << "\\r\\n\"\ns| ";
  for (std::size_t i = 0; i < answers.size(); ++i) out << (i == 0 ? "" : "|") << answers[i] << '*';
  out << "\nc: RSET\ns~ 250 *\nc: DATA\ns~ 5*\n";
  out.close();
  run_dialogue(file, house);
}

}  // namespace postern::test
