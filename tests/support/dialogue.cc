// SPDX-License-Identifier: Apache-2.0
// The dialogue runner: parser of the file form, client ends of the connections (plain and TLS), and the steps.
#include "tests/support/dialogue.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>

#include "base/encoding.h"
#include "base/log.h"

namespace postern::test {
namespace {

/// How long the runner waits for a line, a handshake or a close before it calls the server hung.
constexpr std::chrono::seconds patience{10};
/// How long the server may stay quiet for `silent`.
constexpr std::chrono::milliseconds quiet_time{30};

struct Step {
  enum class Kind { send, send_raw, exact, like, any_of, until, open, tls, closed, hangup, silent, act, verify };
  Kind kind = Kind::send;
  std::string connection;
  std::string text;
  int line = 0;
};

/// A dialogue that went wrong; caught by run_dialogue.
struct Deviation {
  std::string text;
};

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

/// The client's end of one connection.
class Client {
 public:
  Client(UniqueFd fd, boost::asio::io_context& io) : fd_(std::move(fd)), io_(io) {}

  void send(std::string_view bytes) {
    const auto end = deadline();
    while (!bytes.empty()) {
      const auto n = write_some(bytes);
      if (n < 0) return;  // the server has closed: the next expectation tells
      bytes.remove_prefix(static_cast<std::size_t>(n));
      if (n == 0) turn(end, "the server does not read");
    }
  }

  /// The next line without its line end; a last line without one counts. Nothing when the server has closed.
  std::optional<std::string> line() {
    const auto end = deadline();
    for (;;) {
      const auto at = in_.find('\n');
      if (at != std::string::npos) {
        auto line = in_.substr(0, at);
        in_.erase(0, at + 1);
        if (line.ends_with('\r')) line.pop_back();
        return line;
      }
      if (eof_) return in_.empty() ? std::nullopt : std::optional(std::exchange(in_, {}));
      if (!read_some()) turn(end, "no line came");
    }
  }

  void handshake() {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_.get());
    const auto end = deadline();
    for (;;) {
      const int done = SSL_connect(ssl_.get());
      if (done == 1) return;
      const int error = SSL_get_error(ssl_.get(), done);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) throw Deviation{"the TLS handshake failed"};
      turn(end, "the TLS handshake does not end");
    }
  }

  void expect_closed() {
    if (!in_.empty()) throw Deviation{"expected the end, got: " + in_};
    const auto end = deadline();
    while (!eof_) {
      if (read_some() && !in_.empty()) throw Deviation{"expected the end, got: " + in_};
      if (!eof_) turn(end, "the server does not close");
    }
  }

  void expect_silence() {
    const auto end = std::chrono::steady_clock::now() + quiet_time;
    while (std::chrono::steady_clock::now() < end) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(2));
      read_some();
    }
    if (!in_.empty()) throw Deviation{"expected silence, got: " + in_};
    if (eof_) throw Deviation{"expected silence, but the server closed"};
  }

  void hang_up() {
    ssl_.reset();
    fd_.reset();
    eof_ = true;
  }

 private:
  using Time = std::chrono::steady_clock::time_point;
  static Time deadline() { return std::chrono::steady_clock::now() + patience; }

  /// Lets the server work.
  void turn(Time end, const char* complaint) {
    if (std::chrono::steady_clock::now() > end) throw Deviation{complaint};
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds(5));
    io_.poll();
  }

  /// True when something changed.
  bool read_some() {
    std::array<char, 16384> buffer;
    const auto n = ssl_ ? tls_read(buffer) : ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) {
      in_.append(buffer.data(), static_cast<std::size_t>(n));
      return true;
    }
    if (!ssl_ && n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (ssl_ && n == -2) return false;
    eof_ = true;
    return true;
  }

  /// -2: nothing there now; 0 or -1: the end.
  ssize_t tls_read(std::span<char> buffer) {
    const int n = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (n > 0) return n;
    const int error = SSL_get_error(ssl_.get(), n);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -2 : 0;
  }

  /// Octets written, 0 when the server must read first, -1 when it has closed.
  ssize_t write_some(std::string_view bytes) {
    if (eof_) return -1;
    if (ssl_) {
      const int n = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 16384)));
      if (n > 0) return n;
      const int error = SSL_get_error(ssl_.get(), n);
      return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
  }

  UniqueFd fd_;
  boost::asio::io_context& io_;
  std::unique_ptr<SSL_CTX, SslFree> context_;
  std::unique_ptr<SSL, SslFree> ssl_;
  std::string in_;
  bool eof_ = false;
};

