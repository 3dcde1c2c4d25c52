// SPDX-License-Identifier: Apache-2.0
#include "transfer/imap_connection.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/encoding.h"
#include "net/dial.h"

namespace postern::transfer {

namespace {

using imap_client::Answer;
using imap_client::Condition;
using Kind = Condition::Kind;

constexpr std::uint16_t implicit_port = 993;
constexpr std::uint16_t starttls_port = 143;
constexpr std::chrono::minutes answer_limit{5};
constexpr std::chrono::seconds connect_limit{30};
constexpr std::chrono::seconds goodbye_limit{2};
constexpr std::size_t body_piece = 256 * 1024;
constexpr std::size_t max_server_words = 300;  ///< of a server's text in an error

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// The command line may ask the system's resolver; the server never does.
Result<std::vector<net::Endpoint>> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> owner(found);
  if (code != 0) return fail(ErrorKind::not_found, "there is no host " + host + ": " + ::gai_strerror(code));
  std::vector<net::Endpoint> out;
  for (const auto* one = found; one; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    if (const auto address = IpAddress::parse(text.data())) out.push_back({*address, port});
  }
  if (out.empty()) return fail(ErrorKind::not_found, host + " has no address");
  return out;
}

/// What a server said, fit for a terminal.
std::string harmless(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, max_server_words)) out += ascii::is_ctl(c) || ascii::is_eight_bit(c) ? '?' : c;
  return out;
}

std::string_view untagged(const Answer& answer) {
  return answer.text.starts_with("* ") ? std::string_view(answer.text).substr(2) : std::string_view();
}

}  // namespace

Result<std::string> imap_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\0' || ascii::is_eight_bit(c))
      return fail(ErrorKind::invalid, "has octets that IMAP cannot quote");
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

async::Task<Result<std::unique_ptr<ImapConnection>>> ImapConnection::open(const ImapServer& server) {
  const bool implicit = server.tls == ImapServer::Tls::implicit;
  const std::uint16_t port = server.port != 0 ? server.port : implicit ? implicit_port : starttls_port;
  const auto endpoints = resolve(server.host, port);
  if (!endpoints) co_return std::unexpected(endpoints.error());
  Result<std::unique_ptr<net::Connection>> stream = fail(ErrorKind::unavailable, server.host + " does not answer");
  for (const auto& endpoint : *endpoints) {
    stream = co_await net::dial(endpoint, {.connect_timeout = connect_limit, .timeout = answer_limit, .source = {}});
    if (stream) break;
  }
  if (!stream) co_return std::unexpected(stream.error());
  std::unique_ptr<ImapConnection> connection(new ImapConnection(*std::move(stream)));
  if (auto begun = co_await connection->begin(server); !begun) co_return std::unexpected(begun.error());
  co_return connection;
}

async::Task<Result<>> ImapConnection::begin(const ImapServer& server) {
  if (server.tls == ImapServer::Tls::implicit) {
    if (auto secured = co_await start_tls(server); !secured) co_return secured;
    if (auto greeted = co_await greet(); !greeted) co_return greeted;
  } else {
    if (auto greeted = co_await greet(); !greeted) co_return greeted;
    // RFC 3501 §6.2.1
    if (auto agreed = co_await run("STARTTLS"); !agreed)
      co_return fail(ErrorKind::denied, "the server does not offer STARTTLS; try --tls");
    if (auto secured = co_await start_tls(server); !secured) co_return secured;
  }
  co_return co_await enter(server);
}

async::Task<Result<std::unique_ptr<ImapConnection>>> ImapConnection::adopt(std::unique_ptr<net::Connection> stream,
                                                                           const ImapServer& server) {
  std::unique_ptr<ImapConnection> connection(new ImapConnection(std::move(stream)));
  if (auto greeted = co_await connection->greet(); !greeted) co_return std::unexpected(greeted.error());
  if (auto entered = co_await connection->enter(server); !entered) co_return std::unexpected(entered.error());
  co_return connection;
}

