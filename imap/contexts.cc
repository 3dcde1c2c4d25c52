// SPDX-License-Identifier: Apache-2.0
// Testing changed messages again, and the places of results.
#include "imap/contexts.h"

#include <algorithm>
#include <unordered_set>

#include "base/ascii.h"
#include "imap/limits.h"
#include "imap/searcher.h"
#include "imap/session.h"

namespace postern::imap {
namespace {

/// More new members of a sorted result than this at once: all is sorted anew.
constexpr std::size_t most_insertions = 32;

/// "* ESEARCH (TAG "a") UID ADDTO (1 7 2 9)": RFC 5267 §4.3, in as many responses as its length asks for.
class Announcement {
 public:
  Announcement(Session& session, const Context& context, std::string_view what, const store::Snapshot& picture)
      : session_(session), context_(context), what_(what), picture_(picture) {}
  ~Announcement() { end(); }
  Announcement(const Announcement&) = delete;
  Announcement& operator=(const Announcement&) = delete;

  /// Position 0: in the order of the mailbox; then messages gather into one set.
  void add(std::size_t position, store::Uid uid) {
    const auto index = picture_.index_of(uid);
    if (!index) return;
    const auto number = context_.numbering == Numbering::uid ? uid : static_cast<std::uint32_t>(*index + 1);
    if (position == 0) {
      set_.add(number);
      if (set_.ranges().size() == limits::context_members) end();
      return;
    }
    start();
    fmt::format_to(std::back_inserter(session_.out()), "{}{} {}", count_ == 0 ? "" : " ", position, number);
    if (++count_ == limits::context_members) end();
  }

 private:
  void start() {
    if (count_ != 0) return;
    auto& out = session_.out();
    out.append("* ESEARCH (TAG ");
    append_string(out, context_.tag);
    out.append(context_.numbering == Numbering::uid ? ") UID " : ") ").append(what_).append(" (");
  }
  void end() {
    if (!set_.empty()) {
      start();
      session_.out().append("0 ").append(set_.to_string());
      set_ = {};
      ++count_;
    }
    if (count_ != 0) session_.out().append(")\r\n");
    count_ = 0;
  }