/// Reads the file into steps; throws Deviation with the line.
class Parser {
 public:
  std::vector<Step> parse(std::istream& in) {
    for (std::string text; std::getline(in, text); ++line_) {
      if (text.ends_with('\r')) text.pop_back();
      if (!text.empty() && text[0] != '#') take(text);
    }
    if (repeat_) throw Deviation{"repeat without end"};
    return std::move(steps_);
  }
  int line() const { return line_; }

 private:
  void take(const std::string& text) {
    if (verify_) return put(Step::Kind::verify, "", text);
    if (text == ".verify") {
      verify_ = true;
      return;
    }
    const auto space = text.find(' ');
    const auto word = text.substr(0, space);
    const auto rest = space == std::string::npos ? std::string() : text.substr(space + 1);
    if (word == "do") return put(Step::Kind::act, "", rest);
    if (word == "repeat") return begin_repeat(rest);
    if (word == "end") return end_repeat();
    if (word == "open") {
      const auto name_end = rest.find(' ');
      return put(Step::Kind::open, name_of(rest.substr(0, name_end)),
                 name_end == std::string::npos ? "" : rest.substr(name_end + 1));
    }
    static const std::map<std::string, Step::Kind> plain = {
        {"tls", Step::Kind::tls}, {"closed", Step::Kind::closed}, {"hangup", Step::Kind::hangup}, {"silent", Step::Kind::silent}};
    if (const auto found = plain.find(word); found != plain.end())
      return put(found->second, rest.empty() ? "" : name_of(rest), "");
    take_speech(word, rest);
  }

  void take_speech(const std::string& word, const std::string& rest) {
    const char who = word[0];
    std::size_t sign = 1;
    while (sign < word.size() && (std::isalnum(static_cast<unsigned char>(word[sign])) != 0)) ++sign;
    const auto connection = word.substr(1, sign - 1);
    const auto mark = word.substr(sign);
    if (who == 'c' && mark == ":") return put(Step::Kind::send, connection, rest);
    if (who == 'c' && mark == "\\:") return put(Step::Kind::send_raw, connection, rest);
    if (who == 's' && mark == ":") return put(Step::Kind::exact, connection, rest);
    if (who == 's' && mark == "~") return put(Step::Kind::like, connection, rest);
    if (who == 's' && mark == "|") return put(Step::Kind::any_of, connection, rest);
    if (who == 's' && mark == ">") return put(Step::Kind::until, connection, rest);
    throw Deviation{"cannot read this line: " + word + " " + rest};
  }

  static std::string name_of(const std::string& word) {
    if (!word.starts_with('c')) throw Deviation{"connections are called c, c1, c2 …, not " + word};
    return word.substr(1);
  }

  void begin_repeat(const std::string& count) {
    if (repeat_) throw Deviation{"repeat inside of repeat"};
    repeat_ = std::stoul(count);
    repeat_from_ = steps_.size();
  }
  void end_repeat() {
    if (!repeat_) throw Deviation{"end without repeat"};
    const std::vector<Step> block(steps_.begin() + static_cast<std::ptrdiff_t>(repeat_from_), steps_.end());
    for (std::size_t i = 1; i < *repeat_; ++i) steps_.insert(steps_.end(), block.begin(), block.end());
    repeat_.reset();
  }
  void put(Step::Kind kind, std::string connection, std::string text) {
    steps_.push_back({kind, std::move(connection), std::move(text), line_});
  }

  std::vector<Step> steps_;
  int line_ = 1;
  bool verify_ = false;
  std::optional<std::size_t> repeat_;
  std::size_t repeat_from_ = 0;
};

class Runner {
 public:
  explicit Runner(DialogueHost& host) : host_(host) {}

  void run(const Step& step) {
    switch (step.kind) {
      case Step::Kind::act: return complain(host_.act(step.text));
      case Step::Kind::verify: clients_.clear(); return complain(host_.verify(step.text));
      case Step::Kind::open: return open(step.connection, step.text);
      default: return run(client(step.connection), step);
    }
  }

 private:
  void run(Client& client, const Step& step) {
    switch (step.kind) {
      case Step::Kind::send: return client.send(step.text + "\r\n");
      case Step::Kind::send_raw: return send_raw(client, step.text);
      case Step::Kind::tls: return client.handshake();
      case Step::Kind::closed: return client.expect_closed();
      case Step::Kind::hangup: return client.hang_up();
      case Step::Kind::silent: return client.expect_silence();
      case Step::Kind::until: return read_until(client, step.text);
      default: return expect_line(client, step);
    }
  }

