// SPDX-License-Identifier: Apache-2.0
// House: everything that an SMTP session needs, with the store in memory, for tests of smtp and submission. One thread; all
// coroutines run on io(). Two domains of ours (example.org, example.net), accounts alice and bob, aliases, a forward. DNS knows
// client.example (192.0.2.1) and elsewhere.example.
#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <exception>
#include <sstream>

#include "async/executor.h"
#include "base/ascii.h"
#include "config/gate.h"
#include "config/live.h"
#include "dns/zone.h"
#include "policy/srs.h"
#include "queue/accept.h"
#include "smtp/inbound.h"
#include "store/memory/memory.h"
#include "tests/support/certificates.h"
#include "tests/support/dialogue.h"
#include "tests/support/folder.h"
#include "tests/support/identity.h"

namespace postern::test {

class House : public DialogueHost {
 public:
  House()
      : log_(LogLevel::info, [this](LogLevel, std::string_view line) { log_text_ += std::string(line) + '\n'; }),
        store_(store::memory::make(clock_)),
        directory_(store_->accounts(), log_),
        config_(make_config()),
        door_({*store_, config_, clock_, log_, metrics_}) {
    std::signal(SIGPIPE, SIG_IGN);  // as async::Runtime does in the server
    settle();
    net::TlsServer::Options options;
    options.service = "test";
    options.certificates.push_back(certificate());
    tls_ = *net::TlsServer::create(options);
    own_list_ = *policy::OwnList::open(own_list_folder_ / "gate.list");
    gate_.emplace(policy::Gate::Parts{paced_zone_, config_, clock_, log_, *own_list_, greylist_, &callout_});
    inbound_.emplace(parts(), metrics_, tls_, &*gate_);
    inbound_->options().tarpit_step = std::chrono::milliseconds(0);
    inbound_->options().under_stress = [this] { return stress_; };
  }

  ~House() override { abandon(); }

  boost::asio::io_context& io() override { return *io_; }

  /// Words: "ip=192.0.2.7", and a service that serve_connection knows ("25" when none is named).
  void serve(UniqueFd server_end, std::string_view words) override {
    net::ConnectionOptions options;
    options.local = {*IpAddress::parse("192.0.2.25"), 25};
    options.peer = {*IpAddress::parse("192.0.2.1"), 40000};
    std::string service = default_service_;
    std::istringstream in{std::string(words)};
    for (std::string word; in >> word;) {
      if (word.starts_with("ip=")) {
        options.peer.address = *IpAddress::parse(word.substr(3));
      } else {
        service = word;
      }
    }
    auto connection =
        std::make_shared<net::Connection>(net::make_socket_stream(io_->get_executor(), std::move(server_end)), options);
    connections_.push_back(connection);
    boost::asio::co_spawn(*io_, converse(this, connection, service), &rethrow);
  }

  std::string act(std::string_view line) override {
    std::istringstream in{std::string(line)};
    std::string word;
    std::string argument;
    in >> word >> argument;
    if (word == "stop") {
      for (const auto& one : connections_) {
        if (const auto connection = one.lock()) connection->request_stop();
      }
      return {};
    }
    if (word == "limit") return set_limit(argument, in);
    if (word == "disk_full") return store_->fail_writes(Error{ErrorKind::no_space, "disk full"}), std::string();
    if (word == "store_down") return store_->fail_writes(Error{ErrorKind::unavailable, "down"}), std::string();
    if (word == "store_up") return store_->fail_writes(std::nullopt), std::string();
    if (word == "quota") return set_quota(argument, in);
    if (word == "reject_full") return reject_full();
    if (word == "disable") return set_account(argument, [](auto& row) { row.enabled = false; });
    if (word == "dns_takes") return paced_zone_.step = std::chrono::seconds(std::stol(argument)), std::string();
    if (word == "dns") return zone_.add(line.substr(line.find(argument))), std::string();
    if (word == "rule") return set_rule(argument, in);
    if (word == "gate") return set_gate(argument, in);
    if (word == "spoof") return add_spoof(argument, in);
    if (word == "relay") return add_relay(argument, in);
    if (word == "rules_for") return add_rules_for(argument, in);
    if (word == "allow" || word == "block") return set_own(word, argument, in);
    if (word == "keep_mail") return set_account(argument, [](auto& row) { row.enabled = false, row.when_disabled = keeps; });
    if (word == "grant") return grant(argument, in);
    if (word == "group") return make_group(argument, in);
    if (word == "setting") return set_setting(argument, in);
    if (word == "alias_domain" || word == "catch_all") return set_domain(word, argument, in);
    if (word == "clock") return clock_.advance(std::chrono::seconds(std::stol(argument))), std::string();
    return "unknown act: " + word;
  }

