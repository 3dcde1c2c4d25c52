// SPDX-License-Identifier: Apache-2.0
// store_bench [FOLDER] [--ms N] [--rounds N] [--only ingest|mailbox|bodies] [--producers N] [--json]
// The store alone: what it accepts, beside an LMDB file and a file for each message, and what mailboxes and bodies cost, each
// with its target (docs/store.md, bench/README.md). FOLDER decides the disk; the default is /dev/shm, for the latency of 1 ms is
// put in by the benchmark itself, under the store's own file seam. Exit code 1 when a target is missed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "bench/store/bench.h"

namespace postern::bench {

namespace {

constexpr auto sync_latency = std::chrono::microseconds(1000);
constexpr double lmdb_goal = 0.6;
constexpr double files_goal = 5;

struct Options {
  Settings settings{.folder = "/dev/shm/store-bench"};
  std::string only;
  std::size_t producers = 0;  ///< only so many, and only our store: for a profiler
  bool json = false;
};

void measure_crowd(const Settings& settings, std::size_t producers, Lines& lines) {
  const Cell cell{.producers = producers, .delay = sync_latency};
  const auto name = [&](std::string_view what) { return fmt::format("{}, {} producers, sync 1 ms", what, producers); };
  Line ours{name("store"), "msg/s", {}, {}};
  Line lmdb{name("LMDB"), "msg/s", {}, {}};
  Line files{name("file for each message"), "msg/s", {}, {}};
  Line to_lmdb{name("store / LMDB"), "×", {}, lmdb_goal};
  Line to_files{name("store / files"), "×", {}, files_goal};
  Line cpu{name("CPU of the store's process"), "µs/msg", {}, {}, true};
  Line p99{name("99 % of deliveries"), "ms", {}, {}, true};
  for (int round = 0; round < settings.rounds; ++round) {
    const Crowd mine = ingest_ours(settings, cell);
    ours.values.push_back(mine.per_second);
    cpu.values.push_back(mine.cpu_us);
    p99.values.push_back(mine.p99_ms);
    if (const auto peer = ingest_lmdb(settings, cell)) {
      lmdb.values.push_back(peer->per_second);
      to_lmdb.values.push_back(mine.per_second / peer->per_second);
    }
    if (producers < 100) continue;
    files.values.push_back(ingest_files(settings, cell).per_second);
    to_files.values.push_back(mine.per_second / files.values.back());
  }
  for (Line* line : {&ours, &cpu, &p99, &lmdb, &files, &to_lmdb, &to_files}) {
    if (!line->values.empty()) lines.push_back(std::move(*line));
  }
}

void measure_ours(const Options& options, Lines& lines) {
  const Crowd crowd = ingest_ours(options.settings, {.producers = options.producers, .delay = sync_latency});
  lines.push_back({fmt::format("store, {} producers, sync 1 ms", options.producers), "msg/s", {crowd.per_second}, {}});
  lines.push_back({"  CPU of the store's process", "µs/msg", {crowd.cpu_us}, {}, true});
  lines.push_back({"  99 % of deliveries", "ms", {crowd.p99_ms}, {}, true});
}

/// Cells without a target: a lone sender, compressed bodies, many recipients.
void measure_others(const Settings& settings, Lines& lines) {
  const struct {
    const char* name;
    Cell cell;
  } others[] = {
      {"store, 1 producer, sync 1 ms", {.producers = 1, .delay = sync_latency}},
      {"store, 20 producers, text (zstd), sync 1 ms", {.producers = 20, .delay = sync_latency, .text = true}},
      {"store, 100 producers, no latency", {.producers = 100}},
      {"store, 20 producers, 20 recipients, sync 1 ms", {.producers = 20, .delay = sync_latency, .recipients = 20}},
  };
  for (const auto& [name, cell] : others) {
    const Crowd crowd = ingest_ours(settings, cell);
    lines.push_back({name, "msg/s", {crowd.per_second}, {}});
    lines.push_back({fmt::format("  CPU"), "µs/msg", {crowd.cpu_us}, {}, true});
  }
}

void print_table(const Lines& lines) {
  std::printf("%-62s %12s %-8s %-16s %s\n", "line", "median", "", "range", "target");
  for (const Line& line : lines) {
    const auto [low, high] = std::minmax_element(line.values.begin(), line.values.end());
    const auto range = fmt::format("({:.5g}–{:.5g})", *low, *high);
    const auto target =
        line.target ? fmt::format("{} {} {}", line.less_is_better ? "≤" : "≥", *line.target, line.hit() ? "hit" : "MISSED")
                    : std::string();
    fmt::print("{:<62} {:>12.5g} {:<8} {:<16} {}\n", line.name, line.median(), line.unit, range, target);
  }
}

void print_json(const Lines& lines) {
  fmt::print("[\n");
  for (const Line& line : lines) {
    const auto target = line.target ? fmt::format(", \"target\": {}, \"hit\": {}", *line.target, line.hit()) : std::string();
    fmt::print("  {{\"line\": \"{}\", \"unit\": \"{}\", \"median\": {}, \"values\": [{}]{}}}{}\n", line.name, line.unit,
               line.median(), fmt::join(line.values, ", "), target, &line == &lines.back() ? "" : ",");
  }
  fmt::print("]\n");
}

std::optional<Options> parse(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (word == "--json") {
      out.json = true;
    } else if (word == "--ms" && value) {
      out.settings.cell = std::chrono::milliseconds(std::atoi(argv[++i]));
    } else if (word == "--rounds" && value) {
      out.settings.rounds = std::max(1, std::atoi(argv[++i]));
    } else if (word == "--only" && value) {
      out.only = argv[++i];
    } else if (word == "--producers" && value) {
      out.producers = static_cast<std::size_t>(std::max(1, std::atoi(argv[++i])));
    } else if (!word.starts_with("--")) {
      out.settings.folder = std::filesystem::path(word) / "store-bench";
    } else {
      return std::nullopt;
    }
  }
  return out;
}

int run(const Options& options) {
  Lines lines;
  const auto wanted = [&](std::string_view part) { return options.only.empty() || options.only == part; };
  std::filesystem::create_directories(options.settings.folder);
  if (options.producers != 0) {
    measure_ours(options, lines);
  } else if (wanted("ingest")) {
    measure_crowd(options.settings, 20, lines);
    measure_crowd(options.settings, 100, lines);
    measure_others(options.settings, lines);
  }
  if (wanted("mailbox") && options.producers == 0) measure_mailbox(options.settings, lines);
  if (wanted("bodies") && options.producers == 0) measure_bodies(options.settings, lines);
  std::filesystem::remove_all(options.settings.folder);
  options.json ? print_json(lines) : print_table(lines);
  return std::all_of(lines.begin(), lines.end(), [](const Line& line) { return line.hit(); }) ? 0 : 1;
}

}  // namespace

}  // namespace postern::bench

int main(int argc, char** argv) {
  const auto options = postern::bench::parse(argc, argv);
  if (!options) {
    std::fputs("usage: store_bench [FOLDER] [--ms N] [--rounds N] [--only ingest|mailbox|bodies] [--producers N] [--json]\n",
               stderr);
    return 2;
  }
  try {
    return postern::bench::run(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "store_bench: %s\n", error.what());
    return 2;
  }
}
