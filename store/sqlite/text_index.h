// SPDX-License-Identifier: Apache-2.0
// TextIndex: what the admin and the tests see of the text store: its figures, and a way to have its work done now.
#pragma once

#include <cstdint>

#include "store/store.h"

namespace postern::store::sqlite {

struct TextFigures {
  std::uint64_t messages = 0;  ///< bodies whose text is kept, summed over accounts
  std::uint64_t waiting = 0;   ///< known to lack it; they are decoded when a search meets them
  std::uint64_t bytes = 0;     ///< of the files, holes not counted
};

/// Thread-safe.
class TextIndex {
 public:
  virtual ~TextIndex() = default;
  virtual TextFigures figures() const = 0;
  /// Compares every account with its file and does all that is to be done: indexes what is missing, takes out what has left.
  /// Errors: unavailable (the store closes), no_space, io.
  virtual Task<Result<>> settle() = 0;
  /// No indexing until resume() was called as often; searches go on.
  virtual void pause() = 0;
  virtual void resume() = 0;
};

}  // namespace postern::store::sqlite