async::Task<Result<>> ImapConnection::enter(const ImapServer& server) {
  // Whatever was said before TLS does not count (RFC 3501 §6.2.1).
  capabilities_.clear();
  if (auto asked = co_await ask_capabilities(); !asked) co_return asked;
  if (auto logged_in = co_await log_in(server); !logged_in) co_return logged_in;
  co_return co_await ask_capabilities();
}

async::Task<Result<>> ImapConnection::greet() {
  const auto answer = co_await receive(nullptr);
  if (!answer) co_return std::unexpected(answer.error());
  const auto condition = imap_client::parse_condition(untagged(*answer));
  if (!condition || condition->kind == Kind::bye || condition->kind == Kind::no || condition->kind == Kind::bad)
    co_return fail(ErrorKind::unavailable, "the server refuses: " + harmless(answer->text));
  if (condition->kind == Kind::preauth)
    co_return fail(ErrorKind::denied, "the server logged us in before we said who we are; that is not the account you named");
  co_return Result<>();
}

async::Task<Result<>> ImapConnection::start_tls(const ImapServer& server) {
  const auto client = net::TlsClient::create({.ca_file = server.ca_file, .alpn = {}});
  if (!client) co_return std::unexpected(client.error());
  net::TlsClientPolicy policy{.host = server.host, .trust = net::TlsTrust::verified, .tlsa = {}, .more_names = {}};
  auto secured = co_await stream_->start_tls_client(**client, policy);
  if (!secured) secured.error().text += "; a private authority's certificate is given with --ca FILE";
  co_return secured;
}

async::Task<Result<>> ImapConnection::ask_capabilities() {
  const auto answers = co_await run("CAPABILITY");
  if (!answers) co_return std::unexpected(answers.error());
  for (const auto& answer : *answers) note_capabilities(answer);
  co_return Result<>();
}

void ImapConnection::note_capabilities(const Answer& answer) {
  if (auto words = imap_client::parse_capabilities(untagged(answer))) capabilities_ = *std::move(words);
}

bool ImapConnection::can(std::string_view capability) const {
  return std::ranges::find(capabilities_, capability) != capabilities_.end();
}

async::Task<Result<>> ImapConnection::log_in(const ImapServer& server) {
  Result<std::vector<Answer>> done;
  if (can("AUTH=PLAIN")) {
    // RFC 4616 §2, RFC 4959: the answer with the command, or after the empty challenge
    std::string plain = std::string(1, '\0') + server.user + std::string(1, '\0') + std::string(server.password.reveal());
    std::string encoded = base64_encode(plain);
    wipe(plain);
    if (can("SASL-IR")) {
      done = co_await run("AUTHENTICATE PLAIN " + encoded);
    } else {
      const auto tag = co_await send("AUTHENTICATE PLAIN");
      if (!tag) co_return std::unexpected(tag.error());
      const auto challenge = co_await stream_->read_line(imap_client::max_line);
      if (!challenge) co_return std::unexpected(challenge.error());
      if (!challenge->starts_with('+')) co_return fail(ErrorKind::denied, "login refused: " + harmless(*challenge));
      if (auto sent = co_await stream_->write(encoded + "\r\n"); !sent) co_return sent;
      for (;;) {
        const auto answer = co_await receive(nullptr);
        if (!answer) co_return std::unexpected(answer.error());
        if (answer->text.starts_with("* ")) continue;
        const auto condition = imap_client::parse_condition(std::string_view(answer->text).substr(tag->size() + 1));
        if (condition && condition->kind == Kind::ok)
          done = std::vector<Answer>();
        else
          done = fail(ErrorKind::denied, harmless(answer->text));
        break;
      }
    }
    wipe(encoded);
  } else {
    if (can("LOGINDISABLED")) co_return fail(ErrorKind::denied, "the server offers no login that we know (PLAIN, LOGIN)");
    const auto user = imap_quoted(server.user);
    auto password = imap_quoted(server.password.reveal());
    if (!user || !password) co_return fail(ErrorKind::invalid, "user or password have octets that LOGIN cannot say");
    done = co_await run("LOGIN " + *user + " " + *password);
    wipe(*password);
  }
  if (!done && done.error().kind == ErrorKind::denied)
    co_return fail(ErrorKind::denied, server.user + " cannot log in: " + done.error().text);
  co_return done ? Result<>() : Result<>(std::unexpected(done.error()));
}

