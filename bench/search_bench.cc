// SPDX-License-Identifier: Apache-2.0
// The text store from inside, without a network: how fast it is made, how large it is, how long searches take on one core, and
// what indexing costs the deliveries that come in meanwhile. Mail is made of any large text (bench/README.md has one).
//
//   search_bench --text FILE [--mails N] [--folder DIR]     default 50,000 mails below /var/tmp
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

#include "async/executor.h"
#include "async/task_group.h"
#include "base/file.h"
#include "mime/charset.h"
#include "mime/part_codec.h"
#include "mime/transfer_encoding.h"
#include "store/accounts.h"
#include "store/sqlite/open.h"
#include "store/text_search.h"
#include "tests/support/identity.h"

namespace {

using namespace postern;
using Clock = std::chrono::steady_clock;

constexpr std::size_t mail_text = 4'200;
constexpr std::size_t append_batch = 500;
constexpr std::size_t corpus_limit = 256'000'000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

class Maker {
 public:
  explicit Maker(const std::string& corpus) : corpus_(corpus) {}
  /// Seven of ten plain, the others quoted-printable, HTML and base64.
  std::string next() {
    if (position_ + mail_text > corpus_.size()) position_ = ++round_ * 1'237;
    const auto text = std::string_view(corpus_).substr(position_, mail_text);
    position_ += mail_text;
    std::string out = header(text);
    switch (++number_ % 10) {
      case 0: return out + encoded(text, mime::TransferEncoding::base64, "base64", "plain");
      case 1:
      case 2: return out + encoded(text, mime::TransferEncoding::quoted_printable, "quoted-printable", "plain");
      case 3: return out + encoded(html(text), mime::TransferEncoding::quoted_printable, "quoted-printable", "html");
      default: return out + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + crlf(text);
    }
  }

 private:
  std::string header(std::string_view text) const {
    std::string subject;
    for (const char c : text.substr(200, 60)) subject += c >= ' ' && c <= '~' ? c : ' ';
    const auto id = fmt::format("{:016x}{:016x}", number_ * 0x9E3779B97F4A7C15U, number_ * 0xC2B2AE3D27D4EB4FU);
    return fmt::format(
        "Received: from mx{}.example.net by mail.example.org with ESMTPS id {}\r\n\tfor <alice@example.org>; Sat, 22 Nov 2025 "
        "10:00:00 +0000\r\nFrom: Sender {} <sender{}@example.net>\r\nTo: Alice <alice@example.org>\r\nSubject: {}\r\n"
        "Message-ID: <{}@example.net>\r\nDate: Sat, 22 Nov 2025 10:00:00 +0000\r\nMIME-Version: 1.0\r\n",
        number_ % 7, id.substr(0, 12), number_ % 500, number_ % 500, subject, id);
  }
  static std::string crlf(std::string_view text) {
    std::string out;
    for (const char c : text) out.append(c == '\n' ? "\r\n" : std::string_view(&c, 1));
    return out;
  }
  static std::string html(std::string_view text) {
    std::string out = "<html><head><style>p { margin: 0 }</style></head><body>";
    for (const char c : text) {
      if (c == '\n') {
        out += "</p>\r\n<p class=\"text\">";
      } else {
        out.append(c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string_view(&c, 1));
      }
    }
    return out + "</p></body></html>";
  }
  static std::string encoded(std::string_view text, mime::TransferEncoding encoding, std::string_view name,
                             std::string_view type) {
    return fmt::format("Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: {}\r\n\r\n", type, name) +
           mime::encode_transfer(crlf(text), encoding);
  }

