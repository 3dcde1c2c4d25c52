// SPDX-License-Identifier: Apache-2.0
// Odd names in a header block (mail/script.h): the display names and addresses of its authors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

/// One text for each finding in From, Sender and Reply-To, at most a few: "From: the name mixes Latin and Cyrillic in one word".
std::vector<std::string> odd_names(std::string_view header);

}  // namespace postern::mime
