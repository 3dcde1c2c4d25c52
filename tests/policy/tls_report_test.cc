// SPDX-License-Identifier: Apache-2.0
#include "policy/tls_report.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

TlsSession failed() {
  return {{"sts", {"version: STSv1", "mode: testing"}, {"*.a.example"}},
          "certificate-expired",
          "mx.a.example",
          "192.0.2.1",
          "198.51.100.1",
          "certificate has \"expired\""};
}

TEST(TlsFacts, ComeBack) {
  EXPECT_EQ(read_session_facts(session_facts(failed())).value(), failed());
  TlsSession good;
  good.policy = {"no-policy-found", {}, {}};
  good.mx = "mx.a.example";
  good.ip = "192.0.2.1";
  TlsSession other = good;
  other.ip = "192.0.2.2";
  EXPECT_EQ(session_facts(good), session_facts(other)) << "sessions that went well are counted together";
  auto odd = failed();
  odd.reason = "two\nfailure none\r\nlines";
  EXPECT_EQ(read_session_facts(session_facts(odd))->failure, "certificate-expired");
  for (const auto* text : {"", "x", "tls1\nword\n", "tls2\ntype sts\n"}) EXPECT_FALSE(read_session_facts(text)) << text;
}

// RFC 8460 §4.4 and Appendix B
TEST(TlsReport, IsWrittenAsTheRfcWantsIt) {
  TlsReport report;
  report.organization = "Us \\ Co";
  report.contact = "tls@us.example";
  report.id = "r1";
  report.domain = "a.example";
  report.begin = 1'732'060'800;
  report.end = report.begin + 86'399;
  TlsSession good;
  good.policy = failed().policy;
  report.add(good, 5);
  report.add(failed(), 2);
  good.policy = {"no-policy-found", {}, {}};
  report.add(good, 1);
  EXPECT_EQ(write_tls_report(report),
            "{\"organization-name\":\"Us \\\\ Co\",\"date-range\":{\"start-datetime\":\"2024-11-20T00:00:00Z\","
            "\"end-datetime\":\"2024-11-20T23:59:59Z\"},\"contact-info\":\"tls@us.example\",\"report-id\":\"r1\",\"policies\":["
            "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"a.example\",\"policy-string\":[\"version: STSv1\","
            "\"mode: testing\"],\"mx-host\":[\"*.a.example\"]},\"summary\":{\"total-successful-session-count\":5,"
            "\"total-failure-session-count\":2},\"failure-details\":[{\"result-type\":\"certificate-expired\","
            "\"sending-mta-ip\":\"198.51.100.1\",\"receiving-mx-hostname\":\"mx.a.example\",\"receiving-ip\":\"192.0.2.1\","
            "\"failure-reason-code\":\"certificate has \\\"expired\\\"\",\"failed-session-count\":2}]},"
            "{\"policy\":{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"a.example\"},\"summary\":"
            "{\"total-successful-session-count\":1,\"total-failure-session-count\":0}}]}\n");
}

// RFC 8460 §3
TEST(TlsReportRecord, NamesWhoWantsReports) {
  const auto wish = parse_tls_report_record("v=TLSRPTv1; rua=mailto:tls@a.example , https://a.example/v1/tlsrpt,ftp://x; x=y");
  ASSERT_TRUE(wish) << wish.error().text;
  EXPECT_EQ(wish->mail, std::vector<std::string>{"tls@a.example"});
  EXPECT_EQ(wish->web, std::vector<std::string>{"https://a.example/v1/tlsrpt"});
  EXPECT_EQ(parse_tls_report_record("v=TLSRPTv1;rua=mailto:a%2bb@a.example?subject=x")->mail,
            std::vector<std::string>{"a+b@a.example"});
  std::string many = "v=TLSRPTv1; rua=mailto:x@a.example";
  for (int i = 0; i < 20; ++i) many += ",mailto:x@a.example";
  EXPECT_EQ(parse_tls_report_record(many)->mail.size(), tls_report_addresses_max);
  for (const auto* text : {"v=TLSRPTv1", "v=TLSRPTv1;", "v=TLSRPTv2; rua=mailto:a@b.example", "v=TLSRPTv1; rua=http://a.example/",
                           "v=TLSRPTv1; rua=mailto:nobody", "v=TLSRPTv1; rua=mailto:%zz@a.example"}) {
    EXPECT_FALSE(parse_tls_report_record(text)) << text;
  }
}

}  // namespace
}  // namespace postern::policy
