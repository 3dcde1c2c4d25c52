// SPDX-License-Identifier: Apache-2.0
// Plans for 7-bit text: a table of messages and what they become, and random ones that come back octet for octet.
#include "mime/seven_bit.h"

#include <gtest/gtest.h>

#include <random>

namespace postern::mime {
namespace {

std::optional<std::vector<Recoding>> plan_of(const PartTree& tree, std::string_view message, std::size_t cut) {
  HighOctets octets(tree);
  octets.feed(message.substr(0, cut));
  octets.feed(message.substr(cut));
  return plan_seven_bit(tree, octets);
}

/// The message as 7-bit text, "stays" when there is no plan.
std::string recoded(const std::string& message, std::size_t cut = 0) {
  const auto tree = parse_message(message);
  const auto plan = plan_of(tree, message, cut);
  if (!plan) return "stays";
  Recoder recoder(tree, *plan);
  std::string out;
  recoder.feed(message, out);
  recoder.finish(out);
  return out;
}

struct Row {
  std::string in;
  std::string out;
};

TEST(SevenBit, IsMadeOfEveryPartOrOfNone) {
  const std::string mixed = "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
  const std::string relabelled = "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n";
  const Row rows[] = {
      {"A: b\r\n\r\nplain\r\n", "A: b\r\n\r\nplain\r\n"},
      {"A: b\r\n\r\nIn the caf\xc3\xa9 at noon\r\n",
       "A: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIn the caf=C3=A9 at noon\r\n"},
      {"A: b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nIn the caf\xc3\xa9 at noon\r\n",
       "A: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIn the caf=C3=A9 at noon\r\n"},
      // Where most octets need it, base64 is shorter.
      {"A: b\r\n\r\n\xd0\x9f\xd1\x80\xd0\xb8", "A: b\r\nContent-Transfer-Encoding: base64\r\n\r\n0J/RgNC4\r\n"},
      {"Content-Type: image/x\r\n\r\nlong enough for text \xff",
       "Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\nbG9uZyBlbm91Z2ggZm9yIHRleHQg/w==\r\n"},
      // The label alone was wrong.
      {"Content-Transfer-Encoding: 8bit\r\n\r\nplain\r\n", "Content-Transfer-Encoding: 7bit\r\n\r\nplain\r\n"},
      // Each part by itself; those that are fine stay octet for octet.
      {mixed + "--b\r\n\r\nplain=\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nIn the caf\xc3\xa9 at noon\r\n--b--\r\n",
       relabelled + "--b\r\n\r\nplain=\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIn the caf=C3=A9 at "
                    "noon\r\n--b--\r\n"},
      // A message inside.
      {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nA: b\r\n\r\nIn the caf\xc3\xa9 at noon\r\n",
       "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nA: b\r\n"
       "Content-Transfer-Encoding: quoted-printable\r\n\r\nIn the caf=C3=A9 at noon\r\n"},
      // RFC 1847: what is signed stays, and so does the message around it, unless nothing in it needs 8 bits.
      {"Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\ncaf\xc3\xa9\r\n--s\r\n\r\nsig\r\n--s--\r\n", "stays"},
      {mixed + "--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Transfer-Encoding: "
               "8bit\r\n\r\nplain\r\n--s\r\n\r\n"
               "sig\r\n--s--\r\n--b\r\n\r\nIn the caf\xc3\xa9 at noon\r\n--b--\r\n",
       relabelled +
           "--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain\r\n--s"
           "\r\n\r\nsig\r\n--s--\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIn the caf=C3=A9 at "
           "noon\r\n--b--\r\n"},
      // Octets that no encoding reaches: header fields, preamble, epilogue, content that is encoded already or never is.
      {"Subject: caf\xc3\xa9\r\n\r\nplain\r\n", "stays"},
      {mixed + "caf\xc3\xa9\r\n--b\r\n\r\nplain\r\n--b--\r\n", "stays"},
      {mixed + "--b\r\n\r\nplain\r\n--b--\r\ncaf\xc3\xa9\r\n", "stays"},
      {mixed + "--b\r\nX: caf\xc3\xa9\r\n\r\nplain\r\n--b--\r\n", "stays"},
      {"Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf\xc3\xa9\r\n", "stays"},
      {"Content-Type: message/partial; id=a\r\n\r\ncaf\xc3\xa9\r\n", "stays"},
      {"Content-Type: multipart/mixed\r\n\r\ncaf\xc3\xa9\r\n", "stays"},
  };
  for (const auto& [in, out] : rows) {
    for (std::size_t cut = 0; cut <= in.size(); ++cut) EXPECT_EQ(recoded(in, cut), out) << in << " cut at " << cut;
  }
}

TEST(SevenBit, BeyondTheLimitsOfParsingMessagesStay) {
  std::string message;
  for (std::size_t i = 0; i <= max_depth + 1; ++i) message += "Content-Type: message/rfc822\r\n\r\n";
  EXPECT_EQ(recoded(message + "A: b\r\n\r\ncaf\xc3\xa9\r\n"), "stays");
}

TEST(SevenBit, RandomTextComesBack) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::string text(random() % 400, '\0');
    const auto rare = random() % 20 + 1;
    for (char& c : text) c = static_cast<char>(random() % rare == 0 ? 128 + random() % 128 : 32 + random() % 95);
    for (std::size_t at = 70; at + 1 < text.size(); at += 70) text.replace(at, 2, "\r\n");
    const std::string message = "A: b\r\n\r\n" + text;
    const auto out = recoded(message);
    EXPECT_TRUE(std::ranges::all_of(out, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    const auto tree = parse_message(out);
    const auto& part = tree.root();
    auto back = decode_transfer(std::string_view(out).substr(part.body_begin, part.body_size()), part.transfer_encoding);
    if (part.encoding == "quoted-printable" && back.ends_with("\r\n") && !text.ends_with("\r\n")) back.resize(back.size() - 2);
    EXPECT_EQ(back, text);
  }
}

}  // namespace
}  // namespace postern::mime
