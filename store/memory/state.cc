// SPDX-License-Identifier: Apache-2.0
#include "store/memory/state.h"

#include <algorithm>

#include "store/account_text.h"
#include "store/mailbox_name.h"

namespace postern::store::memory {

Result<> State::check_open() const {
  if (closed) return fail(ErrorKind::unavailable, "the store is closed");
  return {};
}

Result<> State::check_write() const {
  if (auto open = check_open(); !open) return open;
  if (write_error) return std::unexpected(*write_error);
  return {};
}

Result<Account*> State::account(AccountId id) {
  const auto it = accounts.find(id);
  if (it == accounts.end()) return fail(ErrorKind::not_found, "no such account");
  return &it->second;
}

Result<Mailbox*> State::mailbox(AccountId account, MailboxId id) {
  const auto it = mailboxes.find(id);
  if (it == mailboxes.end() || it->second.account != account) return fail(ErrorKind::not_found, "no such mailbox");
  return &it->second;
}

Mailbox* State::find(AccountId account, std::string_view name) {
  for (auto& [id, mailbox] : mailboxes) {
    if (mailbox.account == account && mailbox.name == name) return &mailbox;
  }
  return nullptr;
}

std::vector<Mailbox*> State::mailboxes_of(AccountId account) {
  std::vector<Mailbox*> out;
  for (auto& [id, mailbox] : mailboxes) {
    if (mailbox.account == account) out.push_back(&mailbox);
  }
  std::sort(out.begin(), out.end(), [](const Mailbox* a, const Mailbox* b) { return mailbox_before(a->name, b->name); });
  return out;
}

Mailbox& State::make_mailbox(AccountId account, const std::string& name, SpecialUse use) {
  for (const auto& parent : mailbox_parents(name)) {
    if (!find(account, parent)) make_mailbox(account, parent, SpecialUse::none);
  }
  const MailboxId id = next_mailbox++;
  Mailbox& mailbox = mailboxes[id];
  mailbox.id = id;
  mailbox.account = account;
  mailbox.name = name;
  mailbox.use = use;
  last_uidvalidity = std::max(last_uidvalidity + 1, static_cast<std::uint32_t>(clock.unix_now()));
  auto rows = std::make_shared<Snapshot>();
  rows->mailbox = id;
  rows->uidvalidity = last_uidvalidity;
  mailbox.rows = rows;
  mailbox.watch->publish(mailbox.rows);
  feeds.publish(std::vector{account});
  return mailbox;
}

void State::drop_mailbox(Mailbox& mailbox) {
  Account& owner = accounts.at(mailbox.account);
  for (const auto& [uid, message] : mailbox.messages) {
    owner.used_bytes -= message.content->size();
    --owner.used_messages;
  }
  mailbox.watch->close();
  feeds.publish(std::vector{mailbox.account});
  mailboxes.erase(mailbox.id);
}

Result<> State::check_quota(const Account& account, std::uint64_t bytes, std::uint64_t messages) const {
  const auto& row = account.row;
  const Quota own{account.used_bytes, account.used_messages, row.quota_bytes, row.quota_messages};
  if (!own.has_room(bytes, messages)) {
    return fail(ErrorKind::over_quota, "the account " + row.login + " is over its quota");
  }
  return check_domain_quota(std::string(domain_of_login(row.login)), bytes, messages);
}

Result<> State::check_domain_quota(const std::string& domain, std::uint64_t bytes, std::uint64_t messages) const {
  if (domain_quota(domain).has_room(bytes, messages)) return {};
  return fail(ErrorKind::over_quota, "the domain " + domain + " is over its quota");
}

Quota State::domain_quota(const std::string& domain) const {
  Quota quota;
  for (const auto& [id, account] : accounts) {
    if (domain_of_login(account.row.login) != domain) continue;
    quota.used_bytes += account.used_bytes;
    quota.used_messages += account.used_messages;
  }
  if (const auto it = domains.find(domain); it != domains.end()) {
    quota.limit_bytes = it->second.quota.bytes;
    quota.limit_messages = it->second.quota.messages;
  }
  return quota;
}

Result<QuotaHold> State::hold(AccountId id, std::uint64_t bytes) {
  const auto it = accounts.find(id);
  if (it == accounts.end()) return fail(ErrorKind::not_found, "no such account");
  const std::string domain(domain_of_login(it->second.row.login));
  holds->set_account(id, it->second.row.login, quota(id));
  holds->set_domain(domain, domain_quota(domain));
  return holds->hold(id, bytes);
}

Quota State::quota(AccountId id) const {
  const auto it = accounts.find(id);
  if (it == accounts.end()) return {};
  const Account& account = it->second;
  return Quota{account.used_bytes, account.used_messages, account.row.quota_bytes, account.row.quota_messages};
}

Change::Change(State& state, Mailbox& mailbox)
    : state_(state),
      mailbox_(mailbox),
      account_(&state.accounts.at(mailbox.account)),
      edit_(*mailbox.rows),
      modseq_(mailbox.rows->highest + 1) {
  edit_.head().highest = modseq_;
}

Uid Change::add(Message message, std::uint64_t flags) {
  const Uid uid = edit_.head().uidnext++;
  const std::uint64_t size = message.content->size();
  edit_.put(Row{uid, static_cast<std::uint32_t>(std::min<std::uint64_t>(size, UINT32_MAX)), flags, modseq_});
  account_->used_bytes += size;
  ++account_->used_messages;
  message.saved = state_.clock.unix_now();
  mailbox_.messages.emplace(uid, std::move(message));
  return uid;
}

void Change::set_flags(Row row, std::uint64_t flags) {
  row.flags = flags;
  row.modseq = modseq_;
  edit_.put(row);
}

void Change::remove(const UidSet& uids) {
  for (const auto& range : uids.ranges()) {
    for (auto it = mailbox_.messages.lower_bound(range.lo); it != mailbox_.messages.end() && it->first <= range.hi;) {
      account_->used_bytes -= it->second.content->size();
      --account_->used_messages;
      it->second.expunged_at = state_.clock.unix_now();
      mailbox_.gone.insert(*it);
      it = mailbox_.messages.erase(it);
    }
  }
  edit_.remove(uids);
  mailbox_.vanished.emplace_back(modseq_, uids);
}

void Change::commit() {
  mailbox_.rows = edit_.finish();
  mailbox_.watch->publish(mailbox_.rows);
  state_.feeds.publish_messages(std::vector{FeedTable::Touched{mailbox_.account, mailbox_.id}});
}

namespace {

class Reader final : public BodyReader {
 public:
  explicit Reader(ContentPtr content) : content_(std::move(content)) {}
  std::uint64_t size() const override { return content_->size(); }
  Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) override { co_return read_now(offset, most); }

 private:
  Result<std::string_view> read_now(std::uint64_t offset, std::size_t most) {
    const std::string& prefix = content_->prefix;
    if (offset < prefix.size()) return std::string_view(prefix).substr(offset, most);
    offset -= prefix.size();
    const auto bytes = content_->body->memory();
    if (content_->body->descriptor() < 0) return offset < bytes.size() ? bytes.substr(offset, most) : std::string_view();
    buffer_.resize(std::min<std::uint64_t>(most, content_->body->size()));
    const auto n = content_->body->read(offset, buffer_);
    if (!n) return std::unexpected(n.error());
    return std::string_view(buffer_).substr(0, *n);
  }

  ContentPtr content_;
  std::string buffer_;
};

}  // namespace

std::string first_octets(const Content& content, std::uint64_t most) {
  std::string out = content.prefix.substr(0, most);
  std::string body(std::min<std::uint64_t>(most - out.size(), content.body->size()), '\0');
  const auto n = content.body->read(0, body);
  body.resize(n.value_or(0));
  return out + body;
}

std::unique_ptr<BodyReader> make_reader(ContentPtr content) { return std::make_unique<Reader>(std::move(content)); }

}  // namespace postern::store::memory
