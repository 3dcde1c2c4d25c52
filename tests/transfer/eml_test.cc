// SPDX-License-Identifier: Apache-2.0
#include "tests/transfer/house.h"
#include "transfer/eml_source.h"

namespace postern::transfer::test {
namespace {

class Eml : public TransferHouse {
 protected:
  ImportReport import_eml(const std::string& name, ImportOptions options = {}) {
    auto source = EmlSource::open_at(path(name)).value();
    auto target = box(alice_);
    return import(*source, target, std::move(options));
  }
};

TEST_F(Eml, FoldersDatesAndOtherFiles) {
  write("e/b.eml", "Received: by x; Tue, 2 Jan 2024 15:04:05 +0000\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nx\n");
  write("e/a.EML", "Date: Mon, 1 Jan 2024 00:00:00 +0000\n\nx\n");
  write("e/c.eml", "Subject: no date\n\n", 1'500'000'000);
  write("e/notes.txt", "x");
  write("e/Work/2020/d.eml", "Subject: d\n\n");
  const auto report = import_eml("e");
  ASSERT_FALSE(report.error);
  EXPECT_EQ(report.total.added, 4u);
  const auto seen = mailbox(alice_, "INBOX");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].date, 1704067200);
  EXPECT_EQ(seen[1].date, 1704207845);
  EXPECT_EQ(seen[2].date, 1'500'000'000);
  EXPECT_EQ(mailbox(alice_, "Work/2020").size(), 1u);
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_TRUE(report.notes[0].where.ends_with("notes.txt"));
}

TEST_F(Eml, TwiceIsOnceAlsoWhenFilesCameBetween) {
  write("e/b.eml", "Subject: b\n\n");
  write("e/d.eml", "Subject: d\n\n");
  EXPECT_EQ(import_eml("e").total.added, 2u);
  write("e/a.eml", "Subject: a\n\n");
  write("e/c.eml", "Subject: b\n\n");
  EXPECT_EQ(import_eml("e").total.added, 2u);
  // A changed file is another message.
  write("e/b.eml", "Subject: changed\n\n");
  EXPECT_EQ(import_eml("e").total.added, 1u);
  EXPECT_EQ(import_eml("e").total.added, 0u);
}

TEST_F(Eml, MarkedAsRead) {
  write("e/b.eml", "Subject: b\n\n");
  ImportOptions options;
  options.seen = ImportOptions::Seen::all;
  options.into = "Saved";
  import_eml("e", options);
  EXPECT_EQ(mailbox(alice_, "Saved").at(0).flags, store::flag::seen);
}

TEST_F(Eml, AnEmptyFolderIsSaid) {
  std::filesystem::create_directories(path("e"));
  EXPECT_EQ(import_eml("e").error->kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace postern::transfer::test
