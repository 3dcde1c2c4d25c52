// SPDX-License-Identifier: Apache-2.0
// Enhanced codes as text, and the table's own consistency: reply class and enhanced class agree, texts fit a reply line.
#include "mail/status.h"

#include <gtest/gtest.h>

#include "base/ascii.h"

namespace postern::mail {
namespace {

TEST(EnhancedStatus, ReadsTheStartOfAReplyText) {
  EXPECT_EQ(EnhancedStatus::parse("5.1.1 No such user"), (EnhancedStatus{5, 1, 1}));
  EXPECT_EQ(EnhancedStatus::parse("4.7.999"), (EnhancedStatus{4, 7, 999}));
  for (const char* text : {"", "5", "5.", "5.1", "5.1.", "3.1.1", "1.0.0", "6.0.0", "5.1000.1", "5.1.1000", "5.1.1x", "5.1.1.1",
                           " 5.1.1", "-5.1.1", "5,1,1", "99999999999999999999.1.1"}) {
    EXPECT_FALSE(EnhancedStatus::parse(text)) << text;
  }
  EXPECT_EQ((EnhancedStatus{5, 1, 10}.to_string()), "5.1.10");
}

struct Row {
  const char* name;
  const Status& status;
};

const Row rows[] = {
#define POSTERN_STATUS(word, smtp_code, class_digit, subject_part, detail_part, default_text) {#word, status::word},
#include "mail/status_table.inc"
#undef POSTERN_STATUS
};

TEST(StatusTable, IsConsistent) {
  for (const auto& [name, status] : rows) {
    EXPECT_TRUE(status.code >= 200 && status.code < 600) << name;
    EXPECT_TRUE(status.enhanced.klass == 0 || status.enhanced.klass == status.code / 100) << name;
    EXPECT_TRUE(ascii::is_ascii(status.text) && status.text.size() < 120) << name;
  }
}

}  // namespace
}  // namespace postern::mail
