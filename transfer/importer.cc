// SPDX-License-Identifier: Apache-2.0
#include "transfer/importer.h"

#include <algorithm>

#include "base/ascii.h"
#include "store/mailbox_name.h"

namespace postern::transfer {

namespace {

constexpr std::size_t max_keyword_octets = 100;

std::string mebibytes(std::uint64_t bytes) { return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024 * 1024)); }

void add_up(FolderReport& total, const FolderReport& one) {
  total.found += one.found;
  total.added += one.added;
  total.known += one.known;
  total.failed += one.failed;
  total.bytes += one.bytes;
}

std::uint64_t room(std::uint64_t used, std::uint64_t limit) { return limit > used ? limit - used : 0; }

Progress::Plan plan_of(const std::vector<SourceFolder>& folders) {
  Progress::Plan plan;
  bool counted = true;
  for (const auto& folder : folders) {
    plan.messages += folder.messages;
    plan.bytes += folder.bytes;
    counted = counted && (folder.messages > 0 || folder.bytes == 0);
  }
  if (!counted) plan.messages = 0;
  return plan;
}

/// True when the source is larger than the room that is left, or its size is not known.
bool may_be_short(const store::Quota& quota, const Progress::Plan& plan) {
  const auto beyond = [](std::uint64_t size, std::uint64_t used, std::uint64_t limit) {
    return limit != 0 && (size == 0 || size > room(used, limit));
  };
  return beyond(plan.bytes, quota.used_bytes, quota.limit_bytes) ||
         beyond(plan.messages, quota.used_messages, quota.limit_messages);
}

}  // namespace

bool is_keyword(std::string_view text) {
  constexpr std::string_view specials = "(){%*\"\\]";
  if (text.empty() || text.size() > max_keyword_octets) return false;
  return std::ranges::all_of(text, [&](char c) { return ascii::is_vchar(c) && specials.find(c) == std::string_view::npos; });
}

void Importer::add_note(Note note) {
  if (report_.notes.size() < max_listed) report_.notes.push_back(std::move(note));
}

void Importer::fail_message(const Candidate& candidate, std::string why) {
  ++folder_.failed;
  if (report_.failures.size() < max_listed) report_.failures.push_back({candidate.label, std::move(why)});
}

Task<ImportReport> Importer::run() {
  const auto done = co_await run_all();
  if (!done) report_.error = done.error();
  for (auto& note : source_.take_notes()) add_note(std::move(note));
  co_return std::move(report_);
}

Task<Result<>> Importer::run_all() {
  auto folders = co_await source_.folders();
  if (!folders) co_return std::unexpected(folders.error());
  const auto plan = plan_of(*folders);
  const auto targets = plan_targets(*std::move(folders), options_.into);
  const bool dry = options_.run == ImportOptions::Run::dry;
  if (!dry && options_.quota == ImportOptions::Quota::respected) {
    const auto quota = co_await box_.quota();
    if (!quota) co_return std::unexpected(quota.error());
    if (may_be_short(*quota, plan)) {
      // It may be that most of it came in before: count what is new.
      for (const auto& target : targets) {
        if (auto looked = co_await walk(target, Look::count); !looked) co_return looked;
      }
      if (auto fits = co_await check_quota(*quota); !fits) co_return fits;
    }
  }
  progress_.plan(plan);
  for (const auto& target : targets) {
    if (report_.stopped) break;
    auto walked = co_await walk(target, dry ? Look::count : Look::import);
    end_folder();
    if (!walked) co_return walked;
  }
  if (dry || report_.stopped) co_return Result<>();
  co_return co_await subscribe(targets);
}

