// SPDX-License-Identifier: Apache-2.0
// ImapHouse: everything that an IMAP session needs, with the store in memory or the real one, and a judge of logins that knows
// alice and bob (password "secret"). The connection claims to be TLS, because sessions exist on nothing else. One thread, on
// io().
#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <sstream>

#include "async/executor.h"
#include "base/encoding.h"
#include "base/metrics.h"
#include "imap/session.h"
#include "mime/body_structure.h"
#include "mime/part.h"
#include "mime/part_codec.h"
#include "store/accounts.h"
#include "store/memory/memory.h"
#include "store/sharing.h"
#include "store/sqlite/open.h"
#include "tests/support/dialogue.h"
#include "tests/support/folder.h"
#include "tests/support/identity.h"
#include "tests/support/retrieval_fakes.h"

namespace postern::test {

/// Keeps the deeds it is told of: "read bob@example.org Other Users/alice/INBOX 1:2".
class RememberingBook final : public store::TraceBook {
 public:
  std::string deeds;

  void note(store::TraceEvent event) override {
    deeds += event.kind;
    for (const auto& [name, value] : event.details) {
      if (name == "who" || name == "of_name" || name == "uids") deeds += " " + value;
    }
    deeds += "\n";
  }
  async::Task<Result<std::vector<store::TraceStory>>> find(store::TraceQuery) override {
    co_return std::vector<store::TraceStory>();
  }
  async::Task<Result<store::TraceInfo>> info() override { co_return store::TraceInfo(); }
  async::Task<Result<>> prune() override { co_return Result<>(); }
  void close() override {}
};

/// Which store the sessions use.
enum class HouseStore : bool { memory, sqlite };

class ImapHouse : public DialogueHost {
 public:
  explicit ImapHouse(HouseStore kind = HouseStore::memory)
      : log_(LogLevel::debug, [this](LogLevel, std::string_view line) { log_text_ += std::string(line) + '\n'; }),
        store_(make_store(kind)),
        config_(make_config()),
        auth_(make_accounts()),
        services_{*store_, auth_, config_, clock_, log_, occupancy_, [this](mail::AccountId, std::string_view setting) {
                    return setting == auth::imap_capabilities_off ? account_off_ : std::string();
                  }} {
    services_.trace = &book_;
  }

  boost::asio::io_context& io() override { return io_; }

  /// Words: "plain" for a connection without TLS, "ip=192.0.2.7".
  void serve(UniqueFd server_end, std::string_view words) override {
    net::ConnectionOptions options;
    options.local = {*IpAddress::parse("192.0.2.25"), 993};
    options.peer = {*IpAddress::parse("192.0.2.1"), 40000};
    bool plain = false;
    std::istringstream in{std::string(words)};
    for (std::string word; in >> word;) {
      if (word == "plain") plain = true;
      if (word.starts_with("ip=")) options.peer.address = *IpAddress::parse(word.substr(3));
    }
    auto stream = net::make_socket_stream(io_.get_executor(), std::move(server_end));
    if (!plain) stream = std::make_unique<ClaimsTls>(std::move(stream));
    auto connection = std::make_shared<net::Connection>(std::move(stream), options);
    connections_.push_back(connection);
    boost::asio::co_spawn(io_, converse(this, connection), &rethrow);
  }

