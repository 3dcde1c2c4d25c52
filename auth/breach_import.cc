// SPDX-License-Identifier: Apache-2.0
// Source to keys, keys through the sorter, keys to "<list>.part", which takes the list's place at the end. The part file is
// locked while an import works on it; what a broken import left there is overwritten by the next.
#include "auth/breach_import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "auth/breach_file.h"
#include "auth/breach_sort.h"
#include "auth/passwords.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace postern::auth {
namespace {

constexpr std::size_t read_size = std::size_t{64} * 1024;
/// Between two questions whether to go on, while a pipe gives nothing.
constexpr int wait_milliseconds = 200;
constexpr std::size_t sha1_digits = 40;
constexpr std::size_t ntlm_digits = 32;
/// A longer line is no line of such a list.
constexpr std::size_t most_line = 4096;

std::unexpected<Error> stopped() { return fail(ErrorKind::conflict, "stopped; nothing was changed"); }

/// Lines of a descriptor, without their ends.
class Lines {
 public:
  /// `may_wait` is asked while there is nothing to read; false ends the reading with an error.
  Lines(int fd, std::function<bool()> may_wait) : fd_(fd), may_wait_(std::move(may_wait)), buffer_(read_size, '\0') {}

  /// The next line, or nothing at the end. A line over most_line comes as its first part.
  Result<std::optional<std::string_view>> next() {
    line_.clear();
    bool any = false;
    for (;;) {
      if (at_ == filled_) {
        if (auto got = fill(); !got) return std::unexpected(got.error());
        if (filled_ == 0) return any ? std::optional(without_return()) : std::nullopt;
      }
      any = true;
      const auto rest = std::string_view(buffer_).substr(at_, filled_ - at_);
      const auto end = rest.find('\n');
      const auto part = rest.substr(0, end);
      line_.append(part.substr(0, most_line - std::min(line_.size(), most_line)));
      at_ += part.size();
      if (end == std::string_view::npos) continue;
      ++at_;
      return std::optional(without_return());
    }
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  Result<> fill() {
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    while (::poll(&waiting, 1, wait_milliseconds) <= 0) {
      if (!may_wait_()) return stopped();
    }
    ssize_t got = 0;
    do {
      got = ::read(fd_, buffer_.data(), buffer_.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) return std::unexpected(errno_error("read the list", errno));
    at_ = 0;
    filled_ = static_cast<std::size_t>(got);
    bytes_ += filled_;
    return {};
  }
  std::string_view without_return() const {
    std::string_view line = line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  int fd_;
  std::function<bool()> may_wait_;
  std::string buffer_;
  std::string line_;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
  std::uint64_t bytes_ = 0;
};

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto lower = ascii::lower(c);
    return ascii::is_digit(c) || (lower >= 'a' && lower <= 'f');
  });
}

/// A digest and how often it was seen; nothing when the line is no such thing.
struct Digest {
  BreachKey key = 0;
  std::optional<std::uint64_t> count;
};

std::optional<Digest> parse_digest(std::string_view line, std::size_t digits) {
  if (line.size() < digits || !is_hex(line.substr(0, digits))) return std::nullopt;
  Digest out;
  const auto* const begin = line.data();
  std::from_chars(begin, begin + 2 * breach_key_size, out.key, 16);
  if (line.size() == digits) return out;
  std::uint64_t count = 0;
  const auto* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(begin + digits + 1, end, count);
  if (line[digits] != ':' || error != std::errc() || stop != end) return std::nullopt;
  out.count = count;
  return out;
}

std::unexpected<Error> no_digest(std::uint64_t number) {
  return fail(ErrorKind::invalid,
              fmt::format("line {} is no SHA-1 digest (40 hex digits, perhaps \":\" and a count). Nothing was changed; if the "
                          "file has passwords, say --format passwords",
                          number));
}

/// The new list while it is written.
class PartFile {
 public:
  explicit PartFile(const std::filesystem::path& target) : target_(target), path_(target.string() + ".part") {}
  ~PartFile() {
    if (fd_ && !done_) ::unlink(path_.c_str());
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  Result<> open() {
    UniqueFd fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return std::unexpected(errno_error("make " + path_.string(), errno));
    struct stat mine{};
    struct stat there{};
    // Between the two calls another import may have ended and taken the name away.
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(fd.get(), &mine) != 0 || ::stat(path_.c_str(), &there) != 0 ||
        mine.st_ino != there.st_ino) {
      return fail(ErrorKind::conflict, "another import is under way; wait for its end");
    }
    fd_ = std::move(fd);
    if (::ftruncate(fd_.get(), 0) != 0) return std::unexpected(errno_error("empty " + path_.string(), errno));
    crypto_generichash_init(&digest_, nullptr, 0, breach_digest_size);
    return {};
  }

