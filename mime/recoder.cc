// SPDX-License-Identifier: Apache-2.0
// Another transfer encoding for some parts; see recoder.h.
#include "mime/recoder.h"

#include <algorithm>

namespace postern::mime {
namespace {

constexpr std::string_view field_name = "Content-Transfer-Encoding";

std::string_view word_of(Recoding how) {
  switch (how) {
    case Recoding::base64: return "base64";
    case Recoding::quoted_printable: return "quoted-printable";
    case Recoding::relabel_7bit: return "7bit";
    case Recoding::relabel_8bit:
    case Recoding::keep: break;
  }
  return "8bit";
}

/// The block with one field for the encoding in place of those it has.
std::string relabelled(std::string_view block, Recoding how) {
  const auto fields_end = find_header_end(block).fields_end;
  std::string out;
  std::size_t copied = 0;
  std::size_t position = 0;
  while (const auto field = next_field(block.substr(0, fields_end), position)) {
    if (!field->is(field_name)) continue;
    out.append(block.substr(copied, field->begin - copied));
    copied = field->end;
  }
  out.append(block.substr(copied, fields_end - copied));
  if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
  out.append(field_name).append(": ").append(word_of(how)).append("\r\n");
  const auto rest = block.substr(fields_end);
  return out.append(rest.empty() ? "\r\n" : rest);
}

bool changes_content(Recoding how) { return how == Recoding::base64 || how == Recoding::quoted_printable; }

}  // namespace

std::vector<Recoding> without_binary(const PartTree& tree) {
  std::vector<Recoding> plan(tree.parts.size(), Recoding::keep);
  bool any = false;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const auto& part = tree.parts[i];
    if (part.encoding != "binary") continue;
    any = true;
    // RFC 2045 §6.4: a multipart has no encoding, even one that could not be taken apart.
    const bool encloses = part.kind != PartKind::leaf || part.type.type == "multipart";
    plan[i] = encloses ? Recoding::relabel_8bit : Recoding::base64;
  }
  if (!any) plan.clear();
  return plan;
}

Recoder::Recoder(const PartTree& tree, const std::vector<Recoding>& plan) {
  for (std::size_t i = 0; i < std::min(plan.size(), tree.parts.size()); ++i) {
    if (plan[i] == Recoding::keep) continue;
    const auto& part = tree.parts[i];
    spans_.push_back({part.header_begin, part.body_begin, plan[i], true});
    if (changes_content(plan[i])) spans_.push_back({part.body_begin, part.body_end, plan[i], false});
  }
  std::ranges::sort(spans_, [](const Span& a, const Span& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
}

void Recoder::take(const Span& span, std::string_view bytes, std::string& out) {
  if (span.header) {
    header_.append(bytes);
  } else if (span.how == Recoding::base64) {
    base64_.encode(bytes, out);
  } else {
    quoted_.encode(bytes, out);
  }
}

void Recoder::end_span(const Span& span, std::string& out) {
  if (span.header) {
    out += relabelled(header_, span.how);
    header_.clear();
  } else if (span.how == Recoding::base64) {
    base64_.finish(out);
    base64_ = {};
  } else {
    quoted_.finish(out);
    quoted_ = {};
  }
}

void Recoder::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    while (next_ < spans_.size() && offset_ == spans_[next_].end) end_span(spans_[next_++], out);
    if (next_ == spans_.size()) {
      out.append(bytes);
      offset_ += bytes.size();
      return;
    }
    const auto& span = spans_[next_];
    const bool inside = offset_ >= span.begin;
    const auto size = std::min<std::uint64_t>(bytes.size(), (inside ? span.end : span.begin) - offset_);
    const auto piece = bytes.substr(0, static_cast<std::size_t>(size));
    if (inside)
      take(span, piece, out);
    else
      out.append(piece);
    offset_ += size;
    bytes.remove_prefix(piece.size());
  }
}

void Recoder::finish(std::string& out) {
  for (; next_ < spans_.size(); ++next_) end_span(spans_[next_], out);
}

}  // namespace postern::mime
