// SPDX-License-Identifier: Apache-2.0
// Zone: lines of text into record data in wire format, so that tests go through the readers of dns/wire as well.
#include "dns/zone.h"

#include <mutex>
#include <stdexcept>
#include <vector>

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "dns/wire.h"

namespace postern::dns {

namespace {

constexpr std::chrono::seconds record_ttl{300};
constexpr int longest_chain = 8;
constexpr std::size_t longest_string = 255;

std::string canonical_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return ascii::lower(name);
}

[[noreturn]] void reject(std::string_view line) { throw std::invalid_argument("zone line: " + std::string(line)); }

std::string name_data(std::string_view line, std::string_view name) {
  auto wire = write_name(canonical_name(name));
  if (!wire) reject(line);
  return *wire;
}

std::uint64_t number(Cursor& in, std::uint64_t max) {
  in.skip_wsp();
  const auto value = in.take_number(max);
  if (!value) reject(in.text());
  return *value;
}

std::string text_data(Cursor& in) {
  std::string data;
  for (in.skip_wsp(); in.take('"'); in.skip_wsp()) {
    const std::string_view part = in.take_until('"');
    if (!in.take('"') || part.size() > longest_string) reject(in.text());
    data.push_back(static_cast<char>(part.size()));
    data += part;
  }
  return data;
}

std::string address_data(Cursor& in) {
  const auto address = IpAddress::parse(ascii::trim(in.rest()));
  if (!address) reject(in.text());
  return {reinterpret_cast<const char*>(address->bytes().data()), static_cast<std::size_t>(address->bits() / 8)};
}

std::string mx_data(Cursor& in) {
  const auto preference = number(in, UINT16_MAX);
  std::string data{static_cast<char>(preference >> 8U), static_cast<char>(preference & 0xffU)};
  return data + name_data(in.text(), ascii::trim(in.rest()));
}

std::string tlsa_data(Cursor& in) {
  std::string data;
  for (int i = 0; i < 3; ++i) data.push_back(static_cast<char>(number(in, UINT8_MAX)));
  const auto hash = hex_decode(ascii::trim(in.rest()));
  if (!hash) reject(in.text());
  return data + *hash;
}

struct Word {
  std::string_view text;
  Type type;
  std::string (*read)(Cursor& in);
};
constexpr Word record_words[] = {
    {"A", Type::a, address_data},
    {"AAAA", Type::aaaa, address_data},
    {"MX", Type::mx, mx_data},
    {"TXT", Type::txt, text_data},
    {"TLSA", Type::tlsa, tlsa_data},
    {"PTR", Type::ptr, [](Cursor& in) { return name_data(in.text(), ascii::trim(in.rest())); }},
    {"CNAME", Type::cname, [](Cursor& in) { return name_data(in.text(), ascii::trim(in.rest())); }},
};
constexpr std::pair<std::string_view, Status> status_words[] = {
    {"SERVFAIL", Status::servfail}, {"BOGUS", Status::bogus}, {"TIMEOUT", Status::timeout}, {"NXDOMAIN", Status::nxdomain}};

}  // namespace

struct Zone::State {
  mutable std::mutex mutex;
  std::map<std::string, std::map<Type, std::vector<std::string>>> names;
  std::map<std::string, Status> statuses;
  std::vector<std::string> secure_below;
  std::size_t queries = 0;

  void add_line(std::string_view line);
  const std::map<Type, std::vector<std::string>>* find(const std::string& name) const;
  bool exists_below(const std::string& name) const;
  bool is_secure(const std::string& name) const;
  RawAnswer answer(std::string name, Type type) const;
};

void Zone::State::add_line(std::string_view line) {
  const std::string_view text =
      ascii::trim(line.substr(0, line.find('"') == std::string_view::npos ? line.find(';') : line.size()));
  if (text.empty() || text.starts_with(';')) return;
  Cursor in(text);
  const auto visible = [](char c) { return !ascii::is_wsp(c); };
  const std::string name = canonical_name(in.take_while(visible));
  in.skip_wsp();
  const std::string_view word = in.take_while(visible);
  if (word == "SECURE") {
    secure_below.push_back(name);
    return;
  }
  for (const auto& [status_word, status] : status_words) {
    if (word != status_word) continue;
    statuses[name] = status;
    return;
  }
  for (const Word& known : record_words) {
    if (word != known.text) continue;
    names[name][known.type].push_back(known.read(in));
    return;
  }
  reject(line);
}

const std::map<Type, std::vector<std::string>>* Zone::State::find(const std::string& name) const {
  if (const auto found = names.find(name); found != names.end()) return &found->second;
  if (exists_below(name)) return nullptr;
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const auto wildcard = names.find("*" + name.substr(dot));
    if (wildcard != names.end()) return &wildcard->second;
  }
  return nullptr;
}

bool Zone::State::exists_below(const std::string& name) const {
  const std::string suffix = "." + name;
  return std::ranges::any_of(names, [&suffix](const auto& entry) { return entry.first.ends_with(suffix); });
}

bool Zone::State::is_secure(const std::string& name) const {
  return std::ranges::any_of(secure_below, [&name](const auto& top) { return name == top || name.ends_with("." + top); });
}

RawAnswer Zone::State::answer(std::string name, Type type) const {
  RawAnswer out;
  out.secure = true;
  for (int step = 0; step < longest_chain; ++step) {
    out.secure = out.secure && is_secure(name);
    if (const auto status = statuses.find(name); status != statuses.end()) {
      out.status = status->second;
      out.text = std::string(to_string(out.status)) + " by the zone";
      return out;
    }
    const auto* records = find(name);
    if (records == nullptr) {
      out.status = exists_below(name) ? Status::nodata : Status::nxdomain;
      return out;
    }
    if (const auto wanted = records->find(type); wanted != records->end()) {
      out.status = Status::ok;
      out.records = wanted->second;
      out.ttl = record_ttl;
      return out;
    }
    const auto alias = records->find(Type::cname);
    if (alias == records->end()) {
      out.status = Status::nodata;
      return out;
    }
    name = read_name(alias->second.front()).value_or("");
    out.canonical = name;
  }
  out.status = Status::servfail;
  out.text = "the CNAME chain is too long";
  return out;
}

Zone::Zone(std::string_view text) : state_(std::make_shared<State>()) { add(text); }
Zone::~Zone() = default;

void Zone::add(std::string_view text) {
  const std::lock_guard lock(state_->mutex);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    state_->add_line(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

std::size_t Zone::queries() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queries;
}

async::Task<RawAnswer> Zone::query(std::string name, Type type) {
  const std::lock_guard lock(state_->mutex);
  ++state_->queries;
  co_return state_->answer(canonical_name(name), type);
}

}  // namespace postern::dns
