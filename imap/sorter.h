// SPDX-License-Identifier: Apache-2.0
// Sorter: puts the result of a search into the order that SORT asks for (RFC 5256 §3, RFC 5957 §3). Keys are taken from the
// snapshot and the cached envelopes once, in one flat table; comparing is in the form of mime::casemap. Suspends between pages
// and between runs of the sort.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "imap/info_pages.h"

namespace postern::imap {

enum class SortKey : std::uint8_t { arrival, cc, date, from, size, subject, to, display_from, display_to };
struct SortCriterion {
  SortKey key = SortKey::arrival;
  bool reverse = false;
  bool operator==(const SortCriterion&) const = default;
};

/// "(" sort-criterion *(SP sort-criterion) ")". Faults go to the parser.
std::vector<SortCriterion> parse_sort_criteria(Parser& in);

class Sorter {
 public:
  Sorter(Session& session, std::vector<SortCriterion> criteria);

  /// The matches in order; what is gone meanwhile is left out. Errors: limit (too many octets of keys), closed, io, corrupt.
  async::Task<Result<std::vector<std::size_t>>> run(std::vector<std::size_t> matches);

 private:
  /// A number, or a piece of texts_.
  struct Value {
    std::int64_t number = 0;
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  bool needs_envelope() const;
  async::Task<Result<>> read(const std::vector<std::size_t>& matches);
  /// The keys of one page; the outcome is left in `done`.
  async::Task<> read_page(InfoPages& pages, Result<>& done);
  async::Task<Result<>> read_entry(InfoPages& pages, const InfoPages::Entry& entry);
  void add_row(std::size_t index, const store::MessageInfo& info, const Envelope* envelope);
  Value text(std::string_view comparable);
  std::string_view text(const Value& value) const { return std::string_view(texts_).substr(value.begin, value.size); }
  bool before(std::uint32_t a, std::uint32_t b) const;

  Session& session_;
  const std::vector<SortCriterion> criteria_;
  std::vector<std::size_t> rows_;  ///< indexes of rows, beside the groups of values_
  std::vector<Value> values_;      ///< criteria_.size() for each row
  std::string texts_;
};

}  // namespace postern::imap
