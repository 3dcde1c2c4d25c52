// SPDX-License-Identifier: Apache-2.0
// 2,000 bodies of 10 KiB of one mailbox, read warm in the order of their UIDs, as FETCH reads them: many in one visit.
#include "bench/store/bench.h"

namespace postern::bench {

namespace {

constexpr std::size_t bodies = 2000;
constexpr std::size_t page = 500;
constexpr double raw_goal = 1000;  ///< MB/s
constexpr double zstd_goal = 400;

void fill(store::Session& session, store::MailboxId mailbox, bool text) {
  for (std::size_t begin = 0; begin < bodies; begin += page) {
    std::vector<store::NewMessage> messages;
    for (std::size_t i = begin; i < begin + page; ++i) {
      auto body = text ? text_body(body_bytes, i) : noise_body(body_bytes, i);
      messages.push_back({.body = store::body_of(std::move(body)), .internal_date = 1'700'000'000});
    }
    must(session.append(mailbox, std::move(messages)));
  }
}

/// All bodies through Session::read(), on a loop of its own, so that no thread is made for each visit.
async::Task<Result<std::uint64_t>> read_all(store::Session& session, store::MailboxId mailbox) {
  std::uint64_t octets = 0;
  for (store::Uid next = 1;;) {
    const auto texts =
        co_await session.read(mailbox, store::UidSet{{next, UINT32_MAX}}, {.per_message = 1 << 20, .total = 1 << 20});
    if (!texts) co_return std::unexpected(texts.error());
    for (const auto& text : texts->texts) octets += text.octets.size();
    if (texts->through == UINT32_MAX) co_return octets;
    next = texts->through + 1;
  }
}

double megabytes_per_second(store::Session& session, store::MailboxId mailbox) {
  const auto start = SteadyClock::now();
  const auto octets = must(read_all(session, mailbox));
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  if (octets != bodies * body_bytes) throw std::runtime_error("bodies are missing");
  return static_cast<double>(octets) / 1e6 / seconds;
}

}  // namespace

void measure_bodies(const Settings& settings, Lines& lines) {
  World world(settings.folder / "bodies", std::chrono::microseconds(0));
  for (const bool text : {false, true}) {
    const auto account = world.add_account(text ? "text@example.org" : "noise@example.org");
    const auto session = world.store().session(test::identity(account));
    const auto inbox = must(session->status("INBOX")).id;
    fill(*session, inbox, text);
    Line line{text ? "2,000 bodies of 10 KiB, zstd, warm" : "2,000 bodies of 10 KiB, raw, warm",
              "MB/s",
              {},
              text ? zstd_goal : raw_goal};
    megabytes_per_second(*session, inbox);
    for (int round = 0; round < settings.rounds * 3; ++round) line.values.push_back(megabytes_per_second(*session, inbox));
    lines.push_back(std::move(line));
  }
}

}  // namespace postern::bench
