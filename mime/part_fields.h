// SPDX-License-Identifier: Apache-2.0
// Reads the Content-* fields of one header block into a Part. The first field of a name counts; a second one is flagged
// (security.md D36). Internal to mime: part.cc uses it.
#pragma once

#include <string_view>

#include "mime/part.h"

namespace postern::mime {

/// What a part is when its header does not say (RFC 2046 §5.1.5).
enum class DefaultType : bool { text_plain, message_rfc822 };

/// Fills type, encoding, id, description, md5, location, disposition, languages and flags. With part_is_message set in
/// part.flags the envelope, too.
void read_part_fields(std::string_view block, DefaultType fallback, Part& part);

}  // namespace postern::mime