  // mail alice 3 · deliver alice "Subject: x\r\n\r\nhello\r\n" · quota alice 1000 · limit errors 3 · off IDLE · disk_full ·
  // disk_well · stop
  std::string act(std::string_view line) override {
    std::istringstream in{std::string(line)};
    std::string word, user;
    in >> word >> user;
    if (word == "mail") return mail(user, in);
    if (word == "deliver") {
      std::string rest;
      std::getline(in >> std::ws, rest);
      const auto text = unescape(rest);
      return text ? deliver(user, *text) : text.error().text;
    }
    if (word == "quota") return quota(user, in);
    if (word == "boxes") return boxes(user, in);
    if (word == "team") return team(user, in);
    if (word == "account_off") return account_off_ = user, std::string();
    if (word == "all_off") return all_off(user), std::string();
    if (word == "revoke") return auth_.revoke(user), std::string();
    if (word == "limit") return limit(user, in);
    if (word == "clock") return clock_.advance(std::chrono::seconds(std::stol(user))), std::string();
    if (word == "disk_full" && memory_ != nullptr) {
      return memory_->fail_writes(Error{ErrorKind::no_space, "disk full"}), std::string();
    }
    if (word == "disk_well" && memory_ != nullptr) return memory_->fail_writes(std::nullopt), std::string();
    if (word == "stop") {
      for (const auto& one : connections_) {
        if (const auto connection = one.lock()) connection->request_stop();
      }
      return {};
    }
    return "unknown act: " + word;
  }

  std::string verify(std::string_view line) override {
    io_.restart();
    io_.run_for(std::chrono::milliseconds(20));
    std::istringstream in{std::string(line)};
    std::string word, text;
    in >> word;
    std::getline(in >> std::ws, text);
    if (word == "log_lacks") return log_text_.find(text) == std::string::npos ? "" : "the log has " + text;
    if (word == "traced") return book_.deeds.find(text) == std::string::npos ? "traced were " + book_.deeds : "";
    if (word == "not_traced") return book_.deeds.find(text) == std::string::npos ? "" : "traced were " + book_.deeds;
    return "unknown check: " + word;
  }