  Result<> append(const std::vector<BreachKey>& keys) {
    bytes_.clear();
    for (const auto key : keys) {
      for (std::size_t i = 0; i < breach_key_size; ++i) bytes_ += static_cast<char>(key >> (8 * (breach_key_size - 1 - i)));
    }
    crypto_generichash_update(&digest_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    auto written = write_all_at(fd_.get(), bytes_, breach_header_size + keys_ * breach_key_size);
    keys_ += keys.size();
    return written;
  }

  /// The header, then the name: only a whole list is ever found under it.
  Result<> put_in_place(BreachInfo info) {
    info.keys = keys_;
    info.digest.assign(breach_digest_size, '\0');
    crypto_generichash_final(&digest_, reinterpret_cast<unsigned char*>(info.digest.data()), info.digest.size());
    if (auto written = write_all_at(fd_.get(), breach_header(info), 0); !written) return written;
    if (::fsync(fd_.get()) != 0) return std::unexpected(errno_error("sync " + path_.string(), errno));
    if (::rename(path_.c_str(), target_.c_str()) != 0) return std::unexpected(errno_error("rename " + path_.string(), errno));
    done_ = true;
    return sync_directory(target_.parent_path());
  }
  std::uint64_t keys() const { return keys_; }

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  UniqueFd fd_;
  std::string bytes_;
  std::uint64_t keys_ = 0;
  crypto_generichash_state digest_{};
  bool done_ = false;
};

class Importer {
 public:
  Importer(int source, const BreachImport& wanted)
      : lines_(source, [this] { return goes_on(); }),
        wanted_(wanted),
        sorter_(wanted.target.parent_path(), wanted.memory),
        part_(wanted.target) {
    report_.format = wanted.format;
    struct stat about{};
    if (::fstat(source, &about) == 0 && S_ISREG(about.st_mode)) progress_.total = static_cast<std::uint64_t>(about.st_size);
  }

  Result<BreachReport> run(UnixTime now) {
    if (auto opened = part_.open(); !opened) return std::unexpected(opened.error());
    if (auto read = read_all(); !read) return std::unexpected(read.error());
    auto written = sorter_.finish([this](const std::vector<BreachKey>& keys) {
      auto done = part_.append(keys);
      progress_.written = part_.keys();
      return done && !goes_on() ? Result<>(stopped()) : done;
    });
    if (!written) return std::unexpected(written.error());
    if (part_.keys() == 0) return fail(ErrorKind::invalid, "there is no password in this list; nothing was changed");
    if (auto placed = part_.put_in_place({.lines = report_.lines, .made = now}); !placed) return std::unexpected(placed.error());
    report_.keys = part_.keys();
    return report_;
  }

 private:
  Result<> read_all() {
    for (;;) {
      auto line = lines_.next();
      if (!line) return std::unexpected(line.error());
      if (!*line) return {};
      ++report_.lines;
      if (auto taken = take(**line); !taken) return taken;
      if (lines_.bytes() != progress_.bytes) {
        progress_.bytes = lines_.bytes();
        progress_.lines = report_.lines;
        if (!goes_on()) return stopped();
      }
    }
  }

  Result<> take(std::string_view line) {
    if (line.empty()) {
      ++report_.skipped;
      return {};
    }
    if (report_.format == BreachFormat::detect) {
      if (parse_digest(line, ntlm_digits)) {
        return fail(ErrorKind::invalid,
                    "this is a list of NTLM digests (32 hex digits), which cannot be compared; take the list of SHA-1 digests");
      }
      report_.format = parse_digest(line, sha1_digits) ? BreachFormat::sha1 : BreachFormat::passwords;
    }
    return report_.format == BreachFormat::sha1 ? take_digest(line) : take_password(line);
  }

  Result<> take_digest(std::string_view line) {
    const auto digest = parse_digest(line, sha1_digits);
    if (!digest) return no_digest(report_.lines);
    if (digest->count && *digest->count < wanted_.least_count) {
      ++report_.rare;
      return {};
    }
    return sorter_.add(digest->key);
  }

  /// In the form in which it will be looked for, when it has one.
  Result<> take_password(std::string_view line) {
    if (line.size() > max_password_octets) {
      ++report_.skipped;
      return {};
    }
    const auto prepared = opaque_string(line);
    return sorter_.add(breach_key(prepared ? prepared->reveal() : line));
  }

  bool goes_on() const { return !wanted_.progress || wanted_.progress(progress_); }

  Lines lines_;
  const BreachImport& wanted_;
  KeySorter sorter_;
  PartFile part_;
  BreachReport report_;
  BreachProgress progress_;
};

}  // namespace

Result<BreachReport> import_breaches(int source, const BreachImport& wanted, UnixTime now) {
  return Importer(source, wanted).run(now);
}

}  // namespace postern::auth