  const std::string& corpus_;
  std::size_t position_ = 0;
  std::size_t round_ = 0;
  std::uint64_t number_ = 0;
};

store::MessageMeta meta_of(const std::string& text) {
  const auto tree = mime::parse_message(text);
  return {tree.root().envelope, "()", mime::encode_parts(tree)};
}

template <class T>
T must(async::Task<Result<T>> task) {
  auto result = async::run_alone(std::move(task));
  if (!result) {
    fmt::print(stderr, "{}\n", result.error().text);
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Bench {
  SystemClock clock;
  Log log{LogLevel::warning, stderr_sink()};
  Metrics metrics;
  /// The store's threads let go of an executor a moment after the coroutine went on, so these must outlive it.
  std::vector<std::unique_ptr<async::Runtime>> runtimes;
  std::unique_ptr<store::sqlite::SqliteStore> store;
  std::unique_ptr<store::Session> session;
  store::AccountId alice = 0;
  store::MailboxId inbox = 0;
  std::uint64_t octets = 0;
};

void fill(Bench& bench, Maker& maker, std::size_t mails) {
  std::vector<store::NewMessage> batch;
  for (std::size_t i = 0; i < mails; ++i) {
    auto text = maker.next();
    bench.octets += text.size();
    auto meta = meta_of(text);
    batch.push_back({.body = store::body_of(std::move(text)), .meta = std::move(meta), .internal_date = 1'700'000'000});
    if (batch.size() < append_batch && i + 1 < mails) continue;
    must(bench.session->append(bench.inbox, std::exchange(batch, {})));
  }
}

struct Search {
  const char* name;
  store::TextNeedle needle;
};

/// The best of three, with the CPU time of the process.
void time_search(Bench& bench, const Search& search, std::size_t mails) {
  double best = 1e9, cpu = 0;
  std::size_t hits = 0;
  for (int round = 0; round < 3; ++round) {
    const auto start = Clock::now();
    const auto cpu_start = cpu_seconds();
    const auto found = must(
        store::search_text(*bench.session, {bench.inbox, {{1, static_cast<store::Uid>(mails)}}}, {.needles = {search.needle}}));
    if (seconds_since(start) < best) {
      best = seconds_since(start);
      cpu = cpu_seconds() - cpu_start;
    }
    hits = 0;
    for (std::size_t row = 0; row < found.size(); ++row) hits += found.get(row, 0) ? 1 : 0;
  }
  fmt::print("{:<28} {:8.1f} ms {:8.1f} ms CPU {:7} hits\n", search.name, best * 1e3, cpu * 1e3, hits);
}

struct Sender {
  static async::Task<> run(Bench* bench, const std::vector<std::pair<std::string, store::MessageMeta>>* mails,
                           std::atomic<std::size_t>* next) {
    for (std::size_t i = (*next)++; i < mails->size(); i = (*next)++) {
      const auto& [text, meta] = (*mails)[i];
      store::Acceptance one{.body = store::body_of(text), .meta = meta, .internal_date = 1'700'000'000};
      one.deliveries.push_back({.account = bench->alice, .prefix = "Return-Path: <a@b.example>\r\n"});
      if (!co_await bench->store->accept(std::move(one))) std::exit(1);
    }
  }
};

double deliver(Bench& bench, Maker& maker, std::size_t mails) {
  std::vector<std::pair<std::string, store::MessageMeta>> batch;
  for (std::size_t i = 0; i < mails; ++i) {
    auto text = maker.next();
    auto meta = meta_of(text);
    batch.emplace_back(std::move(text), std::move(meta));
  }
  async::Runtime& runtime = *bench.runtimes.emplace_back(std::make_unique<async::Runtime>(1));
  async::TaskGroup group(bench.log, "bench");
  std::atomic<std::size_t> next = 0;
  constexpr int senders = 20;
  for (int i = 0; i < senders; ++i) group.spawn(runtime.executor(0), Sender::run(&bench, &batch, &next));
  const auto start = Clock::now();
  runtime.start();
  group.join(std::chrono::minutes(5));
  const double seconds = seconds_since(start);
  runtime.stop();
  return static_cast<double>(mails) / seconds;
}

/// Deliveries without and with an indexer that has plenty to do.
void slow_down(Bench& bench, Maker& maker) {
  constexpr std::size_t mails = 10'000;
  for (int round = 0; round < 3; ++round) {
    bench.store->text_index()->pause();
    const double without = deliver(bench, maker, mails);
    bench.store->text_index()->resume();
    const double with = deliver(bench, maker, mails);
    fmt::print("deliveries, 20 senders: {:6.0f}/s index paused, {:6.0f}/s while indexing ({:+.0f} %)\n", without, with,
               (with / without - 1) * 100);
  }
}

void run(Bench& bench, Maker& maker, std::size_t mails) {
  bench.store->text_index()->pause();
  fill(bench, maker, mails);
  fmt::print("{} mails, {:.0f} MB\n", mails, static_cast<double>(bench.octets) / 1e6);
  bench.store->text_index()->resume();
  const auto start = Clock::now();
  const auto cpu = cpu_seconds();
  must(bench.store->text_index()->settle());
  const auto figures = bench.store->text_index()->figures();
  fmt::print("indexed {} in {:.2f} s ({:.0f}/s), {:.2f} s CPU; {:.1f} MB on disk, {:.0f} % of the mail\n", figures.messages,
             seconds_since(start), static_cast<double>(mails) / seconds_since(start), cpu_seconds() - cpu,
             static_cast<double>(figures.bytes) / 1e6,
             static_cast<double>(figures.bytes) * 100 / static_cast<double>(bench.octets));
  using enum store::TextScope;
  const Search searches[] = {
      {"TEXT kernel", {text, {}, "KERNEL"}},
      {"TEXT descript", {text, {}, "DESCRIPT"}},
      {"TEXT ocket", {text, {}, "OCKET"}},
      {"TEXT re", {text, {}, "RE"}},
      {"TEXT not there", {text, {}, "NOT THERE AT ALL"}},
      {"BODY kernel", {body, {}, "KERNEL"}},
      {"SUBJECT the", {header, "subject", "THE"}},
      {"FROM sender42@", {header, "from", "SENDER42@"}},
      {"HEADER Message-ID 9e37", {header, "message-id", "9E37"}},
  };
  for (const auto& search : searches) time_search(bench, search, mails);
  store::TextQuery query{.needles = {searches[1].needle}};
  const auto brute = Clock::now();
  must(store::scan_messages(*bench.session, {bench.inbox, {{1, static_cast<store::Uid>(mails)}}}, query));
  fmt::print("{:<28} {:8.1f} ms\n", "TEXT descript, no index", seconds_since(brute) * 1e3);
}

void one_core() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t mails = 50'000;
  std::filesystem::path parent = "/var/tmp", text;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i], value = argv[i + 1];
    if (option == "--mails") std::from_chars(value.data(), value.data() + value.size(), mails);
    if (option == "--folder") parent = value;
    if (option == "--text") text = value;
  }
  const auto read = read_file(text, corpus_limit);
  if (!read || read->size() < mail_text * 2) {
    fmt::print(stderr, "search_bench --text FILE: a text of at most {} octets, better large\n", corpus_limit);
    return 1;
  }
  const std::string& corpus = *read;
  std::string folder = (parent / "search_bench.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  one_core();
  Bench bench;
  auto opened = store::sqlite::open({.data_dir = folder}, {bench.clock, bench.log, bench.metrics});
  if (!opened) return 1;
  bench.store = std::move(*opened);
  must(bench.store->accounts().add_domain({"example.org"}));
  bench.alice = must(bench.store->accounts().add_account({.login = "alice@example.org"}));
  bench.session = bench.store->session(test::identity(bench.alice));
  bench.inbox = must(bench.session->status("INBOX")).id;
  Maker maker(corpus);
  run(bench, maker, mails);
  slow_down(bench, maker);
  bench.session.reset();
  bench.store.reset();
  std::filesystem::remove_all(folder);
  return 0;
}
