// SPDX-License-Identifier: Apache-2.0
#include "outbound/tls_notes.h"

#include <gtest/gtest.h>

namespace postern::outbound {
namespace {

TEST(TlsFailures, HaveTheNamesOfTheRfc) {
  const std::pair<const char*, const char*> cases[] = {
      {"certificate verify failed: certificate has expired", "certificate-expired"},
      {"certificate verify failed: hostname mismatch", "certificate-host-mismatch"},
      {"certificate verify failed: Hostname mismatch", "certificate-host-mismatch"},
      {"self-signed certificate in certificate chain", "certificate-not-trusted"},
      {"unable to get local issuer certificate", "certificate-not-trusted"},
      {"no matching DANE TLSA records", "validation-failure"},
      {"wrong version number", "validation-failure"},
  };
  for (const auto& [text, type] : cases) EXPECT_EQ(failure_of_tls(text), type) << text;
}

TEST(TlsPolicySeen, NamesThePolicy) {
  RecipientPolicy policy;
  EXPECT_EQ(policy_seen(policy).type, "no-policy-found");
  policy.sts.failure = "sts-policy-fetch-error";
  EXPECT_EQ(policy_seen(policy).type, "sts") << "there is one, though nobody can read it";
  policy.sts.policy = StsPolicy{StsPolicy::Mode::enforce, std::chrono::seconds(1), {"mx.a.example"}};
  policy.sts.text = "version: STSv1\r\nmode: enforce\r\n";
  EXPECT_EQ(policy_seen(policy), (policy::TlsPolicySeen{"sts", {"version: STSv1", "mode: enforce"}, {"mx.a.example"}}));
  policy.dane.state = DaneFinding::State::match;
  policy.dane.records = {{3, 1, 1, "\x01\xab"}};
  EXPECT_EQ(policy_seen(policy), (policy::TlsPolicySeen{"tlsa", {"3 1 1 01ab"}, {}}));
}

}  // namespace
}  // namespace postern::outbound
