// SPDX-License-Identifier: Apache-2.0
// Pop3House: everything that a POP3 session needs, with the store in memory and users alice and bob (password "secret").
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <sstream>

#include "async/executor.h"
#include "pop3/session.h"
#include "store/accounts.h"
#include "store/memory/memory.h"
#include "tests/support/dialogue.h"
#include "tests/support/retrieval_fakes.h"

namespace postern::test {

class Pop3House final : public DialogueHost {
 public:
  Pop3House()
      : log_(LogLevel::debug, null_sink()),
        store_(store::memory::make(clock_)),
        auth_(make_accounts()),
        services_{*store_,
                  auth_,
                  locks_,
                  log_,
                  [this](mail::AccountId, std::string_view setting) { return choices_[std::string(setting)]; },
                  nullptr,
                  &clock_} {}
  ~Pop3House() override {
    for (const auto& one : connections_) {
      if (const auto connection = one.lock()) connection->cancel();
    }
    turn();
  }

  boost::asio::io_context& io() override { return io_; }

  /// Words: "plain" for a connection without TLS.
  void serve(UniqueFd server_end, std::string_view words) override {
    auto stream = net::make_socket_stream(io_.get_executor(), std::move(server_end));
    if (words != "plain")
      stream = std::make_unique<ClaimsTls>(std::move(stream), [this](std::string_view bytes) { watch(bytes); });
    net::ConnectionOptions options;
    options.peer = {*IpAddress::parse("192.0.2.1"), 40000};
    auto connection = std::make_shared<net::Connection>(std::move(stream), options);
    connections_.push_back(connection);
    boost::asio::co_spawn(io_, converse(this, connection), &rethrow);
  }

  // deliver alice "Subject: x\r\n\r\nhello\r\n" · mails alice 3 · disk_full · disk_well · stop · bad_commands 3
  std::string act(std::string_view line) override {
    std::istringstream in{std::string(line)};
    std::string word, user, rest;
    in >> word;
    if (word == "disk_full") return store_->fail_writes(Error{ErrorKind::no_space, "disk full"}), std::string();
    if (word == "disk_well") return store_->fail_writes(std::nullopt), std::string();
    if (word == "choose") return in >> user >> choices_[user], std::string();
    if (word == "later") {
      int seconds = 0;
      in >> seconds;
      return clock_.advance(std::chrono::seconds(seconds)), std::string();
    }
    if (word == "bad_commands") return in >> settings_.bad_commands, std::string();
    if (word == "stop") return stop(), std::string();
    in >> user;
    if (word == "file") return file(user, in);
    if (word == "revoke") return auth_.revoke(user), std::string();
    std::getline(in >> std::ws, rest);
    if (word == "mails") return mails(user, std::stoi(rest));
    if (word != "deliver") return "unknown act: " + word;
    const auto text = unescape(rest);
    return text ? deliver(user, *text) : text.error().text;
  }

  // mailbox alice 3: so many messages are in the INBOX · trash alice 3: the same of Trash · released: QUIT was answered when no
  // maildrop was in use any more
  std::string verify(std::string_view line) override {
    turn();
    std::istringstream in{std::string(line)};
    std::string word, user;
    std::size_t count = 0;
    in >> word >> user >> count;
    if (word == "released") return locked_at_bye_ ? "QUIT was answered while the maildrop was in use" : "";
    if (word != "mailbox" && word != "trash") return "unknown check: " + word;
    auto session = store_->session(identity(accounts_.at(user), user + "@example.org"));
    const auto list = run(session->list());
    if (!list) return list.error().text;
    const auto use = word == "trash" ? store::SpecialUse::trash : store::SpecialUse::none;
    const auto found = std::ranges::find(*list, use, &store::MailboxInfo::use)->messages;
    return found == count ? "" : std::to_string(found) + " messages in the " + word;
  }

 private:
  static void rethrow(const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  }
  static async::Task<> converse(Pop3House* house, std::shared_ptr<net::Connection> connection) {
    pop3::Session session(*connection, house->services_, house->settings_);
    co_await session.run();
    co_await connection->close_gracefully();
  }
  void watch(std::string_view sent) {
    if (!sent.contains("+OK bye")) return;
    for (const auto& [user, account] : accounts_) locked_at_bye_ = locked_at_bye_ || !locks_.take(account);
  }
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
  void turn() {
    io_.restart();
    io_.run_for(std::chrono::milliseconds(20));
  }
  void stop() {
    for (const auto& one : connections_) {
      if (const auto connection = one.lock()) connection->request_stop();
    }
  }
  std::map<std::string, mail::AccountId> make_accounts() {
    run(store_->accounts().add_domain({"example.org"}));
    for (const std::string user : {"alice", "bob"}) {
      accounts_[user] = *run(store_->accounts().add_account({.login = user + "@example.org"}));
    }
    return accounts_;
  }
  /// file alice Lists "Subject: x\r\n\r\nhello\r\n": into that folder.
  std::string file(const std::string& user, std::istream& in) {
    std::string folder, rest;
    in >> folder;
    std::getline(in >> std::ws, rest);
    const auto text = unescape(rest);
    return text ? deliver(user, *text, folder) : text.error().text;
  }
  std::string deliver(const std::string& user, const std::string& message, const std::string& folder = "INBOX") {
    store::Acceptance acceptance;
    acceptance.body = store::body_of(message);
    acceptance.deliveries.push_back({.account = accounts_.at(user), .mailbox = folder});
    const auto accepted = run(store_->accept(std::move(acceptance)));
    return accepted ? std::string() : accepted.error().text;
  }
  std::string mails(const std::string& user, int count) {
    for (int i = 1; i <= count; ++i) {
      const auto n = std::to_string(i);
      if (auto wrong = deliver(user, "Subject: mail " + n + "\r\n\r\nbody " + n + "\r\n"); !wrong.empty()) return wrong;
    }
    return {};
  }

  boost::asio::io_context io_;
  FakeClock clock_;
  Log log_;
  std::unique_ptr<store::memory::MemoryStore> store_;
  std::map<std::string, mail::AccountId> accounts_;
  FakeAuth auth_;
  pop3::DropLocks locks_;
  bool locked_at_bye_ = false;
  std::map<std::string, std::string> choices_;  ///< settings of accounts
  pop3::Services services_;
  pop3::Settings settings_;
  std::vector<std::weak_ptr<net::Connection>> connections_;
};

}  // namespace postern::test
