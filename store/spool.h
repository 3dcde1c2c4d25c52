// SPDX-License-Identifier: Apache-2.0
// The Spool that both implementations hand out: memory up to Spool::memory_limit, then an unnamed file in `folder`.
#pragma once

#include <filesystem>
#include <memory>

#include "store/body.h"

namespace postern::store {

/// `folder` must exist when a body grows over the limit; the file has mode 0600 and no name (O_TMPFILE).
std::unique_ptr<Spool> make_spool(std::filesystem::path folder);

}  // namespace postern::store
