// SPDX-License-Identifier: Apache-2.0
// IMAP BODY and BODYSTRUCTURE text from the part tree (RFC 3501 §7.4.2, RFC 9051 §7.5.2).
// Always valid grammar: a multipart without parts gets an empty text part, an opaque part is application/octet-stream.
#pragma once

#include <string>

#include "mime/part.h"

namespace postern::mime {

/// BODY is the basic form; BODYSTRUCTURE the one with extension data.
enum class Structure : bool { basic, extended };

/// Iterative; the tree must satisfy is_tree().
std::string imap_bodystructure(const PartTree& tree, Structure form);

}  // namespace postern::mime
