// SPDX-License-Identifier: Apache-2.0
// Notes of what other servers have taken: they outlive the process, speak only for their own row, and damage is no note.
#include "queue/taken.h"

#include <fstream>

#include "tests/queue/house.h"
#include "tests/support/folder.h"

namespace postern::queue {
namespace {

/// The parameter is where the file lies: on a disk (mapped, where that is ext4 or XFS), or in memory (written).
class TakenTest : public House, public testing::WithParamInterface<const char*> {
 protected:
  std::unique_ptr<Taken> open() {
    auto made = Taken::open(file_, log_);
    EXPECT_TRUE(made) << (made ? "" : made.error().text);
    return std::move(made).value();
  }
  void send(std::initializer_list<std::string_view> to, unsigned char notify = mail::notify_unset) {
    auto made = arrival();
    for (const auto one : to) made.remote.push_back(remote(one, notify));
    ASSERT_TRUE(accept(std::move(made)));
  }
  std::unique_ptr<Runner> runner(Taken& taken) {
    return std::make_unique<Runner>(Runner::Parts{store_->queue(), courier_, bouncer_, live_, clock_, log_, metrics_, &taken},
                                    loop_.executor());
  }
  static async::Task<> recall_and_poll(Runner& runner) {
    co_await runner.recall();
    co_await runner.poll();
    co_await runner.settle();
  }
  /// As a process that starts does.
  void start_over() {
    const auto taken = open();
    const auto runs = runner(*taken);
    loop_.run(recall_and_poll(*runs));
  }

  test::Folder folder_{GetParam()};
  std::filesystem::path file_ = folder_.path() / "queue.taken";
  CourierFake courier_;
};

TEST_P(TakenTest, WhatWasTakenBeforeTheEndIsNotSentAgain) {
  send({"carol@example.net", "dave@example.net"});
  const auto entry = queued().at(0);
  open()->draft(entry, entry.recipients.at(0), false).confirm();
  start_over();
  ASSERT_EQ(courier_.seen.size(), 1U);
  ASSERT_EQ(courier_.seen[0].entry.recipients.size(), 1U);
  EXPECT_EQ(courier_.seen[0].entry.recipients[0].recipient.address.to_string(), "dave@example.net");
  EXPECT_TRUE(queued().empty());
}

TEST_P(TakenTest, SettledAndStaleNotesDoNothing) {
  send({"carol@example.net"});
  auto entry = queued().at(0);
  {
    const auto taken = open();
    auto other = entry;
    other.created += 1;  // the same ids in a store that was set back
    taken->draft(other, other.recipients.at(0), false).confirm();
    taken->settle(other.recipients.at(0).id);
    other.recipients.at(0).recipient.address = address("eve@example.net");
    taken->draft(other, other.recipients.at(0), false).confirm();
  }
  start_over();
  EXPECT_EQ(courier_.seen.size(), 1U) << "the notes spoke of other rows";
}

TEST_P(TakenTest, ASuccessReportThatWasAskedForIsStillSent) {
  send({"carol@example.net", "dave@example.net"}, mail::notify_success);
  const auto entry = queued().at(0);
  {
    const auto taken = open();
    taken->draft(entry, entry.recipients.at(0), false).confirm();
    taken->draft(entry, entry.recipients.at(1), true).confirm();
  }
  start_over();
  EXPECT_TRUE(courier_.seen.empty());
  const auto mails = inbox(alice_);
  ASSERT_EQ(mails.size(), 1U) << "one report: the other server took over the duty for dave";
  EXPECT_NE(mails[0].find("carol@example.net"), std::string::npos);
  EXPECT_EQ(mails[0].find("dave@example.net"), std::string::npos);
}

TEST_P(TakenTest, DamagedBytesAreNoNotes) {
  send({"carol@example.net"});
  const auto entry = queued().at(0);
  open()->draft(entry, entry.recipients.at(0), false).confirm();
  constexpr std::size_t size = 48;
  ASSERT_GE(std::filesystem::file_size(file_), size);
  for (std::size_t at = 0; at < size; ++at) {
    std::fstream bytes(file_, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(static_cast<std::streamoff>(at));
    const int was = bytes.get();
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(static_cast<char>(was ^ 0x40));
    bytes.flush();
    EXPECT_TRUE(open()->take_left().empty()) << "octet " << at;
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(static_cast<char>(was));
  }
  EXPECT_EQ(open()->take_left().size(), 1U);
  std::filesystem::resize_file(file_, size - 1);
  EXPECT_TRUE(open()->take_left().empty());
}

TEST_P(TakenTest, ADraftIsNoNote) {
  send({"carol@example.net"});
  const auto entry = queued().at(0);
  const auto taken = open();
  {
    const auto draft = taken->draft(entry, entry.recipients.at(0), false);
    EXPECT_TRUE(open()->take_left().empty());
  }
  // Its place was given back; what an earlier note left there does not count for the next draft.
  auto other = entry.recipients.at(0);
  taken->draft(entry, entry.recipients.at(0), false).confirm();
  taken->settle(entry.recipients.at(0).id);
  other.id += 1;
  {
    auto draft = taken->draft(entry, other, false);
    if (overwrites_in_place(file_)) EXPECT_TRUE(open()->take_left().empty());
    draft.confirm();
  }
  const auto left = open()->take_left();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].recipient, other.id);
}

TEST_P(TakenTest, PlacesAreUsedAgainAndMoreThanFitGoWithoutANote) {
  send({"carol@example.net"});
  const auto entry = queued().at(0);
  auto recipient = entry.recipients.at(0);
  const auto taken = open();
  for (store::QueueRecipientId id = 1; id <= Taken::capacity + 10; ++id) {
    recipient.id = id;
    taken->draft(entry, recipient, false).confirm();
  }
  EXPECT_EQ(open()->take_left().size(), Taken::capacity);
  taken->settle(7);
  recipient.id = 99'999;
  taken->draft(entry, recipient, false).confirm();
  const auto left = open()->take_left();
  EXPECT_EQ(left.size(), Taken::capacity);
  EXPECT_TRUE(std::ranges::any_of(left, [](const auto& one) { return one.recipient == 99'999; }));
  EXPECT_TRUE(std::ranges::none_of(left, [](const auto& one) { return one.recipient == 7; }));
}

INSTANTIATE_TEST_SUITE_P(, TakenTest, testing::Values("/var/tmp", "/dev/shm"),
                         [](const auto& info) { return std::string(info.param) == "/dev/shm" ? "InMemory" : "OnDisk"; });

}  // namespace
}  // namespace postern::queue
