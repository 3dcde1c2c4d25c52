// SPDX-License-Identifier: Apache-2.0
// Templates: {d} our domain, {h} our host name, {i} our address, {e} the domain elsewhere. NUL and other controls are written as
// they go over the wire.
#include "audit/disguises.h"

#include <array>
#include <string_view>

namespace postern::audit {
namespace {

using namespace std::string_view_literals;

constexpr std::array templates{
    // plain
    "<victim@{e}>"sv,
    "<VICTIM@{e}>"sv,
    "<victim@sub.{e}>"sv,
    "<victim@{e}.>"sv,
    "<victim@{e}>:25"sv,
    "<postmaster@{e}>"sv,
    "<abuse@{e}>"sv,
    "victim@{e}"sv,
    " <victim@{e}>"sv,
    "<victim@{e}> NOTIFY=SUCCESS"sv,
    "<victim@{e}> ORCPT=rfc822;postmaster@{d}"sv,
    "<<victim@{e}>>"sv,
    "<victim@{e}"sv,
    "victim@{e}>"sv,
    "\"victim@{e}\""sv,
    "(victim@{e})"sv,
    // literals and bare addresses
    "<victim@[192.0.2.99]>"sv,
    "<victim@[IPv6:2001:db8::99]>"sv,
    "<victim@192.0.2.99>"sv,
    "<victim@[127.0.0.1]>"sv,
    "<victim@[IPv6:::1]>"sv,
    "<victim@[{i}]>"sv,
    "<victim@[{e}]>"sv,
    "<victim@#3221225985>"sv,
    "<victim@localhost>"sv,
    "<victim@localhost.localdomain>"sv,
    "<victim@[0.0.0.0]>"sv,
    "<victim@[2130706433]>"sv,
    // source routes
    "<@{d}:victim@{e}>"sv,
    "<@{h}:victim@{e}>"sv,
    "<@[{i}]:victim@{e}>"sv,
    "<@{e}:victim@{d}>"sv,
    "<@{d},@{e}:victim@{e}>"sv,
    "<@{d}:@{e}:victim@{e}>"sv,
    "<@localhost:victim@{e}>"sv,
    "<@:victim@{e}>"sv,
    "<@{d}:victim>"sv,
    // percent hack
    "<victim%{e}@{d}>"sv,
    "<victim%{e}@{h}>"sv,
    "<victim%{e}@[{i}]>"sv,
    "<victim%{e}@>"sv,
    "<victim%{e}>"sv,
    "<victim%{e}%{d}@{d}>"sv,
    "<victim%{e}@localhost>"sv,
    "<victim%[192.0.2.99]@{d}>"sv,
    "<victim%40{e}@{d}>"sv,
    "<victim%25{e}@{d}>"sv,
    "<victim%%{e}@{d}>"sv,
    // bang paths
    "<{e}!victim>"sv,
    "<{e}!victim@{d}>"sv,
    "<{d}!{e}!victim>"sv,
    "<{d}!{e}!victim@{d}>"sv,
    "<{e}!victim@{h}>"sv,
    "<{e}!victim@[{i}]>"sv,
    "<{d}!victim%{e}>"sv,
    "<{e}!victim%{d}>"sv,
    "<@{d}:{e}!victim>"sv,
    // quoted local parts
    "<\"victim@{e}\">"sv,
    "<\"victim@{e}\"@{d}>"sv,
    "<\"victim@{e}\"@[{i}]>"sv,
    "<\"victim@{e}\"@{h}>"sv,
    "<\"victim%{e}\"@{d}>"sv,
    "<\"{e}!victim\"@{d}>"sv,
    "<\"@{d}:victim@{e}\"@{d}>"sv,
    "<\"victim\"@{e}>"sv,
    "<\"victim\\@{e}\"@{d}>"sv,
    "<\"victim@{e} \"@{d}>"sv,
    "<\" victim@{e}\"@{d}>"sv,
    "<\"<victim@{e}>\"@{d}>"sv,
    "<\"victim@{e},\"@{d}>"sv,
    "<\"victim\\\"@{e}\"@{d}>"sv,
    "<\"\"victim@{e}@{d}>"sv,
    "<victim\\@{e}@{d}>"sv,
    // two at signs, lists
    "<victim@{e}@{d}>"sv,
    "<victim@{d}@{e}>"sv,
    "<victim@{e}@{d}@{e}>"sv,
    "<victim@@{e}>"sv,
    "<@victim@{e}>"sv,
    "<victim@{d},victim@{e}>"sv,
    "<victim@{d}>,<victim@{e}>"sv,
    "<victim@{d} victim@{e}>"sv,
    "<victim@{d};victim@{e}>"sv,
    "<victim@{d}><victim@{e}>"sv,
    "<victim@{e}:{d}>"sv,
    "<victim@{e}/{d}>"sv,
    "<victim@{e}?{d}>"sv,
    "<victim@{e}&{d}>"sv,
    // comments and folding
    "<victim@{e}(@{d})>"sv,
    "<(@{d})victim@{e}>"sv,
    "<victim(x)@{e}>"sv,
    "<victim@(x){e}>"sv,
    "<victim@ {e}>"sv,
    "<victim @{e}>"sv,
    "<victim@{e}\t@{d}>"sv,
    "<victim@{e} @{d}>"sv,
    // controls
    "<victim@{e}\0@{d}>"sv,
    "<victim@{d}\0.{e}>"sv,
    "<victim\0@{e}>"sv,
    "<victim@{e}\v@{d}>"sv,
    "<victim@{e}\x7f@{d}>"sv,
    "<victim@{e}\b@{d}>"sv,
    "<victim@{e}\x1b[2J@{d}>"sv,
    // names that look like ours
    "<victim@{d}.{e}>"sv,
    "<victim@x{d}>"sv,
    "<victim@{d}x>"sv,
    "<victim@sub.{d}>"sv,
    "<victim@.{d}>"sv,
    "<victim@{d}..>"sv,
    "<victim@-{d}>"sv,
    "<victim@{h}.{e}>"sv,
    "<victim@xn--{d}>"sv,
    "<victim@*.{d}>"sv,
    // other scripts: full width letters, dots and at signs
    "<victim@\uFF45lsewhere.example>"sv,
    "<victim\uFF20{e}>"sv,
    "<victim\uFE6B{e}@{d}>"sv,
    "<victim@elsewhere\u3002example>"sv,
    "<victim@elsewhere\uFF0Eexample>"sv,
    "<victim\uFF05{e}@{d}>"sv,
    "<victim@\u202E{e}>"sv,
    "<victim@{e}\u200B@{d}>"sv,
    "<victim@\xC0\xAE{e}>"sv,
    "<victim@{e}\xFF@{d}>"sv,
    // files, programs, lists
    "<|/bin/sh@{d}>"sv,
    "</etc/passwd@{d}>"sv,
    "<:include:/etc/passwd@{d}>"sv,
    "<\"|mail victim@{e}\"@{d}>"sv,
    "<relay={e}/victim@{d}>"sv,
    "<victim={e}@{d}>"sv,
    "<victim#{e}@{d}>"sv,
    "<smtp:victim@{e}>"sv,
    "<mailto:victim@{e}>"sv,
    "<victim+{e}=x@{d}>"sv,
    "<srs0=aaaa=bb={e}=victim@{d}>"sv,
    "<prvs=0123456789=victim/{e}@{d}>"sv,
};

std::string fill(std::string_view text, const OwnNames& own) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{' || i + 2 >= text.size() || text[i + 2] != '}') {
      out += text[i];
      continue;
    }
    switch (text[i + 1]) {
      case 'd': out += own.domain; break;
      case 'h': out += own.hostname; break;
      case 'i': out += own.ip; break;
      default: out += "elsewhere.example"; break;
    }
    i += 2;
  }
  return out;
}

}  // namespace

std::vector<std::string> relay_disguises(const OwnNames& own) {
  std::vector<std::string> out;
  out.reserve(templates.size());
  for (const auto& one : templates) out.push_back("TO:" + fill(one, own));
  return out;
}

}  // namespace postern::audit