  static void complain(const std::string& what) {
    if (!what.empty()) throw Deviation{what};
  }
  static void send_raw(Client& client, const std::string& text) {
    const auto bytes = unescape(text);
    if (!bytes) throw Deviation{bytes.error().text};
    client.send(*bytes);
  }
  static void expect_line(Client& client, const Step& step) {
    const auto line = client.line();
    if (!line) throw Deviation{"expected: " + step.text + "\n     got: the end of the connection"};
    const bool good = step.kind == Step::Kind::exact    ? *line == step.text
                      : step.kind == Step::Kind::any_of ? matches_any(step.text, *line)
                                                        : matches(step.text, *line);
    if (!good) throw Deviation{"expected: " + step.text + "\n     got: " + *line};
  }
  static bool matches_any(std::string_view patterns, std::string_view line) {
    for (;;) {
      const auto bar = patterns.find('|');
      if (matches(patterns.substr(0, bar), line)) return true;
      if (bar == std::string_view::npos) return false;
      patterns.remove_prefix(bar + 1);
    }
  }
  static void read_until(Client& client, const std::string& pattern) {
    std::string seen;
    while (const auto line = client.line()) {
      if (matches(pattern, *line)) return;
      seen += "\n     got: " + *line;
    }
    throw Deviation{"never came: " + pattern + seen};
  }

  void open(const std::string& name, std::string_view words) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) throw Deviation{"no socket pair"};
    host_.serve(UniqueFd(ends[1]), words);
    clients_.insert_or_assign(name, std::make_unique<Client>(UniqueFd(ends[0]), host_.io()));
  }
  Client& client(const std::string& name) {
    if (!clients_.contains(name)) open(name, "");
    return *clients_.at(name);
  }

  DialogueHost& host_;
  std::map<std::string, std::unique_ptr<Client>> clients_;
};

}  // namespace

std::vector<std::filesystem::path> dialogue_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string dialogue_name(const std::filesystem::path& file) {
  auto name = file.stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\' && pattern[p + 1] == '*';
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p + (escaped ? 1 : 0)] == text[t]) {
      p += escaped ? 2 : 1;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

namespace {

/// What follows a backslash; the cursor-like view is advanced.
Result<std::string> take_escape(std::string_view& in) {
  static const std::map<char, char> simple = {{'r', '\r'}, {'n', '\n'}, {'t', '\t'}, {'0', '\0'}, {'\\', '\\'}, {'"', '"'}};
  if (in.empty()) return fail(ErrorKind::invalid, "backslash at the end");
  const char c = in[0];
  in.remove_prefix(1);
  if (const auto found = simple.find(c); found != simple.end()) return std::string(1, found->second);
  if (c == 'x') {
    auto octet = hex_decode(in.substr(0, 2));
    if (octet) in.remove_prefix(2);
    return octet;
  }
  const auto colon = in.find(':');
  const auto close = in.find(')');
  if (c != '(' || colon == std::string_view::npos || close == std::string_view::npos || colon > close) {
    return fail(ErrorKind::invalid, "unknown escape");
  }
  std::string out;
  const auto unit = in.substr(colon + 1, close - colon - 1);
  std::string plain;
  for (auto rest = unit; !rest.empty();) {
    if (rest[0] == '\\') {
      rest.remove_prefix(1);
      const auto inner = take_escape(rest);
      if (!inner) return inner;
      plain += *inner;
    } else {
      plain += rest[0];
      rest.remove_prefix(1);
    }
  }
  for (auto n = std::stoul(std::string(in.substr(0, colon))); n > 0; --n) out += plain;
  in.remove_prefix(close + 1);
  return out;
}

}  // namespace

Result<std::string> unescape(std::string_view quoted) {
  std::string out;
  bool inside = false;
  while (!quoted.empty()) {
    const char c = quoted[0];
    quoted.remove_prefix(1);
    if (c == '"') {
      inside = !inside;
    } else if (!inside) {
      if (c != ' ') return fail(ErrorKind::invalid, "octets outside of quotes");
    } else if (c == '\\') {
      auto octets = take_escape(quoted);
      if (!octets) return octets;
      out += *octets;
    } else {
      out += c;
    }
  }
  if (inside) return fail(ErrorKind::invalid, "quote without end");
  return out;
}

void run_dialogue(const std::filesystem::path& file, DialogueHost& host) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to closed sockets; the error is enough
  std::ifstream in(file);
  Parser parser;
  int line = 0;
  try {
    const auto steps = parser.parse(in);
    ASSERT_FALSE(steps.empty()) << file << ": no steps";
    line = 0;
    Runner runner(host);
    for (const auto& step : steps) {
      line = step.line;
      runner.run(step);
    }
  } catch (const Deviation& deviation) {
    ADD_FAILURE_AT(file.c_str(), line != 0 ? line : parser.line()) << deviation.text;
  }
}

}  // namespace postern::test
