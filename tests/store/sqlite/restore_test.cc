// SPDX-License-Identifier: Apache-2.0
// Restores: data is destroyed in every way that an admin may meet, and comes back octet for octet with flags, keywords and dates.
#include <sys/wait.h>

#include "store/sqlite/database.h"
#include "tests/store/sqlite/recovery_fixture.h"

namespace postern::store::test {

namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

class RestoreTest : public RecoveryTest {};

TEST_F(RestoreTest, OneMessage) {
  fill("INBOX");
  const auto before = mail_in(session(), "INBOX");
  back_up();
  expunge("INBOX", UidSet::all());
  real_.clock.advance(std::chrono::hours(24 * 30));
  must(store_->reap());
  auto what = order(RestoreScope::message, "INBOX");
  what.uid = 2;
  what.into = "INBOX";
  const auto done = restore(what);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->messages, 1u);
  EXPECT_EQ(mail_in(session(), "INBOX"), std::vector<Mail>{before[1]});
  what.uid = 77;
  EXPECT_EQ(restore(what).error().kind, ErrorKind::not_found);
  must(store_->reap());
  expect_sound();
}

TEST_F(RestoreTest, OneMailboxBesideAndInPlace) {
  must(session().create("Work", SpecialUse::none));
  fill("Work");
  const auto before = mail_in(session(), "Work");
  const auto old = must(session().status("Work"));
  back_up();
  must(session().store_flags(old.id, UidSet{{1, 1}}, {FlagChange::Mode::replace, flag::deleted, {"other"}, {}}));
  expunge("Work", UidSet{{2, 2}});
  const auto after = mail_in(session(), "Work");

  ASSERT_TRUE(restore(order(RestoreScope::mailbox, "Work")));
  EXPECT_EQ(mail_in(session(), "Restored/then/Work"), before);
  EXPECT_EQ(mail_in(session(), "Work"), after) << "what is there stays as it is";
  const auto watch = must(session().open(old.id));
  auto what = order(RestoreScope::mailbox, "Work");
  what.collision = Collision::replace;
  ASSERT_TRUE(restore(what));
  EXPECT_EQ(mail_in(session(), "Work"), before);
  EXPECT_GT(must(session().status("Work")).uidvalidity, old.uidvalidity);
  EXPECT_EQ(watch->latest(), nullptr) << "sessions on the old one learn that it is gone";
  EXPECT_EQ(must(recovery().list_expunged({.account = alice_, .mailbox = "Work"}, 10)).size(), 3u) << "undelete has the old ones";
  must(store_->reap());
  expect_sound();
}

TEST_F(RestoreTest, ARemovedAccountWithItsPassword) {
  fill("INBOX");
  must(session().create("Deep/er", SpecialUse::none));
  must(session().subscribe("Deep/er", true));
  fill("Deep/er");
  must(store_->credentials().set_password({0, alice_, "password", "", "sealed for 1", 7}));
  must(store_->accounts().add_address({"info@example.org", alice_, ""}));
  const auto inbox_before = mail_in(session(), "INBOX");
  const auto quota = store_->quota(alice_);
  back_up();
  must(store_->accounts().remove_account(alice_));
  must(store_->credentials().remove_all(alice_));
  session_.reset();
  must(store_->reap());
  add_account(*store_, "bob@example.org");

  const auto done = restore(order(RestoreScope::account));
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(mail_in(session(), "INBOX"), inbox_before);
  EXPECT_EQ(mail_in(session(), "Deep/er"), inbox_before);
  EXPECT_EQ(must(session().status("Sent")).use, SpecialUse::sent);
  const auto subscriptions = must(session().subscriptions());
  EXPECT_TRUE(std::ranges::count(subscriptions, "Deep/er"));
  const auto credentials = must(store_->credentials().get(alice_));
  ASSERT_EQ(credentials.size(), 1u);
  EXPECT_EQ(credentials.front().sealed, "sealed for 1");
  const auto table = must(store_->accounts().load());
  EXPECT_TRUE(std::ranges::any_of(table.addresses,
                                  [&](const AddressRow& a) { return a.address == "info@example.org" && a.account == alice_; }));
  EXPECT_EQ(store_->quota(alice_).used_bytes, quota.used_bytes);
  EXPECT_EQ(store_->quota(alice_).used_messages, quota.used_messages);
  must(store_->reap());
  expect_sound();
}

