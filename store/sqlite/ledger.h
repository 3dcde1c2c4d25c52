// SPDX-License-Identifier: Apache-2.0
// Opens state.db (store/ledger.h) in a data folder whose lock the caller holds through the open store. Never fails: what is
// wrong with the file is logged, and the ledger starts empty.
#pragma once

#include <filesystem>
#include <memory>

#include "store/ledger.h"
#include "store/sqlite/open.h"

namespace postern::store::sqlite {

std::unique_ptr<Ledger> open_ledger(const std::filesystem::path& folder, const Surroundings& around);

}  // namespace postern::store::sqlite
