// SPDX-License-Identifier: Apache-2.0
#include "outbound/tls_required.h"

#include <gtest/gtest.h>

namespace postern::outbound {
namespace {

TEST(TlsRequiredField, OnlyNoSaysSo) {
  const std::pair<const char*, bool> cases[] = {
      {"TLS-Required: No\r\n\r\n", true},
      {"From: a\r\ntls-required:no \r\nTo: b\r\n\r\n", true},
      {"TLS-Required: Yes\r\n\r\n", false},
      {"TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false},
      {"TLS-Required: No\r\n thing\r\n\r\n", false},
      {"From: a\r\n\r\nTLS-Required: No\r\n", false},
      {"X-TLS-Required: No\r\n\r\n", false},
      {"", false},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(says_tls_not_required(text), expected) << text;
}

}  // namespace
}  // namespace postern::outbound
