// SPDX-License-Identifier: Apache-2.0
#include "auth/breach_list.h"

#include <sys/stat.h>

namespace postern::auth {

BreachList::Mark BreachList::mark_of(const std::filesystem::path& path) {
  struct stat about{};
  if (path.empty() || ::stat(path.c_str(), &about) != 0) return {};
  return {.device = about.st_dev,
          .inode = about.st_ino,
          .size = static_cast<std::uint64_t>(about.st_size),
          .seconds = about.st_mtim.tv_sec,
          .nanoseconds = about.st_mtim.tv_nsec};
}

void BreachList::complain(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(complained_, true)) return;
  }
  log_.error("auth", "breach list not usable; passwords are checked against the built-in lists only",
             {{"file", path_.string()}, {"reason", error.text}});
}

std::shared_ptr<const BreachFile> BreachList::current() {
  const auto mark = mark_of(path_);
  std::optional<Error> trouble;
  std::shared_ptr<const BreachFile> out;
  {
    const std::lock_guard lock(mutex_);
    if (mark != mark_) {
      mark_ = mark;
      file_.reset();
      complained_ = false;
      ++edition_;
      if (mark != Mark{}) {
        if (auto opened = BreachFile::open(path_)) {
          file_ = std::make_shared<const BreachFile>(std::move(*opened));
          log_.info("auth", "breach list", {{"keys", file_->info().keys}});
        } else {
          trouble = opened.error();
        }
      }
    }
    out = file_;
  }
  if (trouble) complain(*trouble);
  return out;
}

bool BreachList::contains(const Secret& password) {
  const auto file = current();
  if (!file) return false;
  const auto found = file->contains(breach_key(password.reveal()));
  if (!found) complain(found.error());
  return found.value_or(false);
}

std::uint64_t BreachList::edition() {
  current();
  const std::lock_guard lock(mutex_);
  return edition_;
}

}  // namespace postern::auth