/// folder_ holds the sums of what is new.
Task<Result<>> Importer::check_quota(const store::Quota& quota) {
  const FolderReport fresh = std::exchange(folder_, {});
  const bool bytes = quota.limit_bytes != 0 && fresh.bytes > room(quota.used_bytes, quota.limit_bytes);
  const bool count = quota.limit_messages != 0 && fresh.added > room(quota.used_messages, quota.limit_messages);
  if (!bytes && !count) co_return Result<>();
  const auto login = co_await box_.login();
  const std::string who = login ? *login : "the account";
  std::string text = bytes ? fmt::format("{} has room for {}, and {} are new", who,
                                         mebibytes(room(quota.used_bytes, quota.limit_bytes)), mebibytes(fresh.bytes))
                           : fmt::format("{} has room for {} messages, and {} are new", who,
                                         room(quota.used_messages, quota.limit_messages), fresh.added);
  text += fmt::format("; nothing was imported. Give more room (postern account set {} {}) or say --ignore-quota", who,
                      bytes ? "--quota SIZE" : "--quota-messages N");
  co_return fail(ErrorKind::over_quota, text);
}

void Importer::end_folder() {
  add_up(report_.total, folder_);
  report_.folders.push_back(std::exchange(folder_, {}));
}

/// A folder that cannot be read does not keep the others out.
Result<> Importer::fail_folder(const Target& target, const Error& error) {
  if (is_temporary(error.kind) && error.kind != ErrorKind::io) return std::unexpected(error);
  ++folder_.failed;
  if (report_.failures.size() < max_listed) report_.failures.push_back({target.source.name, error.text});
  return {};
}

Task<Result<>> Importer::make_mailbox(const Target& target) {
  const auto made = co_await box_.make(target.mailbox);
  if (!made) co_return std::unexpected(made.error());
  batch_.mailbox = made->id;
  keywords_.clear();
  for (const auto& keyword : made->keywords) {
    if (!keyword.empty()) keywords_.insert(ascii::lower(std::string_view(keyword)));
  }
  if (target.mailbox != target.source.name && options_.into.empty() && target.use == store::SpecialUse::none)
    add_note({target.source.name, "is called " + target.mailbox + " here"});
  co_return Result<>();
}

Task<Result<>> Importer::walk(const Target& target, Look look) {
  folder_.source = target.source.name;
  folder_.mailbox = target.mailbox;
  if (look == Look::import) {
    if (auto made = co_await make_mailbox(target); !made) co_return made;
  }
  const KeyMaker keys(source_.kind(), target.source.identity, target.mailbox);
  if (auto opened = co_await source_.open(target.source, keys); !opened) co_return fail_folder(target, opened.error());
  while (!report_.stopped) {
    const auto chunk = co_await source_.next();
    if (!chunk) {
      if (auto failed = fail_folder(target, chunk.error()); !failed) co_return failed;
      break;
    }
    if (chunk->empty()) break;
    if (auto worked = co_await work_on(*chunk, look); !worked) co_return worked;
    report_.stopped = report_.stopped || progress_.stop();
  }
  if (auto sent = co_await send_batch(); !sent) co_return sent;
  co_return co_await settle();
}

/// Asks the journal, and takes what it does not know.
Task<Result<>> Importer::work_on(const std::vector<Candidate>& chunk, Look look) {
  std::vector<std::string> names;
  for (const auto& candidate : chunk) names.push_back(candidate.key);
  if (auto settled = co_await settle(); !settled) co_return settled;
  const auto known = co_await box_.known(std::move(names));
  if (!known) co_return std::unexpected(known.error());
  std::vector<std::size_t> wanted;
  Progress::Step step{.folder = folder_.mailbox};
  folder_.found += chunk.size();
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    if (!(*known)[i]) {
      wanted.push_back(i);
      continue;
    }
    ++folder_.known;
    ++step.messages;
    step.bytes += chunk[i].size;
  }
  if (look == Look::import) {
    if (step.messages > 0) progress_.step(step);
    co_return co_await take_wanted(chunk, wanted);
  }
  for (const auto index : wanted) folder_.bytes += chunk[index].size;
  folder_.added += wanted.size();
  co_return Result<>();
}

Task<Result<>> Importer::take_wanted(const std::vector<Candidate>& chunk, const std::vector<std::size_t>& wanted) {
  source_.want(wanted);
  for (;;) {
    Intake intake(box_.spool());
    auto taken = co_await source_.take(intake);
    if (!taken) co_return std::unexpected(taken.error());
    if (!*taken) co_return Result<>();
    const auto& candidate = chunk[(*taken)->candidate];
    progress_.step({folder_.mailbox, 1, candidate.size});
    if (auto added = co_await add(candidate, *std::move(*taken), intake); !added) co_return added;
    if (!progress_.stop()) continue;
    report_.stopped = true;
    co_return Result<>();
  }
}

