// SPDX-License-Identifier: Apache-2.0
// Runs are in the byte order of this machine: nobody else reads them.
#include "auth/breach_sort.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <queue>
#include <span>

namespace postern::auth {
namespace {

/// Runs that are merged at once; more are merged into one before further ones are begun.
constexpr std::size_t most_runs = 128;
constexpr std::size_t least_memory = std::size_t{8} * 1024;
/// Keys handed to `take` at once.
constexpr std::size_t block_keys = 8192;

}  // namespace

/// Reads a run from its beginning.
class KeySorter::Reader {
 public:
  Reader(const Run& run, std::size_t room) : run_(run), buffer_(std::max<std::size_t>(room, 1)) {}
  /// Whether there is a key.
  Result<bool> next(BreachKey& key) {
    if (at_ == filled_) {
      filled_ = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), run_.keys - read_));
      if (filled_ == 0) return false;
      const auto bytes = std::as_writable_bytes(std::span(buffer_.data(), filled_));
      const std::span<char> chars(reinterpret_cast<char*>(bytes.data()), bytes.size());
      if (auto got = read_all_at(run_.fd.get(), chars, read_ * sizeof(BreachKey)); !got) return std::unexpected(got.error());
      read_ += filled_;
      at_ = 0;
    }
    key = buffer_[at_++];
    return true;
  }

 private:
  const Run& run_;
  std::vector<BreachKey> buffer_;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
  std::uint64_t read_ = 0;
};

KeySorter::KeySorter(std::filesystem::path folder, std::size_t memory)
    : folder_(std::move(folder)), room_(std::max(memory, least_memory) / sizeof(BreachKey)) {
  buffer_.reserve(room_);
}

Result<> KeySorter::add(BreachKey key) {
  buffer_.push_back(key);
  return buffer_.size() < room_ ? Result<>() : flush();
}

Result<KeySorter::Run> KeySorter::new_run() const {
  std::string name = (folder_ / "breach.run-XXXXXX").string();
  Run run{.fd = UniqueFd(::mkostemp(name.data(), O_CLOEXEC))};
  if (!run.fd) return std::unexpected(errno_error("make " + name, errno));
  ::unlink(name.c_str());
  return run;
}

Result<> KeySorter::append(Run& run, const std::vector<BreachKey>& keys) {
  const auto bytes = std::as_bytes(std::span(keys));
  auto written =
      write_all_at(run.fd.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, run.keys * sizeof(BreachKey));
  if (!written) return written;
  run.keys += keys.size();
  run.last = keys.back();
  return {};
}

Result<> KeySorter::flush() {
  if (buffer_.empty()) return {};
  if (!std::is_sorted(buffer_.begin(), buffer_.end())) std::sort(buffer_.begin(), buffer_.end());
  buffer_.erase(std::unique(buffer_.begin(), buffer_.end()), buffer_.end());
  if (runs_.empty() || buffer_.front() <= runs_.back().last) {
    if (runs_.size() == most_runs) {
      auto merged = new_run();
      if (!merged) return std::unexpected(merged.error());
      auto done = merge([&](const std::vector<BreachKey>& keys) { return append(*merged, keys); });
      if (!done) return done;
      runs_.clear();
      runs_.push_back(std::move(*merged));
    }
    auto run = new_run();
    if (!run) return std::unexpected(run.error());
    runs_.push_back(std::move(*run));
  }
  auto done = append(runs_.back(), buffer_);
  buffer_.clear();
  return done;
}

Result<> KeySorter::merge(const Take& take) {
  std::deque<Reader> readers;
  using Head = std::pair<BreachKey, std::size_t>;  // key, reader
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  const auto pull = [&](std::size_t index) -> Result<> {
    BreachKey key = 0;
    const auto more = readers[index].next(key);
    if (!more) return std::unexpected(more.error());
    if (*more) heads.emplace(key, index);
    return {};
  };
  for (const auto& run : runs_) {
    readers.emplace_back(run, room_ / std::max<std::size_t>(runs_.size(), 1));
    if (auto pulled = pull(readers.size() - 1); !pulled) return pulled;
  }
  std::vector<BreachKey> block;
  BreachKey last = 0;
  for (bool first = true; !heads.empty(); first = false) {
    const auto [key, index] = heads.top();
    heads.pop();
    if (first || key != last) block.push_back(key);
    last = key;
    if (block.size() == block_keys) {
      if (auto taken = take(block); !taken) return taken;
      block.clear();
    }
    if (auto pulled = pull(index); !pulled) return pulled;
  }
  return block.empty() ? Result<>() : take(block);
}

Result<> KeySorter::finish(const Take& take) {
  if (auto flushed = flush(); !flushed) return flushed;
  buffer_ = {};
  return merge(take);
}

}  // namespace postern::auth
