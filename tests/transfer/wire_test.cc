// SPDX-License-Identifier: Apache-2.0
#include "tests/transfer/house.h"
#include "transfer/box_server.h"
#include "transfer/exporter.h"
#include "transfer/maildir_writer.h"
#include "transfer/remote_box.h"

namespace postern::transfer::test {
namespace {

class Wire : public TransferHouse {
 protected:
  Wire() : pair_(loop_.make_pair()), served_(box(alice_)), remote_(*pair_.client, folder_.path()) {
    loop_.spawn(serve(served_, *pair_.server));
  }
  ~Wire() override {
    pair_.client.reset();
    loop_.finish();
  }
  static async::Task<> serve(Box& box, net::Connection& stream) {
    co_await serve_box(box, stream);
    co_await stream.close_gracefully();
  }
  static async::Task<> send(net::Connection& client, std::string bytes) { (void)co_await client.write(bytes); }

  postern::test::ConnectionPair pair_;
  StoreBox served_;
  RemoteBox remote_;
};

TEST_F(Wire, AnImportThroughTheWireIsTheSame) {
  std::string large = "Subject: large\n\n";
  for (int i = 0; i < 30'000; ++i) large += "a line of text that makes this message larger than a spool in memory\n";
  write("m/cur/1000000001.a.h:2,Sa", large);
  write("m/dovecot-keywords", "0 work\n");
  for (int i = 2; i < 600; ++i) write(fmt::format("m/cur/{}.a.h:2,", 1'000'000'000 + i), fmt::format("Subject: {}\n\nx\n", i));
  write("m/.Work/new/1.x", "Subject: w\n\n");
  auto source = MaildirSource::open_at(path("m")).value();
  auto report = import(*source, remote_);
  ASSERT_FALSE(report.error) << report.error->text;
  EXPECT_EQ(report.total.added, 600u);
  import_maildir(path("m"), bob_);
  for (const char* name : {"INBOX", "Work"}) EXPECT_EQ(mailbox(alice_, name), mailbox(bob_, name));
  auto again = MaildirSource::open_at(path("m")).value();
  EXPECT_EQ(import(*again, remote_).total.known, 600u);

  auto writer = MaildirWriter::open_at(path("out")).value();
  const auto exported = loop_.run(Exporter(remote_, *writer, progress_, {}).run());
  ASSERT_FALSE(exported.error) << exported.error->text;
  EXPECT_EQ(exported.total.written, 600u);
  ImportOptions options;
  options.into = "Back";
  import_maildir(path("out"), bob_, options);
  EXPECT_EQ(mailbox(bob_, "Back"), mailbox(alice_, "INBOX"));
}

TEST_F(Wire, ErrorsOfTheStoreArriveWithKindAndText) {
  store_->fail_writes(Error{ErrorKind::no_space, "the disk is full"});
  const auto made = loop_.run(remote_.make("New"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), (Error{ErrorKind::no_space, "the disk is full"}));
  EXPECT_EQ(loop_.run(remote_.login()).value(), "alice@example.org");
  EXPECT_EQ(loop_.run(remote_.listing(999)).error().kind, ErrorKind::not_found);
  EXPECT_FALSE(loop_.run(remote_.subscribe("a//b")));
  store_->fail_writes(std::nullopt);
  EXPECT_EQ(loop_.run(remote_.make("New")).value().name, "New");
}

TEST_F(Wire, MalformedRequestsEndThatConversationOnly) {
  const auto block = [](std::string_view content) {
    std::string out{static_cast<char>(content.size()), 0, 0, 0};
    return out + std::string(content);
  };
  using namespace std::string_literals;
  for (const std::string& bytes : {"\0\0\0\0"s, "\xff\xff\xff\xff"s, block("\0"s), block("\x63"s), block("\x07\xff\xff\xff\xff"s),
                                   block("\x08\1\0\0\0\0\0\0\0"s), block("\x08\1\0\0\0\xff\0\0\0"s) + block("x"),
                                   block("\x0a\1\0\0\0\xff\xff\0\0"s), block("\x07\1\0\0\0\x09\0\0\0x"s)}) {
    auto pair = loop_.make_pair();
    auto served = box(alice_);
    loop_.run(send(*pair.client, bytes));
    loop_.run(serve_box(served, *pair.server));
    pair.server.reset();
    EXPECT_EQ(loop_.run(postern::test::read_to_end(*pair.client)), "") << testing::PrintToString(bytes);
  }
  EXPECT_EQ(loop_.run(remote_.login()).value(), "alice@example.org");
}

TEST_F(Wire, AServerThatStopsEndsBetweenTwoRequests) {
  EXPECT_TRUE(loop_.run(remote_.quota()));
  pair_.server->request_stop();
  const auto next = loop_.run(remote_.quota());
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().kind, ErrorKind::closed);
}

TEST(WireBlocks, UnpackerStaysInItsBounds) {
  wire::Packer out;
  out.begin();
  store::NewMessage message;
  message.body = store::body_of("text");
  message.meta = {"env", "structure", "parts"};
  message.keywords = {"a", "b"};
  message.flags = store::flag::seen;
  message.internal_date = -5;
  message.import = store::ImportMark{"key", true};
  wire::pack(out, message);
  out.end();
  const std::string block = out.take().substr(4);
  store::NewMessage back;
  wire::Unpacker whole(block);
  EXPECT_EQ(wire::unpack_message(whole, back), 4u);
  EXPECT_TRUE(whole.done());
  EXPECT_EQ(back.keywords, message.keywords);
  EXPECT_EQ(back.internal_date, -5);
  EXPECT_TRUE(back.import && back.import->beyond_quota);
  for (std::size_t n = 0; n < block.size(); ++n) {
    store::NewMessage cut;
    wire::Unpacker in(std::string_view(block).substr(0, n));
    wire::unpack_message(in, cut);
    EXPECT_FALSE(in.done()) << n;
  }
}

}  // namespace
}  // namespace postern::transfer::test