  // messages alice@example.org 2 · last alice@example.org has|lacks TEXT · queued 1 · require_tls 1 · log has|lacks TEXT · metric
  // …
  std::string verify(std::string_view line) override {
    io_->restart();
    io_->run_for(std::chrono::milliseconds(20));
    std::istringstream in{std::string(line)};
    std::string word;
    in >> word;
    if (word == "log") return search(log_text_, in);
    if (word == "metric") return search(metrics_.exposition(), in);
    if (word == "queued") return expect_number(in, store_->queue().depth());
    if (word == "require_tls") {
      const auto entries = run(store_->queue().list({}));
      return expect_number(in, static_cast<std::size_t>(std::ranges::count(*entries, true, &store::QueueEntry::require_tls)));
    }
    std::string login;
    in >> login;
    const auto account = directory_.account(login);
    if (!account) return "no account " + login;
    const auto session = store_->session(identity(account->id, login));
    if (word == "messages") return expect_number(in, run(session->status("INBOX"))->messages);
    if (word == "last") return search(last_message(*session), in);
    if (word == "queue_text") return {};
    return "unknown check: " + word;
  }

  /// Runs one coroutine to its end.
  template <class T>
  T run(async::Task<T> task) {
    std::optional<T> out;
    boost::asio::co_spawn(*io_, async::detail::store_into(std::move(task), out), &rethrow);
    while (!out) {
      io_->restart();
      io_->run_one_for(std::chrono::milliseconds(10));
    }
    return std::move(*out);
  }

  std::string last_message(store::Session& session) {
    const auto info = run(session.status("INBOX"));
    if (!info || info->messages == 0) return {};
    auto body = run(session.body(info->id, info->uidnext - 1));
    if (!body) return {};
    std::string text;
    while (text.size() < (*body)->size()) text += *run((*body)->read(text.size(), 1 << 20));
    return text;
  }

  smtp::Parts parts() { return {*store_, directory_, door_, config_, clock_, log_, nullptr, &srs_}; }
  const policy::Srs& srs() const { return srs_; }
  policy::Gate& gate() { return *gate_; }
  Metrics& metrics() { return metrics_; }
  config::Live& config() { return config_; }
  FakeClock& clock() { return clock_; }
  store::Store& store() { return *store_; }
  auth::Directory& directory() { return directory_; }
  Log& log() { return log_; }
  const std::string& log_text() const { return log_text_; }
  std::shared_ptr<net::TlsServer> tls() { return tls_; }
  void default_service(std::string name) { default_service_ = std::move(name); }

  /// One certificate for the whole test program.
  static net::CertificateFiles certificate() {
    static const Folder folder;
    static const auto files = make_certificate(folder.path().string(), "mail");
    return files;
  }

 protected:
  /// Destroys all coroutines; every destructor begins with it, because they refer to the house's members.
  void abandon() { io_.reset(); }
  /// One session of the named service; derived houses know more.
  virtual async::Task<> serve_connection(net::Connection& connection, const std::string& /*service*/) {
    co_await inbound_->serve(connection);
  }
  virtual bool is_implicit_tls(const std::string& /*service*/) const { return false; }

 private:
  static void rethrow(const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  }

  static async::Task<> converse(House* house, std::shared_ptr<net::Connection> connection, std::string service) {
    if (house->is_implicit_tls(service)) {
      const auto done = co_await connection->start_tls(*house->tls_);
      if (!done) co_return;
    }
    co_await house->serve_connection(*connection, service);
    co_await connection->close_gracefully();
  }

