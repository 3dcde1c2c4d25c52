// SPDX-License-Identifier: Apache-2.0
// The fields for lists of messages: what is kept gives the same HEADER.FIELDS as the message, whatever the header looks like.
#include "mime/listed_fields.h"

#include <gtest/gtest.h>

#include "mime/header.h"
#include "mime/part_codec.h"

namespace postern::mime {
namespace {

const std::vector<std::vector<std::string>> questions = {
    {"From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "Priority", "X-Priority", "References", "Newsgroups",
     "In-Reply-To", "Content-Type", "Reply-To"},
    {"DATE", "FROM", "SENDER", "SUBJECT", "TO", "CC", "MESSAGE-ID", "REFERENCES", "CONTENT-TYPE", "CONTENT-DESCRIPTION",
     "IN-REPLY-TO", "REPLY-TO", "LINES", "LIST-POST", "X-LABEL"},
    {"Subject"},
    {"X-TUID"}};

const std::vector<std::string> messages = {
    "From: a@b\r\nX-Other: y\r\nsubject : one\r\n two\r\n\tthree\r\nReceived: from x\r\nSubject: again\r\n\r\nSubject: body\r\n",
    "no field at all\r\nTo: x\r\n continued\r\n\r\n",
    "To: without an empty line\r\n",
    "To: without a line end",
    "To: x\r\n\r\n",
    "Date: bare\nFrom: line ends\n\nbody\n",
    "From: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nSubject: of a part\r\n\r\nx\r\n--b--\r\n",
    "References:\r\n <1@a>\r\n <2@a>\r\n\r\n",
    "X-Only: others\r\n\r\nbody"};

TEST(ListedFields, GiveWhatTheHeaderGives) {
  for (const auto& message : messages) {
    const auto tree = parse_message(message);
    const auto block = message.substr(0, static_cast<std::size_t>(tree.root().body_begin));
    for (const auto& names : questions) {
      EXPECT_EQ(select_fields(tree.listed, names, Select::only), select_fields(block, names, Select::only)) << message;
      for (const auto& name : names) EXPECT_TRUE(is_listed_field(name)) << name;
    }
  }
}

TEST(ListedFields, AreFoundInTheEncodedTree) {
  for (const auto& message : messages) {
    const auto tree = parse_message(message);
    const auto bytes = encode_parts(tree);
    EXPECT_EQ(listed_fields_in(bytes), tree.listed);
    // Cut or damaged values never lead out of the value.
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto cut = listed_fields_in(std::string_view(bytes).substr(0, size));
      EXPECT_TRUE(cut.empty() || cut == tree.listed) << size;
    }
  }
}

TEST(ListedFields, OfVersionOneAreNotKnown) {
  const auto tree = parse_message(messages.front());
  PartTree bare = tree;
  bare.listed.clear();
  bare.truncated = true;  // what follows the version is no length of zero
  auto bytes = encode_parts(bare);
  ASSERT_EQ(bytes[1], 0);
  bytes.erase(1, 1);
  bytes[0] = 1;
  EXPECT_EQ(listed_fields_in(bytes), "");
  const auto read = decode_parts(bytes);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, bare);
}

TEST(ListedFields, BeyondTheLimitsAreNotKept) {
  const std::string long_one = "Subject: s\r\nReferences: " + std::string(max_listed_fields, 'x') + "\r\n\r\n";
  EXPECT_EQ(parse_message(long_one).listed, "");
  const std::string huge = "Subject: s\r\nX-Long: " + std::string(max_header_block, 'x') + "\r\nTo: y\r\n\r\n";
  EXPECT_EQ(parse_message(huge).listed, "");
}

// What Postern puts in front of a message is not in the kept fields, so it must not be in the list either.
TEST(ListedFields, HaveNoTraceFields) {
  for (const auto* name : {"Return-Path", "Delivered-To", "Received", "Authentication-Results", "Received-SPF", "DKIM-Signature",
                           "X-Spam-Flag", "Resent-From", ""}) {
    EXPECT_FALSE(is_listed_field(name)) << name;
  }
}

}  // namespace
}  // namespace postern::mime