Task<Result<>> Importer::add(const Candidate& candidate, Taken taken, Intake& intake) {
  if (!taken.trouble.empty()) {
    fail_message(candidate, std::move(taken.trouble));
    co_return Result<>();
  }
  auto message = intake.finish();
  if (!message) {
    if (is_temporary(message.error().kind)) co_return std::unexpected(message.error());
    fail_message(candidate, message.error().text);
    co_return Result<>();
  }
  if (intake.had_nul()) add_note({candidate.label, "held NUL octets, which are 0x80 now: no mail program could have read it"});
  keep_keywords(candidate, taken.marks.keywords);
  message->flags = taken.marks.flags;
  if (options_.seen == ImportOptions::Seen::all) message->flags |= store::flag::seen;
  message->keywords = std::move(taken.marks.keywords);
  message->internal_date = taken.marks.internal_date;
  message->import = store::ImportMark{candidate.key, options_.quota == ImportOptions::Quota::ignored};
  batch_.octets += message->body->size();
  batch_.messages.push_back(*std::move(message));
  if (batch_.messages.size() < batch_messages && batch_.octets < batch_octets) co_return Result<>();
  co_return co_await send_batch();
}

/// Leaves out what is no keyword, what is there twice, and what would be the 56th of the mailbox.
void Importer::keep_keywords(const Candidate& candidate, std::vector<std::string>& keywords) {
  std::set<std::string> mine;
  std::erase_if(keywords, [&](const std::string& keyword) {
    const std::string name = ascii::lower(std::string_view(keyword));
    if (!is_keyword(keyword)) {
      if (told_.insert(name).second) add_note({candidate.label, "has a keyword that is no IMAP keyword; it is left out"});
      return true;
    }
    if (!mine.insert(name).second) return true;
    if (keywords_.contains(name)) return false;
    if (keywords_.size() < store::flag::max_keywords) {
      keywords_.insert(name);
      return false;
    }
    if (told_.insert(folder_.mailbox + '/' + name).second)
      add_note({folder_.mailbox, "has 55 keywords, the most a mailbox can have; " + keyword + " is left out"});
    return true;
  });
}

Task<Result<>> Importer::send_batch() {
  if (batch_.messages.empty()) co_return Result<>();
  if (auto settled = co_await settle(); !settled) co_return settled;
  const auto count = batch_.messages.size();
  const auto octets = batch_.octets;
  auto messages = std::exchange(batch_.messages, {});
  batch_.octets = 0;
  if (auto sent = co_await box_.append(batch_.mailbox, std::move(messages)); !sent) co_return sent;
  on_its_way_ = count;
  octets_on_its_way_ = octets;
  co_return Result<>();
}

Task<Result<>> Importer::settle() {
  if (on_its_way_ == 0) co_return Result<>();
  const auto sent = std::exchange(on_its_way_, 0);
  const auto added = co_await box_.outcome();
  if (!added) co_return std::unexpected(added.error());
  folder_.added += *added;
  folder_.bytes += octets_on_its_way_;
  folder_.known += sent - std::min<std::uint64_t>(sent, *added);
  co_return Result<>();
}

Task<Result<>> Importer::subscribe(const std::vector<Target>& targets) {
  const auto names = co_await source_.subscriptions();
  if (!names) co_return std::unexpected(names.error());
  std::map<std::string_view, std::string_view> places;
  for (const auto& target : targets) places.emplace(target.source.name, target.mailbox);
  for (const auto& name : *names) {
    const auto place = places.find(name);
    std::string mailbox;
    if (place != places.end())
      mailbox = place->second;
    else
      mailbox = mend_name(options_.into.empty() ? name : options_.into + store::hierarchy_separator + name);
    const auto subscribed = co_await box_.subscribe(mailbox);
    if (subscribed)
      ++report_.subscriptions;
    else if (is_temporary(subscribed.error().kind))
      co_return subscribed;
    else
      add_note({name, "is not subscribed: " + subscribed.error().text});
  }
  co_return Result<>();
}

}  // namespace postern::transfer
