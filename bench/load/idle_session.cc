// SPDX-License-Identifier: Apache-2.0
// Sessions in IDLE.
#include "bench/load/idle_session.h"

#include <fmt/core.h>

#include <algorithm>

namespace postern::bench {

namespace {

constexpr unsigned patience_s = 120;
constexpr std::uint64_t opening_at_once = 20;

}  // namespace

void IdleSession::begin() {
  began_ns_ = now_ns();
  connect(work_.address, client_tls());
}

void IdleSession::on_line(std::string_view line) {
  if (line.starts_with("* OK") && !greeted_) {
    greeted_ = true;
    return send(fmt::format("a LOGIN \"{}\" \"{}\"\r\n", work_.users.at(number_), work_.password));
  }
  if (line.starts_with("a OK")) return send("b SELECT INBOX\r\n");
  if (line.starts_with("b OK")) return send("c IDLE\r\n");
  if (line.starts_with("+")) {
    idle_ = true;
    ++work_.ready;
    return work_.report.done(began_ns_);
  }
  if (!line.starts_with("* ")) return work_.report.error(line);
  if (idle_ && line.ends_with(" EXISTS") && work_.on_exists) work_.on_exists();
}

IdleSessions open_idle(Loop& loop, IdleWork& work, std::uint64_t count) {
  IdleSessions sessions;
  while (work.ready < count && work.report.errors() == 0) {
    const std::uint64_t goal = std::min(count, work.ready + opening_at_once);
    for (std::uint64_t i = work.ready; i < goal; ++i) {
      sessions.push_back(std::make_unique<IdleSession>(loop, work, i));
      sessions.back()->begin();
    }
    const auto done = [&] { return work.ready >= goal || work.report.errors() > 0; };
    if (!loop.run(done, patience_s)) work.report.error("no progress");
  }
  return sessions;
}

}  // namespace postern::bench