  Session& session_;
  const Context& context_;
  const std::string_view what_;
  const store::Snapshot& picture_;
  store::UidSet set_;  ///< numbers for position 0
  std::size_t count_ = 0;
};

/// Takes those members out that `goes` says, and announces each.
template <class Goes>
void take_out(Session& session, Context& context, const store::Snapshot& picture, Goes goes) {
  Announcement told(session, context, "REMOVEFROM", picture);
  std::size_t kept = 0;
  for (const auto uid : context.members) {
    if (goes(uid)) {
      told.add(context.order.empty() ? 0 : kept + 1, uid);
    } else {
      context.members[kept++] = uid;
    }
  }
  context.members.resize(kept);
}

}  // namespace

bool can_be_updated(const SearchProgram& program) {
  return std::ranges::none_of(program.keys, [](const SearchKey& key) {
    const bool moves = key.kind == SearchKey::Kind::set && (key.set.is_saved() || key.numbering == Numbering::sequence);
    return moves || key.kind == SearchKey::Kind::older || key.kind == SearchKey::Kind::younger;
  });
}

bool Contexts::has(std::string_view tag) const { return std::ranges::find(contexts_, tag, &Context::tag) != contexts_.end(); }

bool Contexts::add(Context context) {
  std::size_t members = context.members.size();
  for (const auto& one : contexts_) members += one.members.size();
  if (contexts_.size() >= limits::contexts || members > limits::context_uids) return false;
  contexts_.push_back(std::move(context));
  return true;
}

bool Contexts::cancel(std::string_view tag) {
  return std::erase_if(contexts_, [tag](const Context& one) { return one.tag == tag; }) != 0;
}

void Contexts::note(const std::vector<store::Row>& changed, store::Uid first_added) {
  if (contexts_.empty()) return;
  for (const auto& row : changed) noted_.rows.add(row.uid);
  auto& first = noted_.first_added;
  if (first_added != 0 && (first == 0 || first_added < first)) first = first_added;
}

// RFC 5267 §4.3.3: before EXPUNGE, while the numbers are those that the client knows
void Contexts::tell_vanished(Session& session, const store::UidSet& vanished, const store::Snapshot& picture) {
  if (vanished.empty()) return;
  for (auto& context : contexts_) {
    take_out(session, context, picture, [&](store::Uid uid) { return vanished.contains(uid); });
  }
}

async::Task<std::vector<WantedFetch>> Contexts::tell(Session& session) {
  const auto& picture = session.view().snapshot();
  std::vector<WantedFetch> wanted;
  auto noted = std::exchange(noted_, {});
  const auto first = noted.first_added;
  if (first != 0 && first < picture.uidnext) noted.rows.add(store::UidRange{first, picture.uidnext - 1});
  if (noted.rows.empty()) co_return wanted;
  for (std::size_t i = 0; i < contexts_.size();) {
    const auto updated = co_await update(session, contexts_[i], noted, wanted);
    co_await session.flush_if_full();
    if (updated) {
      ++i;
      continue;
    }
    session.tell_no_update(contexts_[i].tag, "The result cannot be kept up to date any more");
    contexts_.erase(contexts_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  co_return wanted;
}

/// Tests these rows again.
async::Task<Result<>> Contexts::update(Session& session, Context& context, const Noted& noted, std::vector<WantedFetch>& wanted) {
  const auto& rows = noted.rows;
  const auto& picture = session.view().snapshot();
  IndexRanges tested;
  for (const auto& range : rows.ranges()) {
    const auto begin = picture.lower_bound(range.lo);
    const auto end = range.hi == UINT32_MAX ? picture.size() : picture.lower_bound(range.hi + 1);
    if (begin < end) tested.push_back({begin, end});
  }
  Searcher searcher(session, context.program);
  const auto found = co_await searcher.run(tested);
  if (!found) co_return std::unexpected(found.error());
  store::UidSet matches;
  for (const auto index : *found) matches.add(picture.row(index).uid);
  take_out(session, context, picture, [&](store::Uid uid) { return rows.contains(uid) && !matches.contains(uid); });
  const std::unordered_set<store::Uid> known(context.members.begin(), context.members.end());
  std::vector<std::size_t> fresh;
  std::ranges::copy_if(*found, std::back_inserter(fresh),
                       [&](std::size_t index) { return !known.contains(picture.row(index).uid); });
  if (fresh.empty()) co_return Result<>();
  if (const auto& fetch = context.program.returns.update_fetch) {
    // RFC 5465 §7: not for what came into the result by its flags
    WantedFetch want{{}, *fetch};
    for (const auto index : fresh) {
      if (const auto uid = picture.row(index).uid; noted.is_new(uid)) want.uids.add(uid);
    }
    if (!want.uids.empty()) wanted.push_back(std::move(want));
  }
  if (!context.order.empty()) co_return co_await insert(session, context, std::move(fresh));
  Announcement told(session, context, "ADDTO", picture);
  for (const auto index : fresh) {
    context.members.push_back(picture.row(index).uid);
    told.add(0, context.members.back());
  }
  if (!std::ranges::is_sorted(context.members)) std::ranges::sort(context.members);
  co_return Result<>();
}

/// New members of a sorted result. A few are put in one by one, each compared with a few of those that are there; many are sorted
/// together with all. A member that is gone from the store, and not yet from the picture, cannot be compared: it leaves the
/// result at once, for it would leave it soon.
async::Task<Result<>> Contexts::insert(Session& session, Context& context, std::vector<std::size_t> rows) {
  if (rows.size() > most_insertions) co_return co_await insert_all(session, context, std::move(rows));
  for (const auto row : rows) {
    if (const auto done = co_await insert_one(session, context, row); !done) co_return done;
  }
  co_return Result<>();
}

async::Task<Result<>> Contexts::insert_all(Session& session, Context& context, std::vector<std::size_t> rows) {
  const auto& picture = session.view().snapshot();
  const auto fresh = std::unordered_set<std::size_t>(rows.begin(), rows.end());
  for (const auto uid : context.members) {
    if (const auto index = picture.index_of(uid)) rows.push_back(*index);
  }
  std::ranges::sort(rows);
  Sorter sorter(session, context.order);
  const auto sorted = co_await sorter.run(std::move(rows));
  if (!sorted) co_return std::unexpected(sorted.error());
  std::unordered_set<store::Uid> there;
  for (const auto index : *sorted) there.insert(picture.row(index).uid);
  take_out(session, context, picture, [&](store::Uid uid) { return !there.contains(uid); });
  Announcement told(session, context, "ADDTO", picture);
  context.members.clear();
  for (const auto index : *sorted) {
    context.members.push_back(picture.row(index).uid);
    if (fresh.contains(index)) told.add(context.members.size(), context.members.back());
  }
  co_return Result<>();
}

async::Task<Result<>> Contexts::insert_one(Session& session, Context& context, std::size_t row) {
  const auto& picture = session.view().snapshot();
  auto& members = context.members;
  std::size_t low = 0, high = members.size();
  while (low < high) {
    const auto middle = (low + high) / 2;
    const auto pivot = picture.index_of(members[middle]);
    if (!pivot) co_return fail(ErrorKind::conflict, "a member is not in the picture");
    Sorter sorter(session, context.order);
    const auto sorted = co_await sorter.run({std::min(*pivot, row), std::max(*pivot, row)});
    if (!sorted) co_return std::unexpected(sorted.error());
    if (std::ranges::find(*sorted, row) == sorted->end()) co_return Result<>();  // gone itself
    if (sorted->size() < 2) {
      take_out(session, context, picture, [gone = members[middle]](store::Uid uid) { return uid == gone; });
      --high;
    } else if (sorted->front() == row) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  members.insert(members.begin() + static_cast<std::ptrdiff_t>(low), picture.row(row).uid);
  Announcement(session, context, "ADDTO", picture).add(low + 1, picture.row(row).uid);
  co_return Result<>();
}

}  // namespace postern::imap