async::Task<Result<std::string>> ImapConnection::send(std::string command) {
  std::string tag = "p" + std::to_string(next_tag_++);
  std::string line = tag + " " + command + "\r\n";
  const auto sent = co_await stream_->write(line);
  wipe(line);
  wipe(command);
  if (!sent) co_return std::unexpected(sent.error());
  co_return tag;
}

async::Task<Result<>> ImapConnection::take_literal(std::uint64_t size, Intake* intake) {
  intake_error_.reset();
  while (size > 0) {
    const auto piece = co_await stream_->read_chunk(static_cast<std::size_t>(std::min<std::uint64_t>(size, body_piece)));
    if (!piece) co_return std::unexpected(piece.error());
    size -= piece->size();
    if (!intake || intake_error_) continue;
    if (auto written = intake->write(*piece); !written) intake_error_ = written.error();
  }
  co_return Result<>();
}

async::Task<Result<Answer>> ImapConnection::receive(Intake* intake) {
  Answer out;
  for (;;) {
    const auto line = co_await stream_->read_line(imap_client::max_line);
    if (!line) co_return std::unexpected(line.error());
    out.text += *line;
    if (out.text.size() > imap_client::max_line) co_return fail(ErrorKind::too_large, "the server's answer is too long");
    const auto mark = imap_client::literal_at_end(*line);
    if (!mark) co_return out;
    const auto before = std::string_view(out.text).substr(0, out.text.size() - (line->size() - mark->at));
    const bool message = imap_client::announces_message(before) && !out.streamed;
    out.text += '\n';
    if (message) {
      out.streamed = true;
      if (auto taken = co_await take_literal(mark->size, intake); !taken) co_return std::unexpected(taken.error());
      continue;
    }
    if (mark->size > imap_client::max_small_literal || out.literals.size() == imap_client::max_literals)
      co_return fail(ErrorKind::too_large, "the server's answer is too long");
    out.literals.emplace_back();
    const auto read = co_await stream_->read_exactly(static_cast<std::size_t>(mark->size), out.literals.back());
    if (!read) co_return std::unexpected(read.error());
  }
}

async::Task<Result<std::vector<Answer>>> ImapConnection::run(std::string command) {
  const std::string what = command.substr(0, command.find(' '));
  const auto tag = co_await send(std::move(command));
  if (!tag) co_return std::unexpected(tag.error());
  std::vector<Answer> answers;
  for (;;) {
    auto answer = co_await receive(nullptr);
    if (!answer) co_return std::unexpected(answer.error());
    if (!answer->text.starts_with(*tag + " ")) {
      if (answers.size() == imap_client::max_unasked) co_return fail(ErrorKind::limit, "the server says too much");
      answers.push_back(*std::move(answer));
      continue;
    }
    const auto condition = imap_client::parse_condition(std::string_view(answer->text).substr(tag->size() + 1));
    if (condition && condition->kind == Kind::ok) {
      answers.push_back(*std::move(answer));
      co_return answers;
    }
    co_return fail(ErrorKind::denied, "the server refuses " + what + ": " + harmless(answer->text.substr(tag->size() + 1)));
  }
}

async::Task<> ImapConnection::close() {
  stream_->set_timeout(goodbye_limit);
  (void)co_await run("LOGOUT");
  co_await stream_->close_gracefully();
}

}  // namespace postern::transfer