  static config::Config make_config() {
    config::Config config;
    config.server.hostname = "mail.example.org";
    config.limits.message_bytes = 1024 * 1024;
    config.trusted.networks.push_back(*config::Network::parse("192.0.2.128/25"));
    return config;
  }

  void settle() {
    run(directory_.load());
    for (const char* domain : {"example.org", "example.net"}) run(directory_.add_domain(domain));
    for (const char* login : {"alice@example.org", "bob@example.org", "carol@example.net"}) {
      run(directory_.add_account(login, {}));
    }
    run(directory_.add_alias("info@example.org", "alice@example.org"));
    run(directory_.add_alias("info@example.org", "bob@example.org"));
    run(directory_.add_alias("away@example.org", "alice@elsewhere.example"));
  }

  // rules_for bob@example.org 80 helo_syntax = off · rules_for outward group=sales 100 odd_names = reject
  // The first word is the recipient's pattern, or a way, behind which comes the pattern, group= or account=.
  std::string add_rules_for(const std::string& first, std::istream& in) {
    config::RulesFor entry;
    auto whom = first;
    for (const auto way : {config::Way::inward, config::Way::inside, config::Way::outward}) {
      if (first != config::to_string(way)) continue;
      entry.way = way;
      in >> whom;
    }
    if (whom.starts_with("group="))
      entry.group = whom.substr(6);
    else if (whom.starts_with("account="))
      entry.account = whom.substr(8);
    else
      entry.recipient = *config::Pattern::parse(whom);
    in >> entry.message_bytes;
    entry.rules = {*config::RuleOverride::parse(rest_of(in))};
    auto config = *config_.get();
    config.gate->rules_for.push_back(entry);
    config_.replace(config);
    return {};
  }
  // relay behind.example callout | listed KNOWN@behind.example | any
  std::string add_relay(const std::string& match, std::istream& in) {
    std::string recipients;
    std::string known;
    in >> recipients >> known;
    config::Relay relay;
    relay.match = match;
    relay.host = {"inner.example", 25};
    relay.recipients = recipients == "callout"  ? config::Relay::Recipients::callout
                       : recipients == "listed" ? config::Relay::Recipients::listed
                                                : config::Relay::Recipients::any;
    if (!known.empty()) relay.known = {known};
    auto config = *config_.get();
    config.gate->relays.push_back(relay);
    config_.replace(config);
    return {};
  }
  // spoof inward *@elsewhere.example bob@example.org allow
  std::string add_spoof(const std::string& way, std::istream& in) {
    std::string from;
    std::string to;
    std::string action;
    in >> from >> to >> action;
    auto config = *config_.get();
    config.gate->spoof.push_back({way == "inward"   ? config::Way::inward
                                  : way == "inside" ? config::Way::inside
                                                    : config::Way::outward,
                                  *config::Pattern::parse(from), *config::Pattern::parse(to),
                                  action == "allow"   ? config::Spoof::Action::allow
                                  : action == "defer" ? config::Spoof::Action::defer
                                                      : config::Spoof::Action::reject});
    config_.replace(config);
    return {};
  }
  static std::string rest_of(std::istream& in) {
    std::string out;
    std::getline(in >> std::ws, out);
    return out;
  }
  // rule helo_syntax score 3
  std::string set_rule(const std::string& name, std::istream& in) {
    std::string choice;
    std::getline(in >> std::ws, choice);
    const auto rule = config::rule_named(name);
    const auto parsed = config::RuleChoice::parse(choice);
    if (!rule || !parsed) return "no such rule or choice: " + name + ' ' + choice;
    auto config = *config_.get();
    config.gate->rules.set(*rule, *parsed);
    config_.replace(config);
    return {};
  }
  // block 192.0.2.0/24 3600: until when, in seconds from now; without it for good
  std::string set_own(const std::string& kind, const std::string& subject, std::istream& in) {
    policy::OwnEntry entry;
    entry.kind = kind == "allow" ? policy::OwnEntry::Kind::allow : policy::OwnEntry::Kind::block;
    entry.subject = subject;
    if (UnixTime seconds = 0; in >> seconds) entry.until = clock_.unix_now() + seconds;
    const auto added = own_list_->add(entry, clock_.unix_now());
    return added ? std::string() : added.error().text;
  }
  std::string set_gate(const std::string& name, std::istream& in) {
    auto config = *config_.get();
    std::string value;
    in >> value;
    if (name == "reject_at")
      config.gate->reject_at = std::stod(value);
    else if (name == "defer_at")
      config.gate->defer_at = std::stod(value);
    else if (name == "dnsbl")
      config.gate->dnsbl.push_back(*config::DnsList::parse(value + ' ' + rest_of(in)));
    else if (name == "dnswl")
      config.gate->dnswl.push_back(*config::DnsList::parse(value + ' ' + rest_of(in)));
    else if (name == "rate_address")
      config.gate->rate_address = static_cast<unsigned>(std::stoul(value));
    else if (name == "rate_network")
      config.gate->rate_network = static_cast<unsigned>(std::stoul(value));
    else if (name == "rate_sender_domain")
      config.gate->rate_sender_domain = static_cast<unsigned>(std::stoul(value));
    else if (name == "rate_recipient")
      config.gate->rate_recipient = static_cast<unsigned>(std::stoul(value));
    else if (name == "greylist_from")
      config.gate->greylist_from = std::stod(value);
    else if (name == "no_answer")
      config.gate->no_answer = value == "defer" ? config::NoAnswer::defer : config::NoAnswer::pass;
    else if (name == "mend_line_ends_from")
      config.gate->mend_line_ends_from = {*config::Network::parse(value)};
    else if (name == "stress_timeout")
      config.gate->stress_timeout = std::chrono::seconds(std::stoul(value));
    else if (name == "stress")
      stress_ = value == "on";
    else
      return "unknown number of the gate: " + name;
    config_.replace(config);
    return {};
  }

