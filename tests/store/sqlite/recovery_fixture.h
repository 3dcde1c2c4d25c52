// SPDX-License-Identifier: Apache-2.0
// What the tests of undelete, backup and restore share: a store with mail whose every property can be compared before and after.
#pragma once

#include <algorithm>
#include <fstream>
#include <map>

#include "base/file.h"
#include "store/keywords.h"
#include "store/recovery_admin.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/backup_verify.h"
#include "store/sqlite/companions.h"
#include "store/sqlite/restore_source.h"
#include "tests/store/fixture.h"

namespace postern::store::test {

/// Everything that must come back: octets, flags, names of keywords, internal date.
struct Mail {
  std::string octets;
  std::uint64_t flags = 0;
  std::vector<std::string> keywords;
  UnixTime date = 0;
  bool operator==(const Mail&) const = default;
  friend void PrintTo(const Mail& mail, std::ostream* out) {
    *out << mail.octets.size() << " octets \"" << mail.octets.substr(0, 30) << "\", flags " << mail.flags << ", date "
         << mail.date;
    for (const auto& keyword : mail.keywords) *out << " " << keyword;
  }
};

inline std::vector<Mail> mail_in(Session& session, const std::string& name) {
  std::vector<Mail> out;
  const auto info = must(session.status(name));
  const auto now = snapshot(session, info.id);
  for (std::size_t i = 0; i < now->size(); ++i) {
    const Row& row = now->row(i);
    const auto infos = must(session.info(info.id, UidSet{{row.uid, row.uid}}, meta_envelope));
    auto keywords = keyword_names(now->keywords, row.flags);
    std::sort(keywords.begin(), keywords.end());
    out.push_back({read_all(*must(session.body(info.id, row.uid))), row.flags & flag::system_mask, std::move(keywords),
                   infos.front().internal_date});
    EXPECT_EQ(infos.front().meta.envelope, "env");
    EXPECT_EQ(infos.front().size, out.back().octets.size());
  }
  return out;
}

inline NewMessage dated(std::string body, std::uint64_t flags, std::vector<std::string> keywords, UnixTime date) {
  auto out = message(std::move(body), flags, std::move(keywords));
  out.internal_date = date;
  return out;
}

/// A body that is no smaller compressed.
inline std::string noise(std::size_t size, std::uint32_t seed) { return noise_of(seed, size); }

/// A running store with one account, alice, and a folder for backups.
class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() { open(); }

  void open(sqlite::BackupOptions backup = {}) {
    auto opened =
        real_.open({.data_dir = data(), .segment_bytes = 1 << 20, .allocate_bytes = 1 << 18, .backup = std::move(backup)});
    if (!opened) throw std::runtime_error(opened.error().text);
    store_ = std::move(*opened);
  }
  void close() {
    session_.reset();
    store_->close();
    store_.reset();
  }
  std::filesystem::path data() const { return folder_ / "data"; }
  std::filesystem::path backups() const { return folder_ / "backups"; }

  Session& session() {
    if (alice_ == 0) alice_ = add_account(*store_, "alice@example.org");
    if (!session_) session_ = store_->session(identity(alice_));
    return *session_;
  }
  RecoveryAdmin& recovery() { return *store_->recovery(); }
  void append(const std::string& mailbox, std::vector<NewMessage> messages) {
    must(session().append(must(session().status(mailbox)).id, std::move(messages)));
  }
  void expunge(const std::string& mailbox, UidSet uids) {
    must(session().expunge(must(session().status(mailbox)).id, std::move(uids), ExpungeMode::any));
  }
  /// Three kinds of mail: plain, with flags and keywords, and large.
  void fill(const std::string& mailbox) {
    append(mailbox, {dated("one", flag::seen, {}, 1'600'000'001),
                     dated("two", flag::flagged | flag::answered, {"Work", "$Later"}, 1'600'000'002),
                     dated(noise(1'500'000, 3), flag::draft, {"big"}, 1'600'000'003)});
  }

  sqlite::Manifest back_up(sqlite::Transfer transfer = sqlite::Transfer::copy) {
    const auto staged = must(recovery().stage_backup());
    auto made = sqlite::collect_backup({.staged = staged.folder, .folder = backups(), .config = {}, .transfer = transfer}, {});
    if (!made) throw std::runtime_error(made.error().text);
    EXPECT_EQ(made->complaints, std::vector<std::string>());
    must(recovery().release_backup(staged.folder));
    real_.clock.advance(std::chrono::seconds(10));
    return std::move(made->manifest);
  }
  std::vector<std::string> findings() {
    std::vector<std::string> out;
    const auto verified = sqlite::verify_backups({backups(), {}}, {});
    if (!verified) return {verified.error().text};
    for (const auto& one : verified->backups) out.insert(out.end(), one.findings.begin(), one.findings.end());
    out.insert(out.end(), verified->log_findings.begin(), verified->log_findings.end());
    return out;
  }
  RestoreOrder order(RestoreScope scope, const std::string& mailbox = {}) const {
    RestoreOrder out;
    out.job = "job";
    out.scope = scope;
    out.account = "alice@example.org";
    out.mailbox = mailbox;
    out.beside = "Restored/then";
    return out;
  }
  /// Makes the moment ready as the command line does, and begins.
  Result<RestoreProgress> begin(const RestoreOrder& what, std::optional<UnixTime> at = {}) {
    const auto scratch = data() / "restore" / what.job;
    if (auto made = sqlite::make_private_folder(scratch); !made) return std::unexpected(made.error());
    const auto source = sqlite::materialise({backups(), at, scratch}, real_.log);
    if (!source) return std::unexpected(source.error());
    const auto staged = sqlite::stage_bodies(backups(), scratch, {what.scope, what.account, what.mailbox, what.uid});
    if (!staged) return std::unexpected(staged.error());
    EXPECT_EQ(*staged, std::vector<std::string>());
    return wait(recovery().begin_restore(what));
  }
  /// To the end; the sums of all steps.
  Result<RestoreProgress> restore(const RestoreOrder& what, std::optional<UnixTime> at = {}) {
    auto total = begin(what, at);
    while (total && !total->finished) {
      auto step = wait(recovery().step_restore(what.job));
      if (!step) return step;
      step->messages += total->messages;
      step->repaired += total->repaired;
      step->notes.insert(step->notes.begin(), total->notes.begin(), total->notes.end());
      total = std::move(step);
    }
    if (total) must(recovery().end_restore(what.job));
    return total;
  }
  void expect_sound() { EXPECT_EQ(must(store_->audit()), std::vector<std::string>()); }

  const Folder folder_;
  Real real_;
  std::unique_ptr<sqlite::SqliteStore> store_;
  AccountId alice_ = 0;
  std::unique_ptr<Session> session_;
};

}  // namespace postern::store::test
