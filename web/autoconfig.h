// SPDX-License-Identifier: Apache-2.0
// Thunderbird's autoconfiguration: /mail/config-v1.1.xml and /.well-known/autoconfig/mail/config-v1.1.xml tell a mail program
// how to reach us when a user types an address (Mozilla's format, version 1.1).
#pragma once

#include <string>
#include <string_view>

#include "auth/directory.h"
#include "config/live.h"
#include "http/message.h"
#include "mail/domain.h"

namespace postern::web {

/// The document for an address of one of our domains. Services that do not listen are left out.
/// `domain` is one of ours, in A-labels.
std::string autoconfig_xml(const config::Config& config, std::string_view domain);

/// The domain that a request is about: of `emailaddress=` in the query, else what follows "autoconfig." in Host.
/// Error invalid when there is neither.
Result<mail::Domain> autoconfig_domain(const http::Request& request);

/// The page. 404 for domains that are not ours.
async::Task<http::Response> autoconfig(const config::Live& config, const auth::Directory& directory,
                                       const http::Request& request);

}  // namespace postern::web
