// SPDX-License-Identifier: Apache-2.0
// The checks of all rules: pure functions from evidence to a Finding. Their order and refusals are in policy/judge.cc.
#pragma once

#include "policy/evidence.h"
#include "policy/facts.h"
#include "policy/rule.h"

namespace postern::policy {

// connect (checks_client.cc)
Finding check_reverse_name(const ConnectEvidence& evidence);
Finding check_dnsbl(const ConnectEvidence& evidence);
Finding check_dnswl(const ConnectEvidence& evidence);
// helo
Finding check_helo_syntax(const HeloEvidence& evidence);
Finding check_helo_own_name(const HeloEvidence& evidence);
Finding check_helo_literal(const HeloEvidence& evidence);
Finding check_helo_resolves(const HeloEvidence& evidence);
// mail
Finding check_sender_domain(const MailEvidence& evidence);
Finding check_sender_null_mx(const MailEvidence& evidence);
// rcpt (checks_recipient.cc)
Finding check_own_block(const RcptEvidence& evidence);
Finding check_rate_address(const RcptEvidence& evidence);
Finding check_rate_network(const RcptEvidence& evidence);
Finding check_rate_sender_domain(const RcptEvidence& evidence);
Finding check_rate_recipient(const RcptEvidence& evidence);
Finding check_greylist(const RcptEvidence& evidence);
// header (checks_header.cc)
Finding check_hops(const Facts& facts);
Finding check_loop(const Facts& facts);
Finding check_single_from(const Facts& facts);
Finding check_null_sender(const Facts& facts);
Finding check_odd_names(const Facts& facts);
Finding check_forged_results(const Facts& facts);
// message (checks_message.cc); the evidence has an authentication
Finding check_spf_fail(const MessageEvidence& evidence);
Finding check_spf_softfail(const MessageEvidence& evidence);
Finding check_dkim(const MessageEvidence& evidence);
Finding check_arc(const MessageEvidence& evidence);
Finding check_dmarc_reject(const MessageEvidence& evidence);
Finding check_dmarc_quarantine(const MessageEvidence& evidence);
Finding check_dmarc_author(const MessageEvidence& evidence);
// message: claims to be ours (checks_spoof.cc)
Finding check_spoofed_sender(const SpoofEvidence& evidence);
Finding check_spoofed_author(const SpoofEvidence& evidence);
Finding check_spoofed_name(const SpoofEvidence& evidence);

/// The address in "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3); nothing when the text is none.
std::optional<IpAddress> literal_of(std::string_view text);

}  // namespace postern::policy
