// SPDX-License-Identifier: Apache-2.0
#include "transfer/imap_source.h"

#include <algorithm>

#include "base/ascii.h"
#include "imap/special_use.h"
#include "transfer/folder_names.h"

namespace postern::transfer {

namespace {

using imap_client::Answer;
using imap_client::FetchValues;
using imap_client::ListEntry;

/// One FETCH asks for at most so many messages or octets; two are under way at once.
constexpr std::size_t order_messages = 64;
constexpr std::uint64_t order_octets = 8 * 1024 * 1024;
constexpr std::size_t max_orders = 2;

std::string_view rest_of(const Answer& answer) {
  return answer.text.starts_with("* ") ? std::string_view(answer.text).substr(2) : std::string_view();
}

bool is_fetch(const Answer& answer) {
  auto rest = rest_of(answer);
  while (!rest.empty() && ascii::is_digit(rest.front())) rest.remove_prefix(1);
  return ascii::istarts_with(rest, " FETCH ");
}

std::uint64_t number_in_code(const Answer& answer, std::string_view name) {
  const auto condition = imap_client::parse_condition(rest_of(answer));
  if (!condition || !ascii::istarts_with(condition->code, name)) return 0;
  std::uint64_t value = 0;
  for (const char c : std::string_view(condition->code).substr(name.size())) {
    if (!ascii::is_digit(c) || value > UINT32_MAX) return 0;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

Task<Result<std::unique_ptr<ImapSource>>> ImapSource::open_at(ImapServer server) {
  std::string who = ascii::lower(std::string_view(server.host)) + " " + server.user;
  auto connection = co_await ImapConnection::open(server);
  if (!connection) co_return std::unexpected(connection.error());
  co_return on(*std::move(connection), std::move(who));
}

std::unique_ptr<ImapSource> ImapSource::on(std::unique_ptr<ImapConnection> connection, std::string who) {
  return std::unique_ptr<ImapSource>(new ImapSource(std::move(connection), std::move(who)));
}

Task<> ImapSource::close() { co_await connection_->close(); }

Task<Result<std::vector<ListEntry>>> ImapSource::list(std::string command) {
  const auto answers = co_await connection_->run(std::move(command));
  if (!answers) co_return std::unexpected(answers.error());
  std::vector<ListEntry> out;
  for (const auto& answer : *answers) {
    const auto rest = rest_of(answer);
    if (!ascii::istarts_with(rest, "LIST ") && !ascii::istarts_with(rest, "LSUB ")) continue;
    if (out.size() == imap_client::max_folders) co_return fail(ErrorKind::limit, "the server has more than 10,000 mailboxes");
    auto entry = imap_client::parse_list(answer);
    if (!entry) co_return std::unexpected(entry.error());
    out.push_back(*std::move(entry));
  }
  co_return out;
}

// RFC 2342: many servers put everything below "INBOX."
Task<Result<>> ImapSource::learn_prefix() {
  if (!connection_->can("NAMESPACE")) co_return Result<>();
  const auto answers = co_await connection_->run("NAMESPACE");
  if (!answers) co_return std::unexpected(answers.error());
  for (const auto& answer : *answers) {
    if (!ascii::istarts_with(rest_of(answer), "NAMESPACE ")) continue;
    const auto prefix = imap_client::parse_namespace(answer);
    if (!prefix) co_return std::unexpected(prefix.error());
    prefix_ = *prefix;
  }
  co_return Result<>();
}

std::string ImapSource::name_of(const ListEntry& entry) const {
  if (ascii::iequals(entry.name, "INBOX")) return "INBOX";
  std::string_view rest = entry.name;
  if (rest.starts_with(prefix_) && rest.size() > prefix_.size()) rest.remove_prefix(prefix_.size());
  std::string out;
  for (std::size_t from = 0; from <= rest.size();) {
    const auto end = entry.separator == '\0' ? rest.size() : std::min(rest.find(entry.separator, from), rest.size());
    if (from > 0) out += '/';
    std::string level = decode_folder(rest.substr(from, end - from));
    std::ranges::replace(level, '/', '_');
    out += level;
    from = end + 1;
  }
  return out;
}

Task<Result<std::optional<SourceFolder>>> ImapSource::describe(const ListEntry& entry) {
  SourceFolder out{.id = entry.name, .name = name_of(entry)};
  for (const auto& attribute : entry.attributes) {
    const auto use = imap::special_use(std::string_view(attribute).substr(attribute.starts_with('\\') ? 1 : 0));
    if (use) out.use = *use;
  }
  // RFC 6154 §2: these show messages of other mailboxes.
  if (out.use == store::SpecialUse::all || out.use == store::SpecialUse::flagged) {
    note(out.name, "shows messages of other mailboxes, and is left out");
    co_return std::optional<SourceFolder>();
  }
  const auto quoted = imap_quoted(entry.name);
  if (!quoted) {
    note(out.name, "has a name that cannot be asked for, and is left out");
    co_return std::optional<SourceFolder>();
  }
  const bool with_size = connection_->can("STATUS=SIZE");
  const auto answers =
      co_await connection_->run("STATUS " + *quoted + (with_size ? " (MESSAGES UIDVALIDITY SIZE)" : " (MESSAGES UIDVALIDITY)"));
  if (!answers && answers.error().kind == ErrorKind::denied) {
    note(out.name, answers.error().text);
    co_return std::optional<SourceFolder>();
  }
  if (!answers) co_return std::unexpected(answers.error());
  for (const auto& answer : *answers) {
    if (!ascii::istarts_with(rest_of(answer), "STATUS ")) continue;
    const auto status = imap_client::parse_status(answer);
    if (!status) co_return std::unexpected(status.error());
    out.messages = status->messages;
    out.bytes = status->size;
    out.identity = who_ + " " + entry.name + " " + std::to_string(status->uidvalidity);
  }
  co_return out;
}

Task<Result<std::vector<SourceFolder>>> ImapSource::folders() {
  if (auto learned = co_await learn_prefix(); !learned) co_return std::unexpected(learned.error());
  // RFC 5258 §3, RFC 6154 §2: some servers tell uses only when asked.
  const bool asks = connection_->can("LIST-EXTENDED") && connection_->can("SPECIAL-USE");
  auto entries = co_await list(asks ? "LIST \"\" \"*\" RETURN (SPECIAL-USE)" : "LIST \"\" \"*\"");
  if (!entries) co_return std::unexpected(entries.error());
  std::vector<SourceFolder> out;
  for (const auto& entry : *entries) {
    if (entry.has("\\noselect") || entry.has("\\nonexistent")) continue;
    auto folder = co_await describe(entry);
    if (!folder) co_return std::unexpected(folder.error());
    if (*folder) out.push_back(**std::move(folder));
  }
  co_return out;
}

Task<Result<std::vector<std::string>>> ImapSource::subscriptions() {
  const auto entries = co_await list("LSUB \"\" \"*\"");
  if (!entries) co_return std::unexpected(entries.error());
  std::vector<std::string> out;
  for (const auto& entry : *entries) {
    if (!entry.has("\\noselect")) out.push_back(name_of(entry));
  }
  co_return out;
}

Task<Result<>> ImapSource::open(const SourceFolder& folder, KeyMaker keys) {
  folder_name_ = folder.name;
  keys_ = std::move(keys);
  exists_ = 0;
  next_sequence_ = 1;
  chunk_.clear();
  const auto quoted = imap_quoted(folder.id);
  if (!quoted) co_return std::unexpected(quoted.error());
  const auto answers = co_await connection_->run("EXAMINE " + *quoted);
  if (!answers) co_return std::unexpected(answers.error());
  std::uint64_t uidvalidity = 0;
  for (const auto& answer : *answers) {
    if (const auto exists = imap_client::parse_number_of(rest_of(answer), "EXISTS")) exists_ = *exists;
    if (const auto value = number_in_code(answer, "UIDVALIDITY ")) uidvalidity = value;
  }
  if (!folder.identity.ends_with(" " + std::to_string(uidvalidity)))
    co_return fail(ErrorKind::invalid, "the mailbox was made anew while the import ran; run the import again");
  co_return Result<>();
}

// RFC 3501 §7.4.1: the numbers of later messages become smaller.
void ImapSource::note_expunge(std::uint32_t sequence) {
  if (exists_ > 0) --exists_;
  if (sequence < next_sequence_ && next_sequence_ > 1) --next_sequence_;
}

Task<Result<std::vector<Candidate>>> ImapSource::next() {
  std::vector<Candidate> out;
  chunk_.clear();
  while (out.empty() && next_sequence_ <= exists_) {
    const auto last = std::min<std::uint64_t>(exists_, next_sequence_ + std::uint64_t{max_chunk} - 1);
    const auto answers =
        co_await connection_->run(fmt::format("FETCH {}:{} (UID FLAGS INTERNALDATE RFC822.SIZE)", next_sequence_, last));
    if (!answers) co_return std::unexpected(answers.error());
    next_sequence_ = static_cast<std::uint32_t>(last) + 1;
    for (const auto& answer : *answers) {
      if (const auto gone = imap_client::parse_number_of(rest_of(answer), "EXPUNGE")) note_expunge(*gone);
      if (!is_fetch(answer)) continue;
      auto values = imap_client::parse_fetch(answer);
      if (!values) co_return std::unexpected(values.error());
      // What was not asked for are flags that somebody changed just now.
      if (values->uid == 0 || !values->internal_date || chunk_.size() == max_chunk) continue;
      out.push_back({.key = keys_.key(values->uid, std::to_string(values->uid)),
                     .label = fmt::format("{}, UID {}", folder_name_, values->uid),
                     .size = values->size,
                     .place = values->uid});
      chunk_.push_back(*std::move(values));
    }
  }
  co_return out;
}

void ImapSource::want(std::vector<std::size_t> wanted) {
  wanted_ = std::move(wanted);
  ordered_ = 0;
  unasked_ = 0;
}

Task<Result<>> ImapSource::order_more() {
  while (orders_.size() < max_orders && ordered_ < wanted_.size()) {
    Order order;
    store::UidSet uids;
    std::uint64_t octets = 0;
    while (ordered_ < wanted_.size() && order.waiting.size() < order_messages && (octets == 0 || octets < order_octets)) {
      const auto index = wanted_[ordered_++];
      octets += chunk_[index].size;
      order.waiting.push_back(index);
      uids.add(chunk_[index].uid);
    }
    auto tag = co_await connection_->send("UID FETCH " + uids.to_string() + " (UID BODY.PEEK[])");
    if (!tag) co_return std::unexpected(tag.error());
    order.tag = *std::move(tag);
    orders_.push_back(std::move(order));
  }
  co_return Result<>();
}

Taken ImapSource::taken_of(std::size_t index, std::string trouble) {
  const auto& values = chunk_[index];
  return {index, {values.flags, values.keywords, values.internal_date.value_or(0)}, std::move(trouble)};
}

/// The wanted message that this FETCH answer is; nothing when it is none of ours.
std::optional<Taken> ImapSource::match(const FetchValues& values) {
  for (auto& order : orders_) {
    const auto found = std::ranges::find_if(order.waiting, [&](std::size_t index) { return chunk_[index].uid == values.uid; });
    if (found == order.waiting.end()) continue;
    const auto index = *found;
    order.waiting.erase(found);
    return taken_of(index, {});
  }
  return std::nullopt;
}

/// The tagged end of the oldest order: what has not come will not come.
Task<Result<std::optional<Taken>>> ImapSource::finish_order(const Answer& answer) {
  const auto& order = orders_.front();
  if (!answer.text.starts_with(order.tag + " "))
    co_return fail(ErrorKind::invalid, "the server answers a command we did not send");
  const auto condition = imap_client::parse_condition(std::string_view(answer.text).substr(order.tag.size() + 1));
  const bool fine = condition && condition->kind == imap_client::Condition::Kind::ok;
  for (const auto index : order.waiting)
    lost_.push_back(taken_of(index, fine ? "vanished from the server while the import ran" : "the server does not give it"));
  orders_.erase(orders_.begin());
  co_return std::optional<Taken>();
}

Task<Result<std::optional<Taken>>> ImapSource::take(Intake& intake) {
  for (;;) {
    if (!lost_.empty()) {
      Taken one = std::move(lost_.back());
      lost_.pop_back();
      co_return one;
    }
    if (auto ordered = co_await order_more(); !ordered) co_return std::unexpected(ordered.error());
    if (orders_.empty()) co_return std::optional<Taken>();
    const auto answer = co_await connection_->receive(&intake);
    if (!answer) co_return std::unexpected(answer.error());
    if (!answer->text.starts_with("* ")) {
      if (auto finished = co_await finish_order(*answer); !finished) co_return std::unexpected(finished.error());
      continue;
    }
    if (const auto gone = imap_client::parse_number_of(rest_of(*answer), "EXPUNGE")) note_expunge(*gone);
    if (!is_fetch(*answer)) {
      if (++unasked_ > imap_client::max_unasked) co_return fail(ErrorKind::limit, "the server says too much");
      continue;
    }
    const auto values = imap_client::parse_fetch(*answer);
    if (!values) co_return std::unexpected(values.error());
    if (!answer->streamed && !values->text && !values->no_text) continue;  // flags that somebody changed
    auto taken = match(*values);
    if (!taken) co_return fail(ErrorKind::invalid, "the server sends a message that was not asked for");
    if (values->text) {
      if (auto written = intake.write(*values->text); !written) taken->trouble = written.error().text;
    }
    if (values->no_text) taken->trouble = "the server does not give it";
    if (answer->streamed && connection_->intake_error()) {
      const auto& error = *connection_->intake_error();
      if (error.kind == ErrorKind::no_space || error.kind == ErrorKind::io) co_return std::unexpected(error);
      taken->trouble = error.text;
    }
    co_return taken;
  }
}

}  // namespace postern::transfer
