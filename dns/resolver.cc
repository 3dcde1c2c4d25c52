// SPDX-License-Identifier: Apache-2.0
// From raw answers to typed ones.
#include "dns/resolver.h"

#include "dns/wire.h"

namespace postern::dns {

std::string_view to_string(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::nodata: return "nodata";
    case Status::nxdomain: return "nxdomain";
    case Status::servfail: return "servfail";
    case Status::bogus: return "bogus";
    case Status::timeout: return "timeout";
  }
  return "unknown";
}

std::string_view to_string(Type type) {
  switch (type) {
    case Type::a: return "A";
    case Type::cname: return "CNAME";
    case Type::ptr: return "PTR";
    case Type::mx: return "MX";
    case Type::txt: return "TXT";
    case Type::aaaa: return "AAAA";
    case Type::tlsa: return "TLSA";
  }
  return "unknown";
}

namespace {

/// Reads every record; those that are malformed are left out.
template <class Record>
Answer<Record> typed(RawAnswer raw, std::optional<Record> (*read)(std::string_view)) {
  Answer<Record> out{raw.status, {}, raw.secure, raw.ttl, std::move(raw.canonical), std::move(raw.text)};
  for (const auto& data : raw.records) {
    if (auto record = read(data)) out.records.push_back(std::move(*record));
  }
  if (out.status == Status::ok && out.records.empty()) {
    out.status = Status::servfail;
    out.text = "every record is malformed";
  }
  return out;
}

/// Two answers about one host as one.
Answer<IpAddress> merged(Answer<IpAddress> first, Answer<IpAddress> second) {
  first.records.insert(first.records.end(), second.records.begin(), second.records.end());
  first.secure = first.secure && second.secure;
  const bool have = !first.records.empty();
  if (first.ok() && second.ok()) first.ttl = std::min(first.ttl, second.ttl);
  if (!first.ok() && second.ok()) first.ttl = second.ttl;
  if (first.canonical.empty()) first.canonical = second.canonical;
  if (have) {
    first.status = Status::ok;
  } else if (is_temporary(second.status)) {
    first.status = second.status;
    first.text = second.text;
  } else if (first.status == Status::nxdomain) {
    first.status = second.status;
  }
  return first;
}

}  // namespace

async::Task<Answer<IpAddress>> Resolver::a(std::string name) {
  co_return typed<IpAddress>(co_await query(std::move(name), Type::a), read_address);
}

async::Task<Answer<IpAddress>> Resolver::aaaa(std::string name) {
  co_return typed<IpAddress>(co_await query(std::move(name), Type::aaaa), read_address);
}

async::Task<Answer<IpAddress>> Resolver::addresses(std::string name) {
  auto v6 = co_await aaaa(name);
  auto v4 = co_await a(std::move(name));
  co_return merged(std::move(v6), std::move(v4));
}

async::Task<Answer<Mx>> Resolver::mx(std::string name) {
  auto answer = typed<Mx>(co_await query(std::move(name), Type::mx), read_mx);
  std::ranges::sort(answer.records);
  co_return answer;
}

async::Task<Answer<std::string>> Resolver::txt(std::string name) {
  co_return typed<std::string>(co_await query(std::move(name), Type::txt), read_txt);
}

async::Task<Answer<std::string>> Resolver::ptr(IpAddress address) {
  co_return typed<std::string>(co_await query(address.reverse_name(), Type::ptr), read_name);
}

async::Task<Answer<std::string>> Resolver::cname(std::string name) {
  co_return typed<std::string>(co_await query(std::move(name), Type::cname), read_name);
}

async::Task<Answer<Tlsa>> Resolver::tlsa(std::string name) {
  co_return typed<Tlsa>(co_await query(std::move(name), Type::tlsa), read_tlsa);
}

}  // namespace postern::dns
