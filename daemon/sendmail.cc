// SPDX-License-Identifier: Apache-2.0
#include "daemon/sendmail.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "async/executor.h"
#include "config/parse.h"
#include "daemon/sendmail_letter.h"
#include "net/dial.h"
#include "outbound/client.h"

namespace postern::daemon {
namespace {

constexpr std::string_view default_config = "/etc/postern/postern.toml";
constexpr const char* mail_name_file = "/etc/mailname";
/// Where the trusted listener is when the caller may not read the configuration; the sample of docs/operations.md has it there.
constexpr std::string_view usual_listener = "127.0.0.1:2525";
constexpr std::size_t largest_message = 64UL * 1024 * 1024;

int complain(int code, std::string_view text) {
  std::cerr << "sendmail: " << text << "\n";
  return code;
}

/// Where to, and in whose words.
struct Way {
  config::Endpoint listener;
  std::shared_ptr<const config::Config> config;
};

/// A listener on all addresses is reached by loopback.
config::Endpoint reachable(config::Endpoint listener) {
  if (listener.ip == "0.0.0.0") listener.ip = "127.0.0.1";
  if (listener.ip == "::") listener.ip = "::1";
  return listener;
}

Result<Way> find_way() {
  const char* named = std::getenv("POSTERN_CONFIG");
  const std::string path(named != nullptr ? std::string_view(named) : default_config);
  auto config = std::make_shared<config::Config>();
  std::optional<config::Endpoint> listener;
  if (::access(path.c_str(), R_OK) == 0) {
    auto loading = config::load(path);  // anybody's cron job may find it unreadable, but not broken
    if (!loading) return fail(ErrorKind::invalid, path + " has mistakes; see: postern config check");
    *config = std::move(loading->config);
    if (config->listen.trusted.empty()) {
      return fail(ErrorKind::invalid,
                  fmt::format("{} has no listen.trusted; local programs need trusted = [\"{}\"] in [listen] and "
                              "networks = [\"127.0.0.0/8\"] in [trusted]",
                              path, usual_listener));
    }
    listener = reachable(config->listen.trusted.front());
  } else {
    listener = config::Endpoint::parse(usual_listener, 0).value();
  }
  return Way{*listener, std::move(config)};
}

/// What unqualified addresses get: the name for mail of this machine, else the domain above the server's name.
std::string default_domain(const config::Config& config) {
  std::string line;
  if (std::ifstream file(mail_name_file); std::getline(file, line) && !line.empty()) return line;
  std::string host = config.server.hostname;
  if (host == "localhost") {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) host = name.data();
  }
  const auto dot = host.find('.');
  return dot == std::string::npos ? host : host.substr(dot + 1);
}

LocalUser local_user(const config::Config& config) {
  LocalUser out{std::to_string(::getuid()), {}, default_domain(config)};
  if (const passwd* entry = ::getpwuid(::getuid()); entry != nullptr) {
    out.login = entry->pw_name;
    const std::string_view gecos = entry->pw_gecos == nullptr ? "" : entry->pw_gecos;
    out.name = gecos.substr(0, gecos.find(','));
  }
  return out;
}

/// Standard input; error too_large.
Result<std::string> read_input() {
  std::string out;
  std::array<char, 65536> piece{};
  for (;;) {
    const auto got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno_error("read standard input", errno));
    if (got == 0) return out;
    out.append(piece.data(), static_cast<std::size_t>(got));
    if (out.size() > largest_message) return fail(ErrorKind::too_large, "the message is larger than 64 MiB");
  }
}

class TextReader final : public store::BodyReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}
  std::uint64_t size() const override { return text_.size(); }
  async::Task<Result<std::string_view>> read(std::uint64_t offset, std::size_t most) override {
    co_return offset < text_.size() ? text_.substr(offset, most) : std::string_view();
  }

 private:
  std::string_view text_;
};

store::QueueEntry entry_of(const Letter& letter) {
  store::QueueEntry out;
  out.sender = letter.envelope.sender;
  out.body_type = letter.envelope.body;
  out.smtputf8 = letter.envelope.smtputf8;
  out.ret = letter.envelope.ret;
  out.envid = letter.envelope.envid;
  out.size = letter.text.size();
  for (const auto& recipient : letter.envelope.recipients) {
    out.recipients.push_back({.recipient = recipient, .domain = {}, .last_reply = {}});
  }
  return out;
}

/// One outcome for each recipient, or why nothing was asked.
async::Task<Result<std::vector<mail::Outcome>>> deliver(Way way, const Letter* letter) {
  const auto where = net::parse_endpoint(way.listener.to_string());
  if (!where) co_return std::unexpected(where.error());
  auto connection = co_await net::dial(*where);
  if (!connection) co_return std::unexpected(connection.error());
  outbound::Client client(std::move(*connection), way.listener.to_string(), way.config);
  const auto greeted = co_await client.greet();
  if (!greeted) co_return std::vector<mail::Outcome>(letter->envelope.recipients.size(), greeted.error());
  const auto entry = entry_of(*letter);
  const auto needs = outbound::needs_of(entry, letter->text);
  TextReader body(letter->text);
  outbound::Parcel parcel{entry, needs, body, {}};
  for (const auto& one : entry.recipients) parcel.to.push_back(&one);
  auto sent = co_await client.send(parcel);
  co_await client.quit();
  co_return std::move(sent.outcomes);
}

int code_of(const mail::Outcome& outcome) {
  using Kind = mail::Outcome::Kind;
  if (outcome.kind == Kind::delivered) return EX_OK;
  if (outcome.kind == Kind::deferred) return EX_TEMPFAIL;
  return outcome.enhanced.subject == 1 ? EX_NOUSER : EX_UNAVAILABLE;
}

/// Tells what did not work, one line for each recipient; a lasting refusal outweighs a passing one.
int report(const Letter& letter, const std::vector<mail::Outcome>& outcomes) {
  int code = EX_OK;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const int one = code_of(outcomes[i]);
    if (one == EX_OK) continue;
    complain(one,
             fmt::format("{}: {} {}", letter.envelope.recipients[i].address.to_string(), outcomes[i].code, outcomes[i].text));
    if (code == EX_OK || code == EX_TEMPFAIL) code = one;
  }
  return code;
}

int send(const SendmailLine& line) {
  auto way = find_way();
  if (!way) return complain(EX_CONFIG, way.error().text);
  const auto text = read_input();
  if (!text) return complain(EX_DATAERR, text.error().text);
  const auto meant = line.end == SendmailLine::End::at_dot ? up_to_dot(*text) : std::string_view(*text);
  const auto letter = make_letter(line, local_user(*way->config), meant);
  if (!letter) return complain(EX_DATAERR, letter.error().text);
  const auto where = way->listener.to_string();
  const auto outcomes = async::run_alone(deliver(std::move(*way), &*letter));
  if (!outcomes) return complain(EX_TEMPFAIL, fmt::format("no server at {}: {}", where, outcomes.error().text));
  return report(*letter, *outcomes);
}

}  // namespace

bool is_sendmail_name(std::string_view program) { return program == "sendmail" || program == "mailq" || program == "newaliases"; }

int run_sendmail(std::string_view program, std::span<const std::string> words, int (*list_queue)()) {
  const auto line = parse_sendmail_line(program, words);
  if (!line) return complain(EX_USAGE, line.error().text);
  if (line->task == SendmailLine::Task::list_queue) return list_queue();
  if (line->task == SendmailLine::Task::send) return send(*line);
  std::cout << "Nothing to do: aliases are changed by `postern alias` and work at once.\n";
  return EX_OK;
}

}  // namespace postern::daemon