  std::string set_limit(const std::string& name, std::istream& in) {
    unsigned value = 0;
    in >> value;
    auto config = *config_.get();
    auto& limits = config.limits;
    if (name == "message_bytes")
      limits.message_bytes = value;
    else if (name == "recipients")
      limits.recipients_inbound = limits.recipients_submission = value;
    else if (name == "messages")
      limits.messages_per_session = value;
    else if (name == "header_bytes")
      limits.header_bytes = value;
    else if (name == "greeting_delay")
      config.smtp.greeting_delay = std::chrono::seconds(value);
    else if (name == "first_recipient")
      inbound_->options().first_recipient = std::chrono::seconds(value);
    else if (name == "tarpit_ms")
      inbound_->options().tarpit_step = std::chrono::milliseconds(value);
    else if (name == "data_total")
      limits.data_total = std::chrono::seconds(value);
    else if (name == "timeout")
      limits.smtp_timeout = std::chrono::seconds(value);
    else if (name == "hops")
      limits.received_hops = value;
    else if (name == "errors")
      limits.errors = limits.junk_commands = value;
    else
      return "unknown limit: " + name;
    config_.replace(config);
    return {};
  }

  template <class Change>
  std::string set_account(const std::string& login, Change change) {
    auto row = directory_.account(login);
    if (!row) return "no account " + login;
    change(*row);
    const auto done = run(directory_.set_account(*row));
    return done ? std::string() : done.error().text;
  }
  static constexpr auto keeps = store::AccountRow::WhenDisabled::accept_mail;
  static std::string said(const auto& result) { return result ? std::string() : result.error().text; }

