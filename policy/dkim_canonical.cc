// SPDX-License-Identifier: Apache-2.0
// The two canonical forms, and the hash over the body's.
#include "policy/dkim_canonical.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ascii.h"

namespace postern::policy {

std::string_view to_string(Canonical canonical) { return canonical == Canonical::simple ? "simple" : "relaxed"; }

// RFC 6376 §3.4.1 and §3.4.2: simple is as it stands; relaxed has the name in lower case, unfolded, runs of white space as
// one space, none around the colon and none at the end.
void append_canonical_field(std::string& out, std::string_view field, Canonical canonical) {
  if (canonical == Canonical::simple) {
    out += field;
    return;
  }
  const auto colon = std::min(field.find(':'), field.size());
  for (const char c : ascii::trim(field.substr(0, colon))) out += ascii::lower(c);
  out += ':';
  bool space = false;
  for (const char c : ascii::trim(field.substr(std::min(colon + 1, field.size())))) {
    if (c == '\r' || c == '\n') continue;
    if (ascii::is_wsp(c)) {
      space = true;
      continue;
    }
    if (space) out += ' ';
    space = false;
    out += c;
  }
}

namespace {

bool is_plain(char c) { return c != ' ' && c != '\r' && c != '\t'; }

/// Where text ends that relaxed leaves as it is: words, with single spaces between them.
const char* end_of_plain_run(const char* at, const char* end) {
  while (at != end) {
    if (is_plain(*at)) {
      ++at;
    } else if (*at == ' ' && end - at > 1 && is_plain(at[1]) && at[1] != '\n') {
      at += 2;
    } else {
      break;
    }
  }
  return at;
}

}  // namespace

void BodyCanonicalizer::put(std::string_view text) {
  any_ = true;
  if (used_ + text.size() > gathered_.size()) flush();
  if (text.size() > gathered_.size()) return sink_(text);
  std::memcpy(gathered_.data() + used_, text.data(), text.size());
  used_ += text.size();
}

void BodyCanonicalizer::flush() {
  if (used_ != 0) sink_({gathered_.data(), used_});
  used_ = 0;
}

void BodyCanonicalizer::release_lines() {
  for (; empty_lines_ > 0; --empty_lines_) put("\r\n");
}

void BodyCanonicalizer::feed(std::string_view bytes) {
  canonical_ == Canonical::simple ? take_simple(bytes) : take_relaxed(bytes);
}

// RFC 6376 §3.4.3: all empty lines at the end count as one CRLF.
void BodyCanonicalizer::take_simple(std::string_view bytes) {
  while (!bytes.empty()) {
    if (cr_) {
      cr_ = false;
      if (bytes.front() == '\n') {
        ++empty_lines_;  // the end of this line is kept back too: it is due only with what follows
        bytes.remove_prefix(1);
        continue;
      }
      release_lines();
      put("\r");
    }
    const auto cr = std::min(bytes.find('\r'), bytes.size());
    if (cr > 0) {
      release_lines();
      put(bytes.substr(0, cr));
    }
    cr_ = cr < bytes.size();
    bytes.remove_prefix(std::min(bytes.size(), cr + 1));
  }
}

// RFC 6376 §3.4.4: white space at the end of lines goes, runs of it become one space, then as simple.
void BodyCanonicalizer::take_relaxed(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    const char c = *at;
    if (cr_ && c == '\n') {
      cr_ = false;
      space_ = false;
      ++empty_lines_;
      ++at;
    } else if (c == '\r' && !cr_) {
      cr_ = true;
      ++at;
    } else if (ascii::is_wsp(c) && !cr_) {
      space_ = true;
      ++at;
    } else {
      release_lines();
      if (space_) put(" ");
      if (cr_) put("\r");
      space_ = false;
      cr_ = false;
      const char* const from = at;
      at = end_of_plain_run(at, end);
      if (at != from) put({from, static_cast<std::size_t>(at - from)});
    }
  }
}

// RFC 6376 §3.4.3: an empty body is one CRLF when simple; §3.4.4: nothing when relaxed.
void BodyCanonicalizer::finish() {
  if (cr_) {
    release_lines();
    if (space_) put(" ");
    put("\r");
  }
  if (any_ || canonical_ == Canonical::simple) put("\r\n");
  flush();
}

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

constexpr std::size_t hash_size = 32;

}  // namespace

struct BodyHash::State {
  State(Canonical which, std::optional<std::uint64_t> limit)
      : canonicalizer(which, [this](std::string_view bytes) { take(bytes); }),
        canonical(which),
        length(limit),
        context(EVP_MD_CTX_new()) {
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  }
  void take(std::string_view bytes) {
    const auto room = length ? *length - std::min(size, *length) : bytes.size();
    size += bytes.size();
    const auto part = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(room, bytes.size())));
    if (!part.empty()) EVP_DigestUpdate(context.get(), part.data(), part.size());
  }
  BodyCanonicalizer canonicalizer;
  Canonical canonical;
  std::optional<std::uint64_t> length;
  Context context;
  std::uint64_t size = 0;
};

BodyHash::BodyHash(Canonical canonical, std::optional<std::uint64_t> length)
    : state_(std::make_unique<State>(canonical, length)) {}
BodyHash::~BodyHash() = default;
BodyHash::BodyHash(BodyHash&&) noexcept = default;
BodyHash& BodyHash::operator=(BodyHash&&) noexcept = default;

void BodyHash::feed(std::string_view bytes) { state_->canonicalizer.feed(bytes); }

std::string BodyHash::finish() {
  state_->canonicalizer.finish();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), hash_size};
}

std::uint64_t BodyHash::size() const { return state_->size; }

bool BodyHash::is(Canonical canonical, std::optional<std::uint64_t> length) const {
  return state_->canonical == canonical && state_->length == length;
}

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest.data()), hash_size};
}

}  // namespace postern::policy
