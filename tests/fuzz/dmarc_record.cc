// SPDX-License-Identifier: Apache-2.0
// DMARC: records of strangers at every name of a tree; the walk is bounded, and a pass is never wished away.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "async/executor.h"
#include "policy/dmarc.h"

using namespace postern;
using namespace postern::policy;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// The lines of the input are the records, from the longest name up.
class Tree final : public dns::Resolver {
 public:
  explicit Tree(std::string_view text) : text_(text) {}
  async::Task<dns::RawAnswer> query(std::string name, dns::Type type) override {
    ++queries;
    dns::RawAnswer out;
    out.status = dns::Status::nxdomain;
    if (type != dns::Type::txt) co_return out;
    auto rest = text_;
    for (std::size_t dots = static_cast<std::size_t>(std::ranges::count(name, '.')); dots > 1 && !rest.empty(); --dots) {
      rest.remove_prefix(std::min(rest.size(), std::min(rest.find('\n'), rest.size()) + 1));
    }
    const auto line = rest.substr(0, std::min<std::size_t>(rest.find('\n'), 255));
    if (line.empty()) co_return out;
    out.status = dns::Status::ok;
    out.records.push_back(static_cast<char>(line.size()) + std::string(line));
    co_return out;
  }
  std::size_t queries = 0;

 private:
  std::string_view text_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto record = parse_dmarc_record(text)) {
    require(record->percent <= 100 && record->reports.size() <= report_addresses_max);
  }
  for (const auto by : {OrganizationBy::tree_walk, OrganizationBy::public_suffix}) {
    Tree tree(text);
    DmarcCheck check(tree);
    DmarcQuestion question;
    question.author = "a.b.c.example.org";
    question.spf = "x.c.example.org";
    question.dkim = {"example.org", "other.test"};
    question.by = by;
    const auto result = async::run_alone(check.check(question));
    require(tree.queries <= 4 * tree_walk_max);
    require(result.code != DmarcCode::pass || result.wished == DmarcPolicy::none);
    require(result.code == DmarcCode::none || !result.found_at.empty());
  }
  return 0;
}