  /// Runs one coroutine to its end.
  template <class T>
  T run(async::Task<T> task) {
    std::optional<T> out;
    boost::asio::co_spawn(io_, async::detail::store_into(std::move(task), out), &rethrow);
    while (!out) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(10));
    }
    return std::move(*out);
  }

  /// A message as port 25 brings it, with one line of trace in front.
  std::string deliver(const std::string& user, const std::string& message) {
    auto tree = mime::parse_message(message);
    store::Acceptance acceptance;
    acceptance.body = store::body_of(message);
    acceptance.meta = {tree.root().envelope, mime::imap_bodystructure(tree, mime::Structure::extended), mime::encode_parts(tree)};
    acceptance.internal_date = clock_.unix_now();
    acceptance.deliveries.push_back({.account = accounts_.at(user), .prefix = prefix()});
    const auto accepted = run(store_->accept(std::move(acceptance)));
    return accepted ? std::string() : accepted.error().text;
  }
  static std::string prefix() { return "Return-Path: <eve@example.net>\r\n"; }

  const imap::Services& services() const { return services_; }
  store::Store& store() { return *store_; }
  mail::AccountId account(const std::string& user) const { return accounts_.at(user); }

 private:
  std::unique_ptr<store::Store> make_store(HouseStore kind) {
    if (kind == HouseStore::memory) {
      auto made = store::memory::make(clock_);
      memory_ = made.get();
      return made;
    }
    folder_ = std::make_unique<Folder>();
    auto opened = store::sqlite::open({.data_dir = folder_->path(), .segment_bytes = 1 << 20, .allocate_bytes = 1 << 18},
                                      {clock_, log_, metrics_});
    if (!opened) throw std::runtime_error(opened.error().text);
    return std::move(*opened);
  }
  static void rethrow(const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  }
  static async::Task<> converse(ImapHouse* house, std::shared_ptr<net::Connection> connection) {
    co_await imap::serve(*connection, house->services_);
    co_await connection->close_gracefully();
  }
  static config::Config make_config() {
    config::Config config;
    config.server.hostname = "mail.example.org";
    config.limits.append_bytes = 1'000'000;
    return config;
  }

  std::map<std::string, mail::AccountId> make_accounts() {
    run(store_->accounts().add_domain({"example.org"}));
    for (const std::string user : {"alice", "bob"}) {
      accounts_[user] = *run(store_->accounts().add_account({.login = user + "@example.org"}));
    }
    return accounts_;
  }

  std::string mail(const std::string& user, std::istream& in) {
    int count = 1;
    in >> count;
    for (int i = 0; i < count; ++i) {
      const auto n = std::to_string(++mails_);
      const auto wrong = deliver(user, "From: Eve <eve@example.net>\r\nSubject: mail " + n + "\r\n\r\nbody " + n + "\r\n");
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

  /// team info bob lrs: a team of that name, whose INBOX bob has these rights on.
  std::string team(const std::string& name, std::istream& in) {
    store::AccountRow row{.login = name + "@example.org", .settings = {{"team", "on"}}};
    row.id = accounts_[name] = *run(store_->accounts().add_account(row));
    store::AclChange change;
    std::string rights;
    in >> change.who >> rights;
    change.rights = *store::parse_rights(rights);
    const auto session = store_->session(identity(row.id));
    const auto inbox = run(session->status("INBOX"));
    const auto done = run(store::sharing_of(*session).set_acl(inbox->id, change));
    return done ? std::string() : done.error().text;
  }

  /// boxes alice 10: so many mailboxes more, in two levels.
  std::string boxes(const std::string& user, std::istream& in) {
    int count = 0;
    in >> count;
    const auto session = store_->session(identity(accounts_.at(user)));
    for (int i = 0; i < count; ++i) {
      const auto n = std::to_string(++boxes_);
      const auto made = run(session->create("Boxes/" + n, store::SpecialUse::none));
      if (!made) return made.error().text;
    }
    return {};
  }

  std::string quota(const std::string& user, std::istream& in) {
    store::AccountRow row{.id = accounts_.at(user), .login = user + "@example.org"};
    in >> row.quota_bytes >> row.quota_messages;
    const auto done = run(store_->accounts().set_account(row));
    return done ? std::string() : done.error().text;
  }

  std::string limit(const std::string& name, std::istream& in) {
    unsigned value = 0;
    in >> value;
    auto config = *config_.get();
    if (name == "watched") return services_.most_watched = value, std::string();
    if (name == "progress") return services_.progress_every = std::chrono::milliseconds(value), std::string();
    if (name == "errors")
      config.limits.errors = value;
    else if (name == "per_user")
      config.limits.imap_per_user_address = value;
    else if (name == "append_bytes")
      config.limits.append_bytes = value;
    else if (name == "messages")
      config.imap.message_limit = value;
    else if (name == "preauth")
      config.limits.imap_preauth = std::chrono::seconds(value);
    else if (name == "idle")
      config.limits.imap_idle = std::chrono::seconds(value);
    else if (name == "no_idle_capability")
      config.imap.capabilities_off = {"idle"};
    else
      return "unknown limit: " + name;
    config_.replace(config);
    return {};
  }

  void all_off(const std::string& name) {
    auto config = *config_.get();
    config.imap.capabilities_off.push_back(name);
    config_.replace(config);
  }

  boost::asio::io_context io_;
  std::string account_off_;  ///< capabilities that accounts do not get
  FakeClock clock_;
  std::string log_text_;
  Log log_;
  Metrics metrics_;
  std::unique_ptr<Folder> folder_;
  store::memory::MemoryStore* memory_ = nullptr;  ///< the store, when it is that one
  std::unique_ptr<store::Store> store_;
  std::map<std::string, mail::AccountId> accounts_;
  config::Live config_;
  FakeAuth auth_;
  RememberingBook book_;
  imap::Occupancy occupancy_;
  imap::Services services_;
  std::vector<std::weak_ptr<net::Connection>> connections_;
  int mails_ = 0;
  int boxes_ = 0;

 public:
  /// Sessions that still run are destroyed while everything they use is there.
  ~ImapHouse() override {
    for (const auto& one : connections_) {
      if (const auto connection = one.lock()) connection->cancel();
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto lives = [](const auto& one) { return !one.expired(); };
    while (std::ranges::any_of(connections_, lives) && std::chrono::steady_clock::now() < end) {
      io_.restart();
      io_.run_for(std::chrono::milliseconds(5));
    }
  }
};

}  // namespace postern::test
