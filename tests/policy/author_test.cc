// SPDX-License-Identifier: Apache-2.0
#include "policy/author.h"

#include <gtest/gtest.h>

namespace postern::policy {
namespace {

using Kind = Author::Kind;

// security.md D40
TEST(Author, Kinds) {
  struct Row {
    std::string_view header;
    Kind kind;
    std::vector<std::string> domains;
  };
  const Row rows[] = {
      {"From: a@Example.org\r\n", Kind::one, {"example.org"}},
      {"From: \"A, B\" <a@example.org>\r\n", Kind::one, {"example.org"}},
      {"From : a@example.org\r\n", Kind::one, {"example.org"}},
      {"FROM:\r\n a@b\xC3\xBC"
       "cher.example\r\n",
       Kind::one,
       {"xn--bcher-kva.example"}},
      {"From: a@x.example, b@y.example, c@X.EXAMPLE\r\n", Kind::several, {"x.example", "y.example"}},
      {"To: a@example.org\r\n", Kind::absent, {}},
      {"", Kind::absent, {}},
      {"From: a@x.example\r\nFrom: b@y.example\r\n", Kind::twice, {}},
      {"From: a@x.example\r\nfrom : b@y.example\r\n", Kind::twice, {}},
      {"From: \r\n", Kind::unclear, {}},
      {"From: A <>\r\n", Kind::unclear, {}},
      {"From: friends: a@x.example, b@y.example;\r\n", Kind::unclear, {}},
      {"From: undisclosed:;\r\n", Kind::unclear, {}},
      {"From: a@[192.0.2.1]\r\n", Kind::unclear, {}},
      {"From: root\r\n", Kind::unclear, {}},
      {"From: a@x.example <b@y.example>\r\n", Kind::unclear, {}},
      {"From: <a@x.example> <b@y.example>\r\n", Kind::unclear, {}},
      {"From: a@x..example\r\n", Kind::unclear, {}},
      {"From: a@1.e, a@2.e, a@3.e, a@4.e, a@5.e\r\n", Kind::unclear, {}},
  };
  for (const auto& row : rows) {
    const auto author = read_author(row.header);
    EXPECT_EQ(author.kind, row.kind) << row.header << author.problem;
    EXPECT_EQ(author.domains, row.domains) << row.header;
    EXPECT_EQ(author.problem.empty(), author.kind == Kind::one) << row.header;
  }
}

TEST(Author, One) {
  const auto author = read_author("From: =?utf-8?q?J=C3=B6rg?= <joe@example.org>\r\n\r\n");
  EXPECT_EQ(author.address, "joe@example.org");
  EXPECT_EQ(author.display_name, "J\xC3\xB6rg");
}

}  // namespace
}  // namespace postern::policy