  // grant alice@example.org @example.org
  std::string grant(const std::string& login, std::istream& in) {
    std::string address;
    in >> address;
    return said(run(directory_.add_send_as(directory_.account(login).value().id, address)));
  }
  // group staff@example.org members alice@example.org bob@example.org
  std::string make_group(const std::string& address, std::istream& in) {
    using Senders = store::GroupRow::Senders;
    std::string who;
    in >> who;
    store::GroupRow row{.name = address.substr(0, address.find('@')), .address = address};
    row.senders = who == "members" ? Senders::members : who == "inside" ? Senders::inside : Senders::anyone;
    for (std::string login; in >> login;) row.members.push_back(directory_.account(login).value().id);
    return said(run(directory_.set_group(row, auth::Directory::Existing::refuse)));
  }
  // setting alice@example.org messages_per_hour 5
  std::string set_setting(const std::string& login, std::istream& in) {
    std::string name, value;
    in >> name >> value;
    return set_account(login, [&](auto& row) { row.settings[name] = value; });
  }
  // alias_domain alias.example example.org · catch_all example.org alice@example.org
  std::string set_domain(const std::string& what, const std::string& name, std::istream& in) {
    store::DomainRow row{name};
    in >> (what == "catch_all" ? row.catch_all : row.alias_of);
    (void)run(directory_.add_domain(name));
    return said(run(directory_.set_domain(row)));
  }
  std::string reject_full() {
    auto config = *config_.get();
    config.quota.when_full = config::OverQuota::reject;
    config_.replace(config);
    return {};
  }
  std::string set_quota(const std::string& login, std::istream& in) {
    std::uint64_t bytes = 0;
    in >> bytes;
    return set_account(login, [bytes](auto& row) { row.quota_bytes = bytes; });
  }

  static std::string expect_number(std::istream& in, std::uint64_t actual) {
    std::uint64_t expected = 0;
    in >> expected;
    return expected == actual ? std::string() : "expected " + std::to_string(expected) + ", found " + std::to_string(actual);
  }
  static std::string search(const std::string& text, std::istream& in) {
    std::string mode;
    std::string wanted;
    in >> mode >> std::ws;
    std::getline(in, wanted);
    const auto needle = unescape(wanted.starts_with('"') ? wanted : '"' + wanted + '"');
    if (!needle) return needle.error().text;
    const bool found = text.find(*needle) != std::string::npos;
    if (found == (mode == "has")) return {};
    return (found ? "has: " : "lacks: ") + *needle + "\nin:\n" + text;
  }

  FakeClock clock_;
  Metrics metrics_;
  std::string log_text_;
  Log log_;
  std::unique_ptr<store::memory::MemoryStore> store_;
  auth::Directory directory_;
  config::Live config_;
  policy::Srs srs_{Secret("0123456789abcdef0123456789abcdef")};
  queue::Door door_;
  std::shared_ptr<net::TlsServer> tls_;
  dns::Zone zone_{R"(
    client.example.         A   192.0.2.1
    1.2.0.192.in-addr.arpa. PTR client.example.
    elsewhere.example.      MX  10 mx.elsewhere.example.
    mx.elsewhere.example.   A   192.0.2.9
  )"};
  /// The zone, each of whose answers takes a step of the house's clock.
  class PacedZone final : public dns::Resolver {
   public:
    PacedZone(dns::Zone& zone, FakeClock& clock) : zone_(zone), clock_(clock) {}
    async::Task<dns::RawAnswer> query(std::string name, dns::Type type) override {
      clock_.advance(step);
      return zone_.query(std::move(name), type);
    }
    std::chrono::seconds step{0};

   private:
    dns::Zone& zone_;
    FakeClock& clock_;
  } paced_zone_{zone_, clock_};
  Folder own_list_folder_;
  std::unique_ptr<policy::OwnList> own_list_;
  policy::Greylist greylist_{nullptr};
  /// Knows "known@…", is unsure about "perhaps@…".
  class FakeCallout final : public policy::Callout {
   public:
    async::Task<policy::Answer> ask(config::Relay /*relay*/, mail::Address recipient) override {
      if (recipient.local() == "perhaps") co_return policy::Answer::unsure;
      co_return recipient.local() == "known" ? policy::Answer::yes : policy::Answer::no;
    }
  } callout_;
  std::optional<policy::Gate> gate_;
  std::optional<smtp::InboundService> inbound_;
  std::string default_service_ = "25";
  bool stress_ = false;
  std::vector<std::weak_ptr<net::Connection>> connections_;
  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>();
};

}  // namespace postern::test
