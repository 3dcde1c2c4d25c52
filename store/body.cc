// SPDX-License-Identifier: Apache-2.0
// Bodies in memory and in unnamed files, and the spool that decides between them.
#include "store/body.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/file.h"
#include "store/spool.h"

namespace postern::store {

namespace {

class MemoryBody final : public Body {
 public:
  explicit MemoryBody(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::string_view memory() const override { return bytes_; }
  int descriptor() const override { return -1; }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> out) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    return bytes_.copy(out.data(), out.size(), offset);
  }

 private:
  std::string bytes_;
};

/// The file holds exactly the body, from offset 0.
class FileBody final : public Body {
 public:
  FileBody(UniqueFd file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  std::string_view memory() const override { return {}; }
  int descriptor() const override { return file_.get(); }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> out) const override {
    if (offset >= size_) return std::size_t{0};
    const std::size_t n = std::min<std::uint64_t>(out.size(), size_ - offset);
    if (auto done = read_all_at(file_.get(), out.first(n), offset); !done) return std::unexpected(done.error());
    return n;
  }

 private:
  UniqueFd file_;
  std::uint64_t size_;
};

class TwoStageSpool final : public Spool {
 public:
  explicit TwoStageSpool(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<void> write(std::string_view bytes) override {
    if (!file_ && size_ + bytes.size() <= memory_limit) {
      memory_.append(bytes);
      size_ += bytes.size();
      return {};
    }
    if (!file_) {
      if (auto moved = move_to_file(); !moved) return moved;
    }
    if (auto written = write_all_at(file_.get(), bytes, size_); !written) return written;
    size_ += bytes.size();
    return {};
  }
  std::uint64_t size() const override { return size_; }
  Result<BodyPtr> finish() override {
    if (file_) return BodyPtr(std::make_shared<FileBody>(std::move(file_), size_));
    return body_of(std::move(memory_));
  }

 private:
  Result<void> move_to_file() {
    UniqueFd file(::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file) return std::unexpected(errno_error("unnamed file in " + folder_.string(), errno));
    if (auto written = write_all_at(file.get(), memory_, 0); !written) return written;
    file_ = std::move(file);
    memory_ = std::string();
    return {};
  }

  std::filesystem::path folder_;
  std::string memory_;
  UniqueFd file_;
  std::uint64_t size_ = 0;
};

}  // namespace

BodyPtr body_of(std::string bytes) { return std::make_shared<MemoryBody>(std::move(bytes)); }

std::unique_ptr<Spool> make_spool(std::filesystem::path folder) { return std::make_unique<TwoStageSpool>(std::move(folder)); }

}  // namespace postern::store
