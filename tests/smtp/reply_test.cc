// SPDX-License-Identifier: Apache-2.0
#include "smtp/reply.h"

#include <gtest/gtest.h>

namespace postern::smtp {
namespace {

std::string octets(const Reply& reply) {
  std::string out;
  append_to(out, reply);
  return out;
}

TEST(Reply, FormatsLines) {
  EXPECT_EQ(octets(reply(mail::status::ok)), "250 2.0.0 Ok\r\n");
  EXPECT_EQ(octets(reply(mail::status::hello, "mail.example.org\nSIZE 1\nDSN")),
            "250-mail.example.org\r\n250-SIZE 1\r\n250 DSN\r\n");
  EXPECT_EQ(octets({550, {5, 7, 1}, "a\nb", Then::go_on}), "550-5.7.1 a\r\n550 5.7.1 b\r\n");
  EXPECT_EQ(octets(reply(mail::status::auth_continue, "")), "334 \r\n");
  EXPECT_EQ(octets(reply(mail::status::null_mx)), "556 5.1.10 The domain accepts no mail\r\n");
}

TEST(Reply, KnowsWhatComesThen) {
  EXPECT_EQ(reply(mail::status::ok).then, Then::go_on);
  EXPECT_EQ(closing(mail::status::goodbye).then, Then::close);
  EXPECT_TRUE(reply(mail::status::start_data).is_success());
  EXPECT_FALSE(reply(mail::status::disk_full).is_success());
  EXPECT_FALSE(reply(mail::status::disk_full).is_permanent());
}

// Every status of the table has the code that its enhanced code says (RFC 3463 §2).
TEST(Reply, StatusTableIsConsistent) {
#define POSTERN_STATUS(name, code, klass, subject, detail, text) EXPECT_TRUE((klass) == 0 || (klass) == (code) / 100) << #name;
#include "mail/status_table.inc"
#undef POSTERN_STATUS
}

}  // namespace
}  // namespace postern::smtp
