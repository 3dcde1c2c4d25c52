// SPDX-License-Identifier: Apache-2.0
#include "admin/cli/breach.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "admin/checks.h"
#include "admin/cli/output.h"
#include "admin/json.h"
#include "auth/breach_file.h"
#include "auth/breach_import.h"
#include "auth/common_password.h"
#include "auth/passwords.h"
#include "auth/settings.h"
#include "base/ascii.h"
#include "config/parse.h"

namespace postern::admin::cli {

namespace json = boost::json;

namespace {

/// Progress is drawn again after so many octets of the source or keys of the list.
constexpr std::uint64_t progress_step = std::uint64_t{8} << 20;

Failure failure_of(const Error& error) { return {code_for_answer(error.kind), error.text}; }

/// What a command prints: one JSON line, or text.
int show(const Invocation& run, const json::object& answer, const std::string& text) {
  const auto line = run.json ? to_line(answer) : text;
  std::cout << ascii::trim(line) << "\n";
  return exit_ok;
}

/// Ctrl-C and SIGTERM are blocked in every command (daemon/signals.h): long ones look for them.
bool asked_to_stop() {
  sigset_t pending;
  ::sigpending(&pending);
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

/// One line on a terminal that is written over until it ends.
class ProgressLine {
 public:
  explicit ProgressLine(const Invocation& run) : on_(!run.json && ::isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (drawn_) std::cerr << "\r\033[K";
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void draw(std::uint64_t measure, const std::string& text) {
    if (!on_ || (drawn_ && measure - last_ < progress_step)) return;
    std::cerr << "\r\033[K" << text << std::flush;
    drawn_ = true;
    last_ = measure;
  }

 private:
  bool on_;
  bool drawn_ = false;
  std::uint64_t last_ = 0;
};

class Breach {
 public:
  explicit Breach(BecomeOwner become_owner) : become_owner_(std::move(become_owner)) {}

  int import(Invocation& run) const;
  int info(Invocation& run) const;
  int check(Invocation& run) const;
  int remove(Invocation& run) const;

 private:
  /// The list's path, as the user of the data folder.
  std::expected<std::filesystem::path, Failure> list(const Invocation& run) const {
    auto loaded = config::load(run.config_path);
    if (!loaded) return std::unexpected(configuration_failure(run.config_path, loaded.error()));
    const auto& server = loaded->config.server;
    if (auto became = become_owner_(server); !became) return std::unexpected(failure_of(became.error()));
    return server.data_dir / auth::breach_file_name;
  }

  BecomeOwner become_owner_;
};

std::expected<auth::BreachFormat, Failure> format_of(const Invocation& run) {
  const auto text = run.text("format");
  if (text.empty()) return auth::BreachFormat::detect;
  if (text == "passwords") return auth::BreachFormat::passwords;
  if (text == "sha1") return auth::BreachFormat::sha1;
  return std::unexpected(Failure{exit_usage, "there is no format " + text + "; choose from passwords, sha1"});
}

std::string progress_text(const auth::BreachProgress& p) {
  if (p.written > 0) return fmt::format("sorting: {} written", p.written);
  const auto share = p.total > 0 ? fmt::format(", {} %", p.bytes * 100 / p.total) : std::string();
  return fmt::format("reading: {} lines, {}{}", p.lines, human_size(p.bytes), share);
}

// The source is opened before root is given up: it may be anywhere.
int Breach::import(Invocation& run) const {
  const auto format = format_of(run);
  if (!format) return show_failure(run, format.error());
  const auto name = run.text("file");
  UniqueFd file;
  if (name != "-") {
    file.reset(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return show_failure(run, failure_of(errno_error("open " + name, errno)));
  }
  const auto path = list(run);
  if (!path) return show_failure(run, path.error());
  Result<auth::BreachReport> report = fail(ErrorKind::internal, "nothing was done");
  {
    ProgressLine line(run);
    auth::BreachImport wanted{.target = *path, .format = *format};
    if (run.has("min-count")) wanted.least_count = std::stoull(run.text("min-count"));
    wanted.progress = [&](const auth::BreachProgress& p) {
      line.draw(p.bytes + p.written, progress_text(p));
      return !asked_to_stop();
    };
    report = auth::import_breaches(name == "-" ? STDIN_FILENO : file.get(), wanted, SystemClock().unix_now());
  }
  if (!report) return show_failure(run, failure_of(report.error()));
  const auto size = report->keys * auth::breach_key_size + auth::breach_header_size;
  std::string text = fmt::format("{} passwords from {} lines, {}", report->keys, report->lines, human_size(size));
  if (report->rare > 0) text += fmt::format("; {} seen too rarely", report->rare);
  if (report->skipped > 0) text += fmt::format("; {} empty or too long", report->skipped);
  return show(run,
              {{"passwords", report->keys},
               {"lines", report->lines},
               {"rare", report->rare},
               {"skipped", report->skipped},
               {"format", report->format == auth::BreachFormat::sha1 ? "sha1" : "passwords"},
               {"bytes", size}},
              text + ". New passwords are checked against them from now on.");
}

int Breach::info(Invocation& run) const {
  const auto path = list(run);
  if (!path) return show_failure(run, path.error());
  const auto file = auth::BreachFile::open(*path);
  if (!file && file.error().kind == ErrorKind::not_found) {
    return show(
        run, {{"passwords", 0}},
        "There is no breach list; the built-in one of the 49,233 commonest passwords is used. Add one with: postern breach "
        "import FILE");
  }
  if (!file) return show_failure(run, failure_of(file.error()));
  if (run.has("verify")) {
    ProgressLine line(run);
    const auto whole = file->verify([&](std::uint64_t keys) {
      line.draw(keys * auth::breach_key_size, fmt::format("{} of {} passwords read", keys, file->info().keys));
    });
    if (!whole) return show_failure(run, failure_of(whole.error()));
  }
  const auto& info = file->info();
  return show(
      run, {{"passwords", info.keys}, {"lines", info.lines}, {"made", info.made}, {"verified", run.has("verify")}},
      fmt::format("{} passwords from {} lines, imported {}{}.", info.keys, info.lines,
                  human_time(info.made, SystemClock().unix_now()), run.has("verify") ? "; every one is in its place" : ""));
}

// Exit code 0: on no list; 1: on one.
int Breach::check(Invocation& run) const {
  auto typed = read_line_from_stdin();
  if (typed.empty()) return show_failure(run, {exit_usage, "no password came on standard input; write it as one line"});
  const auto password = auth::opaque_string(typed);
  wipe(typed);
  if (!password) return show_failure(run, failure_of(password.error()));
  const auto path = list(run);
  if (!path) return show_failure(run, path.error());
  const bool common = auth::is_common_password(password->reveal());
  const auto file = auth::BreachFile::open(*path);
  if (!file && file.error().kind != ErrorKind::not_found) return show_failure(run, failure_of(file.error()));
  const auto found = file ? file->contains(auth::breach_key(password->reveal())) : Result<bool>(false);
  if (!found) return show_failure(run, failure_of(found.error()));
  const char* const text = *found   ? "It is on the breach list."
                           : common ? "It is on the built-in list of common passwords, or made from one that is."
                           : file   ? "It is on no list."
                                    : "It is not on the built-in list; there is no breach list.";
  show(run, {{"breached", *found}, {"common", common}}, text);
  return *found || common ? exit_refused : exit_ok;
}

int Breach::remove(Invocation& run) const {
  const auto path = list(run);
  if (!path) return show_failure(run, path.error());
  if (::unlink(path->c_str()) != 0) {
    if (errno == ENOENT) return show(run, {{"removed", false}}, "There is no breach list.");
    return show_failure(run, failure_of(errno_error("remove " + path->string(), errno)));
  }
  return show(run, {{"removed", true}}, "The breach list is gone; the built-in one is still used.");
}

}  // namespace

std::vector<Subcommand> breach_commands(const BecomeOwner& become_owner) {
  const Breach breach(become_owner);
  return {
      {"breach import",
       "take over a list of breached passwords, in place of the one before",
       "postern breach import pwned-passwords-sha1-ordered-by-hash.txt",
       {{"file", "passwords one a line, or SHA-1 digests (hex, perhaps :count), sorted or not; - for standard input",
         Option::Kind::text, true},
        {"--format", "passwords or sha1; found out from the first line unless told"},
        {"--min-count", "leave out digests that were seen less often", Option::Kind::number}},
       [breach](Invocation& run) { return breach.import(run); }},
      {"breach info",
       "show what the breach list holds",
       "postern breach info --verify",
       {{"--verify", "read all of it and compare its checksum", Option::Kind::flag}},
       [breach](Invocation& run) { return breach.info(run); }},
      {"breach check",
       "say whether a password, one line of standard input, is on a list; exit code 1 when it is",
       "postern breach check < password.txt",
       {},
       [breach](Invocation& run) { return breach.check(run); }},
      {"breach remove",
       "remove the breach list",
       "postern breach remove",
       {},
       [breach](Invocation& run) { return breach.remove(run); }},
  };
}

}  // namespace postern::admin::cli