TEST_F(RestoreTest, EverythingTouchesOnlyWhatDiffers) {
  fill("INBOX");
  must(session().create("Same", SpecialUse::none));
  fill("Same");
  const auto same = must(session().status("Same"));
  const auto before = mail_in(session(), "INBOX");
  back_up();
  expunge("INBOX", UidSet{{1, 2}});
  auto what = order(RestoreScope::everything);
  what.collision = Collision::replace;
  const auto done = restore(what);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->messages, 3u);
  EXPECT_EQ(mail_in(session(), "INBOX"), before);
  EXPECT_EQ(must(session().status("Same")).id, same.id);
  EXPECT_EQ(must(session().status("Same")).uidvalidity, same.uidvalidity);
}

TEST_F(RestoreTest, RepairsBodiesThatTheDiskLost) {
  fill("INBOX");
  append("INBOX", {message(noise(60'000, 8))});
  const auto before = mail_in(session(), "INBOX");
  back_up();
  close();
  for (const auto& file : fs::directory_iterator(data() / "seg")) fs::resize_file(file.path(), 20);
  open();
  // Bodies behind the watermark would count as never acknowledged; after a clean end none is.
  ASSERT_EQ(must(session().status("INBOX")).messages, 4u);
  ASSERT_FALSE(wait(session().body(must(session().status("INBOX")).id, 1)));
  const auto done = restore(order(RestoreScope::everything));
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->repaired, 4u);
  EXPECT_EQ(done->messages, 0u);
  EXPECT_EQ(mail_in(session(), "INBOX"), before);
  expect_sound();
}

TEST_F(RestoreTest, AMailboxOfManySlices) {
  must(session().create("Many", SpecialUse::none));
  for (int batch = 0; batch < 12; ++batch) {
    std::vector<NewMessage> messages;
    for (int i = 0; i < 100; ++i) {
      messages.push_back(
          dated(fmt::format("message {} {}", batch, i), i % 2 ? flag::seen : 0, {fmt::format("k{}", i % 7)}, 1'600'000'000 + i));
    }
    append("Many", std::move(messages));
  }
  expunge("Many", UidSet{{300, 450}});
  const auto before = mail_in(session(), "Many");
  back_up();
  must(session().remove("Many"));
  real_.clock.advance(std::chrono::hours(24 * 30));
  must(store_->reap());
  ASSERT_TRUE(restore(order(RestoreScope::account)));
  EXPECT_EQ(mail_in(session(), "Many"), before);
  must(store_->reap());
  expect_sound();
}

/// Whoever did not see the answer runs the command again.
TEST_F(RestoreTest, TheSameCommandBringsNothingBackTwice) {
  must(session().create("Work", SpecialUse::none));
  must(session().create("Gone", SpecialUse::none));
  for (const std::string name : {"INBOX", "Work", "Gone"}) fill(name);
  const auto before = mail_in(session(), "Work");
  back_up();
  expunge("Work", UidSet{{2, 2}});
  must(session().remove("Gone"));
  auto message = order(RestoreScope::message, "INBOX");
  message.job = "message";
  message.uid = 2;
  message.into = "Work";
  auto mailbox = order(RestoreScope::mailbox, "Work");
  mailbox.job = "mailbox";
  auto account = order(RestoreScope::account);
  account.job = "account";
  std::map<std::string, std::vector<Mail>> first;
  for (int round = 0; round < 3; ++round) {
    for (const auto& what : {message, mailbox, account}) {
      const auto done = restore(what);
      ASSERT_TRUE(done) << what.job << ": " << done.error().text;
      EXPECT_EQ(done->messages == 0, round > 0) << what.job;
      EXPECT_FALSE(done->notes.empty()) << what.job;
    }
    std::map<std::string, std::vector<Mail>> now;
    for (const auto& info : must(session().list())) now[info.name] = mail_in(session(), info.name);
    if (round == 0) first = now;
    EXPECT_EQ(now, first) << round;
  }
  EXPECT_EQ(first.at("Restored/then/Work"), before);
  EXPECT_EQ(first.at("Gone"), before);

  must(session().remove("Restored/then/Work"));
  EXPECT_GT(restore(mailbox)->messages, 0u) << "what was deleted since comes back";
  EXPECT_EQ(mail_in(session(), "Restored/then/Work"), before);
  const auto work = must(session().status("Work"));
  expunge("Work", UidSet{{work.uidnext - 1, work.uidnext - 1}});
  EXPECT_EQ(restore(message)->messages, 1u);
  real_.clock.advance(std::chrono::hours(24 * 8));
  EXPECT_EQ(restore(message)->messages, 1u) << "it is not kept in mind for ever";
  must(store_->reap());
  expect_sound();
}

TEST_F(RestoreTest, GoesOnAfterTheStoreWasClosed) {
  for (const char* name : {"A", "B", "C"}) {
    must(session().create(name, SpecialUse::none));
    fill(name);
  }
  const auto before = mail_in(session(), "A");
  back_up();
  for (const char* name : {"A", "B", "C"}) must(session().remove(name));
  real_.clock.advance(std::chrono::hours(24 * 30));
  must(store_->reap());
  ASSERT_TRUE(begin(order(RestoreScope::account)));
  close();  // with a job that was planned and nothing of it done
  open();
  EXPECT_EQ(error_of(recovery().step_restore("job")), ErrorKind::not_found);
  ASSERT_TRUE(restore(order(RestoreScope::account)));
  for (const char* name : {"A", "B", "C"}) EXPECT_EQ(mail_in(session(), name), before) << name;
  EXPECT_EQ(must(session().list()).size(), 9u) << "INBOX, five standard folders and three, none of them twice";
  must(store_->reap());
  expect_sound();
}

TEST_F(RestoreTest, AsksTheQuotaBeforeItShowsAnything) {
  const AccountId bob = add_account(*store_, "bob@example.org", 100);
  const auto his = store_->session(identity(bob, "bob@example.org"));
  must(his->append(inbox(*his).id, {message(std::string(80, 'x'))}));
  back_up();
  auto what = order(RestoreScope::mailbox, "INBOX");
  what.account = "bob@example.org";
  EXPECT_EQ(restore(what).error().kind, ErrorKind::over_quota);
  EXPECT_EQ(must(his->list()).size(), 6u);
  must(recovery().end_restore("job"));
  what.quota = QuotaRule::ignore;
  ASSERT_TRUE(restore(what));
  EXPECT_EQ(mail_in(*his, "Restored/then/INBOX").size(), 1u);
  must(store_->reap());
  expect_sound();
}

TEST_F(RestoreTest, RefusesWhatIsNotThere) {
  fill("INBOX");
  back_up();
  EXPECT_EQ(restore(order(RestoreScope::mailbox, "Nowhere")).error().kind, ErrorKind::not_found);
  auto nobody = order(RestoreScope::account);
  nobody.account = "nobody@example.org";
  EXPECT_EQ(restore(nobody).error().kind, ErrorKind::not_found);
  EXPECT_EQ(begin(order(RestoreScope::everything), 1000).error().kind, ErrorKind::not_found) << "older than any backup";
  auto escape = order(RestoreScope::everything);
  escape.job = "../../etc";
  EXPECT_EQ(error_of(recovery().begin_restore(escape)), ErrorKind::invalid);
}

TEST_F(RestoreTest, BuildsALostDataFolder) {
  fill("INBOX");
  must(store_->credentials().set_password({0, alice_, "password", "", "sealed", 7}));
  auto work = acceptance("waits", {});
  work.enqueue = QueueEntry{};
  work.enqueue->recipients = {recipient("x@elsewhere.example", 5)};
  must(store_->accept(std::move(work)));
  const auto before = mail_in(session(), "INBOX");
  const auto uidvalidity = inbox(session()).uidvalidity;
  write_file_durably(data() / "auth.key", "secret").value();
  write_file_durably(data() / "gate.list", "who may not").value();
  back_up();
  close();
  for (const char* lost : {"mail.db", "auth.key", "gate.list"}) fs::remove(data() / lost);
  const auto built = sqlite::rebuild({backups(), {}, data()}, real_.clock, real_.log, {});
  ASSERT_TRUE(built) << built.error().text;
  EXPECT_EQ(built->messages, 3u);
  EXPECT_EQ(built->held, 1u);
  EXPECT_EQ(sqlite::rebuild({backups(), {}, data()}, real_.clock, real_.log, {}).error().kind, ErrorKind::conflict);
  EXPECT_EQ(read_file(data() / "auth.key").value(), "secret");
  EXPECT_EQ(read_file(data() / "gate.list").value(), "who may not");
  open();
  EXPECT_EQ(mail_in(session(), "INBOX"), before);
  EXPECT_GT(inbox(session()).uidvalidity, uidvalidity);
  EXPECT_EQ(must(store_->credentials().get(alice_)).front().sealed, "sealed");
  EXPECT_TRUE(must(store_->queue().claim(10, std::chrono::hours(1), {})).empty()) << "waiting mail is held";
  EXPECT_EQ(store_->queue().depth(), 1u);
  expect_sound();
}

TEST_F(RestoreTest, AnySecondBetweenTwoBackups) {
  close();
  open({.folder = backups(), .every = std::chrono::hours(24), .keep = 7, .point_in_time = true, .ship_every = seconds(3600)});
  fill("INBOX");
  const auto& clock = real_.clock;
  std::vector<std::pair<UnixTime, std::vector<Mail>>> history;
  const auto ready = [&] { return fs::exists(backups() / "wal") && sqlite::list_backups(backups()).has_value(); };
  while (!ready()) ::usleep(1000);  // the keeper's first base; nothing in the test depends on how long it takes
  for (std::uint32_t step = 0; step < 6; ++step) {
    real_.clock.advance(seconds(10));
    append("INBOX", {dated(noise(30'000, step), flag::seen, {fmt::format("k{}", step)}, 1'600'000'100)});
    if (step == 2) expunge("INBOX", UidSet{{2, 3}});
    if (step == 4)
      must(session().store_flags(inbox(session()).id, UidSet::all(), {FlagChange::Mode::add, flag::flagged, {}, {}}));
    history.emplace_back(clock.unix_now(), mail_in(session(), "INBOX"));
  }
  real_.clock.advance(seconds(10));
  close();  // ships what is left
  EXPECT_EQ(findings(), std::vector<std::string>());
  for (const auto& [time, mail] : history) {
    const Folder place;
    const auto built = sqlite::rebuild({backups(), time + 5, place / "data"}, clock, real_.log, {});
    ASSERT_TRUE(built) << built.error().text;
    const auto store = real_.must_open(place / "data");
    const auto session = store->session(identity(alice_));
    EXPECT_EQ(mail_in(*session, "INBOX"), mail) << "at " << time;
    EXPECT_EQ(must(store->audit()), std::vector<std::string>());
  }
}

/// Copies of logins and lists, as the server makes them beside the copies of its log.
class CompanionTest : public RestoreTest {
 protected:
  struct Moment {
    UnixTime time = 0;
    std::string sealed, list;
  };
  CompanionTest() {
    session();
    close();
    open({.folder = backups(), .every = std::chrono::hours(24), .keep = 7, .point_in_time = true, .ship_every = seconds(1)});
    const auto ready = [&] { return fs::exists(backups() / "wal") && sqlite::list_backups(backups()).has_value(); };
    while (!ready()) ::usleep(1000);
    history_.push_back({real_.clock.unix_now(), {}, {}});
  }
  fs::path run() const { return fs::directory_iterator(backups() / "wal")->path(); }
  /// A password and a list that are copied before it returns.
  void change(const std::string& sealed, const std::string& list) {
    real_.clock.advance(seconds(10));
    const auto before = sqlite::companion_copies(run()).copies.size();
    must(store_->credentials().set_password({.account = alice_, .kind = "scram", .label = {}, .sealed = sealed}));
    if (list != history_.back().list) write_file_durably(data() / "gate.list", list).value();
    const auto settled = [&] {
      const auto found = sqlite::companion_copies(run()).copies;
      return found.size() > before && (list.empty() || read_file(found.back().folder / "gate.list") == list);
    };
    while (!settled()) {
      ::usleep(1000);
      // Two changes may fall into two copies: the second one must have another second than the first.
      if (sqlite::companion_copies(run()).copies.size() > before && !settled()) real_.clock.advance(seconds(1));
    }
    history_.push_back({real_.clock.unix_now(), sealed, list});
  }
  Moment rebuilt_at(UnixTime time) {
    const Folder place;
    const auto built = sqlite::rebuild({backups(), time, place / "data"}, real_.clock, real_.log, {});
    if (!built) throw std::runtime_error(built.error().text);
    const auto store = real_.must_open(place / "data");
    const auto rows = must(store->credentials().get(alice_));
    Moment out{time, rows.empty() ? "" : rows.front().sealed, read_file(place / "data" / "gate.list").value_or("")};
    EXPECT_LE(rows.size(), 1u);
    return out;
  }

  std::vector<Moment> history_;
};

TEST_F(CompanionTest, PasswordsAndListsOfAnySecondBetweenTwoBackups) {
  change("first", "");
  change("second", "who may not");
  change("third", "who may");
  real_.clock.advance(seconds(10));
  close();
  EXPECT_EQ(findings(), std::vector<std::string>());
  for (const Moment& wanted : history_) {
    const auto found = rebuilt_at(wanted.time + 5);
    EXPECT_EQ(found.sealed, wanted.sealed) << "at " << wanted.time;
    EXPECT_EQ(found.list, wanted.list) << "at " << wanted.time;
  }
  EXPECT_EQ(rebuilt_at(real_.clock.unix_now()).sealed, "third");
}

TEST_F(CompanionTest, ADamagedCopyIsFoundAndOnlyItsMomentsAreLost) {
  change("first", "");
  change("second", "");
  close();
  const auto copies = sqlite::companion_copies(run()).copies;
  ASSERT_EQ(copies.size(), 2u);
  const auto path = copies.back().folder / "logins.db";
  auto octets = read_file(path).value();
  octets[octets.size() / 2] ^= 1;
  write_file_durably(path, octets).value();
  fs::create_directory(run() / "beside" / "20990101T000000Z.part");
  EXPECT_EQ(findings(), std::vector<std::string>({path.string() + " fails its checksum"}));
  const Folder place;
  const auto built = sqlite::rebuild({backups(), {}, place / "data"}, real_.clock, real_.log, {});
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().kind, ErrorKind::corrupt);
  EXPECT_EQ(rebuilt_at(history_[1].time).sealed, "first");
  sqlite::prune_companions(run(), copies.back().manifest.time);
  EXPECT_EQ(sqlite::companion_copies(run()).copies.size(), 1u);
  EXPECT_FALSE(fs::exists(run() / "beside" / "20990101T000000Z.part"));
}

TEST_F(CompanionTest, ALoginIsNoReasonForACopy) {
  change("first", "who may not");
  const sqlite::CompanionCopies copies(data(), real_.log);
  const auto before = copies.fingerprint().value();
  LoginRow login;
  login.account = alice_;
  login.at = real_.clock.unix_now();
  login.outcome = "success";
  login.ip = "192.0.2.7";
  login.credential = must(store_->credentials().get(alice_)).front().id;
  must(store_->credentials().record_logins({login}, {}));
  EXPECT_EQ(copies.fingerprint().value(), before);
  must(store_->credentials().set_policy(alice_, {.app_passwords_only = true}));
  EXPECT_NE(copies.fingerprint().value(), before);
}

TEST_F(RestoreTest, TheLogIsCopiedThroughItsCheckpoints) {
  close();
  open({.folder = backups(), .every = std::chrono::hours(24), .keep = 7, .point_in_time = true, .ship_every = seconds(3600)});
  session();
  while (!sqlite::list_backups(backups()).has_value()) ::usleep(1000);
  // More pages than the writer lets the log grow to, several times.
  for (std::uint32_t round = 0; round < 40; ++round) {
    std::vector<NewMessage> messages;
    for (int i = 0; i < 50; ++i) {
      auto one = message("x");
      one.meta.bodystructure = noise(20'000, round * 50 + static_cast<std::uint32_t>(i));
      messages.push_back(std::move(one));
    }
    append("INBOX", std::move(messages));
  }
  const auto count = inbox(session()).messages;
  real_.clock.advance(seconds(10));
  const UnixTime end = real_.clock.unix_now();
  close();
  EXPECT_EQ(findings(), std::vector<std::string>());
  const auto verified = sqlite::verify_backups({backups(), {}}, {});
  EXPECT_GT(verified->log_generations, 1u);
  const Folder place;
  ASSERT_TRUE(sqlite::rebuild({backups(), end, place / "data"}, real_.clock, real_.log, {}));
  const auto store = real_.must_open(place / "data");
  const auto session = store->session(identity(alice_));
  EXPECT_EQ(inbox(*session).messages, count);
}

}  // namespace

}  // namespace postern::store::test
