// SPDX-License-Identifier: Apache-2.0
// store.*: look inside the store, audit it, compact it (store/upkeep.h). Audit and compaction are jobs: store.start begins one,
// store.job tells how far it is, so that no answer has to be waited for.
#include <boost/json/array.hpp>

#include "admin/commands.h"
#include "admin/json.h"
#include "store/upkeep.h"

namespace postern::admin {

namespace json = boost::json;

namespace {

using store::JobOrder;
using store::JobState;

Result<store::Upkeep*> upkeep_of(const Context& context) {
  if (auto* upkeep = context.store.upkeep()) return upkeep;
  return fail(ErrorKind::unsupported, "this store keeps nothing on a disk");
}

std::string_view word(JobState::Phase phase) {
  switch (phase) {
    case JobState::Phase::waiting: return "waiting";
    case JobState::Phase::running: return "running";
    case JobState::Phase::done: return "done";
    case JobState::Phase::failed: return "failed";
    case JobState::Phase::stopped: return "stopped";
  }
  return "stopped";
}

std::string_view word(store::SegmentInfo::State state) {
  switch (state) {
    case store::SegmentInfo::State::active: return "active";
    case store::SegmentInfo::State::sealed: return "sealed";
    case store::SegmentInfo::State::retired: return "retired";
  }
  return "sealed";
}

json::array describe(const std::vector<store::SegmentInfo>& segments) {
  json::array out;
  for (const auto& one : segments) {
    out.push_back(json::object{{"id", one.id},
                               {"kind", one.single ? "one body" : "many bodies"},
                               {"state", word(one.state)},
                               {"bytes", one.bytes},
                               {"dead", one.dead},
                               {"bodies", one.bodies},
                               {"verified", one.verified},
                               {"pinned_until", one.pinned_until}});
  }
  return out;
}

json::object describe(const store::StoreInfo& info, UnixTime now) {
  return {{"now", now},
          {"folder", info.folder},
          {"schema", info.schema},
          {"accounts", info.accounts},
          {"mailboxes", info.mailboxes},
          {"messages", info.messages},
          {"message_bytes", info.message_bytes},
          {"queue", info.queue},
          {"undelete_messages", info.undelete_messages},
          {"undelete_bytes", info.undelete_bytes},
          {"index_bytes", info.index_bytes},
          {"log_bytes", info.log_bytes},
          {"credentials_bytes", info.credentials_bytes},
          {"text_kept", info.text_kept},
          {"text_messages", info.text_messages},
          {"text_waiting", info.text_waiting},
          {"text_bytes", info.text_bytes},
          {"segment_files", info.segment_files},
          {"segment_bytes", info.segment_bytes},
          {"dead_bytes", info.dead_bytes},
          {"free_bytes", info.free_bytes},
          {"ballast_bytes", info.ballast_bytes},
          {"refusing_mail", info.refusing},
          {"last_audit", info.last_audit},
          {"last_audit_findings", info.last_audit_findings},
          {"next_audit", info.next_audit},
          {"segments", describe(info.segments)}};
}

json::object describe(const JobState& job, UnixTime now) {
  json::array findings;
  for (const auto& one : job.findings)
    findings.push_back(json::object{{"check", one.check}, {"finding", one.text}, {"repaired", one.repaired}});
  const std::uint64_t count = job.findings.size() + job.more_findings;
  return {{"job", job.id},
          {"phase", word(job.phase)},
          {"ended", job.ended_now()},
          {"stage", job.stage},
          {"done", job.done},
          {"total", job.total},
          {"seconds", job.started == 0 ? 0 : (job.ended == 0 ? now : job.ended) - job.started},
          {"error", job.error},
          {"findings", std::move(findings)},
          {"findings_count", count},
          {"repaired", job.repaired},
          {"left", count - job.repaired},
          {"bodies_read", job.bodies_read},
          {"bytes_read", job.bytes_read},
          {"segments", job.segments_done},
          {"bytes_reclaimed", job.bytes_reclaimed}};
}

Result<JobOrder> read_order(const Arguments& arguments) {
  JobOrder order;
  const std::string what = optional_text(arguments, "what");
  if (what != "audit" && what != "compact") return fail(ErrorKind::invalid, "what must be \"audit\" or \"compact\"");
  order.kind = what == "audit" ? JobOrder::Kind::audit : JobOrder::Kind::compact;
  const auto segment = optional_number(arguments, "segment");
  if (!segment) return std::unexpected(segment.error());
  order.segment = segment->value_or(0);
  order.bodies = optional_flag(arguments, "bodies").value_or(false);
  order.repair = optional_flag(arguments, "repair").value_or(true);
  order.all = optional_flag(arguments, "all").value_or(false);
  return order;
}

Result<store::DumpOrder> read_dump(const Arguments& arguments) {
  store::DumpOrder order;
  order.account = optional_text(arguments, "account");
  for (const auto& [name, most] :
       {std::pair{"mailbox", UINT64_C(0x7fffffff)}, std::pair{"uid", UINT64_C(0xffffffff)}, std::pair{"segment", UINT64_MAX},
        std::pair{"offset", UINT64_MAX}, std::pair{"most", UINT64_C(1'000'000)}}) {
    const auto number = optional_number(arguments, name);
    if (!number) return std::unexpected(number.error());
    if (!*number) continue;
    if (**number > most) return fail(ErrorKind::invalid, fmt::format("{} is larger than any", name));
    const std::string_view field = name;
    if (field == "mailbox") order.mailbox = static_cast<store::MailboxId>(**number);
    if (field == "uid") order.uid = static_cast<store::Uid>(**number);
    if (field == "segment") order.segment = **number;
    if (field == "offset") order.offset = **number;
    if (field == "most") order.most = **number;
  }
  return order;
}

}  // namespace

namespace commands_of {

async::Task<Answer> store_info(Context context, Arguments) {
  const auto upkeep = upkeep_of(context);
  if (!upkeep) co_return std::unexpected(upkeep.error());
  auto info = co_await (*upkeep)->look();
  if (!info) co_return std::unexpected(info.error());
  co_return describe(*info, context.clock.unix_now());
}

async::Task<Answer> store_start(Context context, Arguments arguments) {
  const auto upkeep = upkeep_of(context);
  if (!upkeep) co_return std::unexpected(upkeep.error());
  const auto order = read_order(arguments);
  if (!order) co_return std::unexpected(order.error());
  const auto job = (*upkeep)->start(*order);
  if (!job) co_return std::unexpected(job.error());
  co_return json::object{{"job", *job}};
}

async::Task<Answer> store_job(Context context, Arguments arguments) {
  const auto upkeep = upkeep_of(context);
  if (!upkeep) co_return std::unexpected(upkeep.error());
  const auto id = optional_number(arguments, "job");
  if (!id) co_return std::unexpected(id.error());
  const auto job = (*upkeep)->job(id->value_or(0));
  if (!job) co_return fail(ErrorKind::not_found, "no such job; the last 16 are remembered");
  co_return describe(*job, context.clock.unix_now());
}

async::Task<Answer> store_dump(Context context, Arguments arguments) {
  const auto upkeep = upkeep_of(context);
  if (!upkeep) co_return std::unexpected(upkeep.error());
  auto order = read_dump(arguments);
  if (!order) co_return std::unexpected(order.error());
  auto rows = co_await (*upkeep)->dump(std::move(*order));
  if (!rows) co_return std::unexpected(rows.error());
  json::array out;
  for (const auto& row : *rows) {
    json::object object{{"table", row.table}};
    for (const auto& [name, value] : row.columns) {
      if (const auto* number = std::get_if<std::int64_t>(&value))
        object[name] = *number;
      else
        object[name] = std::get<std::string>(value);
    }
    out.push_back(std::move(object));
  }
  co_return json::object{{"rows", std::move(out)}};
}

}  // namespace commands_of

}  // namespace postern::admin
