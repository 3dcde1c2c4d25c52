// SPDX-License-Identifier: Apache-2.0
// Renders FETCH responses: at once from snapshot and index where possible, else streamed from the message.
#include "imap/fetch_writer.h"

#include "imap/limits.h"
#include "mime/body_structure.h"
#include "mime/header.h"
#include "mime/listed_fields.h"
#include "mime/part_codec.h"

namespace postern::imap {
namespace {

using Kind = FetchItem::Kind;

/// The octets a partial asks for (RFC 3501 §6.4.5: origins beyond the end give an empty string).
mime::Range cut(mime::Range range, const std::optional<Partial>& partial) {
  if (!partial) return range;
  const auto begin = std::min(range.end, range.begin + partial->origin);
  return {begin, std::min(range.end, begin + partial->count)};
}

std::string_view cut(std::string_view text, const std::optional<Partial>& partial) {
  const auto range = cut(mime::Range{0, text.size()}, partial);
  return text.substr(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.size()));
}

/// Sections of the message itself are found without the part tree.
bool needs_parts(const FetchItem& item) {
  if (item.kind == Kind::preview) return true;
  if (item.kind == Kind::binary || item.kind == Kind::binary_size) return !item.section.path.empty();
  return item.kind == Kind::body || (item.kind == Kind::section && !item.section.path.empty());
}

void append_literal_start(std::string& out, std::uint64_t size) {
  out += '{';
  append_number(out, size);
  out.append("}\r\n");
}

bool has_only_listed(const FetchItem& item) {
  const Section& section = item.section;
  return item.kind == Kind::section && section.path.empty() && section.filter == Section::Filter::only &&
         std::ranges::all_of(section.fields, mime::is_listed_field);
}

/// HEADER.FIELDS and HEADER.FIELDS.NOT of this header.
void append_fields(std::string& out, const FetchItem& item, std::string_view header) {
  const auto mode = item.section.filter == Section::Filter::only ? mime::Select::only : mime::Select::except;
  const auto fields = mime::select_fields(header, item.section.fields, mode);
  const auto text = cut(fields, item.section.partial);
  out.append(item.label).append(" ");
  append_literal_start(out, text.size());
  out.append(text);
}

}  // namespace

FetchWriter::FetchWriter(Session& session, const FetchRequest& request) : session_(session), request_(request) {
  for (const auto& item : request_.items) {
    if (has_only_listed(item)) listed_.push_back(&item);
  }
}

bool FetchWriter::is_listed(const FetchItem& item) const { return std::ranges::find(listed_, &item) != listed_.end(); }

store::MetaFields FetchWriter::fields() const {
  unsigned out = store::meta_expunged;
  for (const auto& item : request_.items) {
    if (item.kind == Kind::envelope) out |= store::meta_envelope;
    if (item.kind == Kind::body_structure) out |= store::meta_structure;
    if (needs_parts(item) || is_listed(item)) out |= store::meta_parts;
  }
  return static_cast<store::MetaFields>(out);
}

bool FetchWriter::needs_info() const {
  return std::ranges::any_of(request_.items, [this](const FetchItem& item) {
    const bool in_index = item.kind == Kind::internal_date || item.kind == Kind::size || item.kind == Kind::envelope ||
                          item.kind == Kind::body_structure;
    return in_index || needs_parts(item) || is_listed(item);
  });
}

std::uint64_t FetchWriter::octets() const {
  std::uint64_t most = 0;
  for (const auto& item : request_.items) {
    if (item.kind == Kind::preview) most = std::max<std::uint64_t>(most, limits::usual_header + limits::preview_octets);
    if (item.kind == Kind::binary || item.kind == Kind::binary_size) most = limits::usual_message;
    if (item.kind != Kind::section) continue;
    const auto& section = item.section;
    const bool header = section.path.empty() && section.kind == mime::SectionKind::header;
    std::uint64_t wanted = header ? limits::usual_header : limits::usual_message;
    if (section.path.empty() && section.kind == mime::SectionKind::whole && section.partial) {
      wanted = std::min<std::uint64_t>(wanted, std::uint64_t{section.partial->origin} + section.partial->count);
    }
    most = std::max(most, wanted);
  }
  return most;
}

bool FetchWriter::lists_only() const {
  return std::ranges::none_of(request_.items, [this](const FetchItem& item) {
    const bool reads =
        item.kind == Kind::section || item.kind == Kind::preview || item.kind == Kind::binary || item.kind == Kind::binary_size;
    return reads && !is_listed(item);
  });
}

void FetchWriter::begin(std::size_t index, const store::Row& row) {
  auto& out = session_.out();
  append_fetch_head(out, index, row.uid, session_.uid_only() ? Numbering::uid : Numbering::sequence);
  if (!flags_changed_.contains(row.uid)) return;
  if (!request_.has(Kind::flags)) {
    write_flags(row);
    out += ' ';
  }
  if (session_.condstore() && !request_.has(Kind::modseq)) {
    out.append("MODSEQ (");
    append_number(out, row.modseq);
    out.append(") ");
  }
}

bool FetchWriter::write_at_once(std::size_t index, const Message::Loaded& loaded) {
  auto& out = session_.out();
  const auto start = out.size();
  const auto& row = session_.view().snapshot().row(index);
  begin(index, row);
  for (const auto& item : request_.items) {
    if (&item != request_.items.data()) out += ' ';
    if (item_at_once(item, row, loaded)) continue;
    out.resize(start);
    return false;
  }
  out.append(")\r\n");
  return true;
}

// RFC 3501 §7.4.2
async::Task<Result<>> FetchWriter::write(std::size_t index, const Message::Loaded& loaded) {
  auto& out = session_.out();
  const auto start = out.size();
  const auto row = session_.view().snapshot().row(index);
  Message message(session_.store(), session_.view().mailbox(), row.uid, loaded);
  streaming_ = false;
  begin(index, row);
  for (const auto& item : request_.items) {
    if (&item != request_.items.data()) out += ' ';
    if (item_at_once(item, row, loaded)) continue;
    const auto written = co_await write_item(item, message);
    if (written) continue;
    if (streaming_) throw ConnectionOver{written.error().text};
    out.resize(start);
    co_return written;
  }
  out.append(")\r\n");
  co_return Result<>();
}

/// Appends what the snapshot or what was loaded has; false when neither has it.
bool FetchWriter::item_at_once(const FetchItem& item, const store::Row& row, const Message::Loaded& loaded) {
  auto& out = session_.out();
  switch (item.kind) {
    case Kind::flags: write_flags(row); return true;
    case Kind::uid:
      out.append("UID ");
      append_number(out, row.uid);
      return true;
    case Kind::modseq:
      out.append("MODSEQ (");
      append_number(out, row.modseq);
      out += ')';
      return true;
    // RFC 8514 §4.3; RFC 8474 §5.3: NIL, because we relate no messages
    case Kind::save_date:
      if (loaded.particulars == nullptr) return false;
      out.append("SAVEDATE ");
      append_date_time(out, loaded.particulars->saved);
      return true;
    case Kind::email_id:
      if (loaded.particulars == nullptr) return false;
      out.append("EMAILID (").append(loaded.particulars->email_id).append(")");
      return true;
    case Kind::thread_id: out.append("THREADID NIL"); return true;
    case Kind::section:
      if (loaded.info != nullptr && listed_at_once(item, *loaded.info)) return true;
      return loaded.text != nullptr && section_at_once(item, *loaded.text);
    default: return loaded.info != nullptr && index_item_at_once(item.kind, *loaded.info);
  }
}

/// HEADER.FIELDS with names whose fields are kept in the index.
bool FetchWriter::listed_at_once(const FetchItem& item, const store::MessageInfo& info) {
  if (!is_listed(item)) return false;
  const auto listed = mime::listed_fields_in(info.meta.parts);
  if (!listed.empty()) append_fields(session_.out(), item, listed);
  return !listed.empty();
}

/// Sections of the message itself whose octets are all loaded.
bool FetchWriter::section_at_once(const FetchItem& item, const store::StoredText& text) {
  const Section& section = item.section;
  const std::string_view octets = text.octets;
  if (!section.path.empty()) return false;
  mime::Range range{0, text.size};
  if (section.kind != mime::SectionKind::whole) {
    mime::HeaderEndFinder finder;
    finder.feed(octets);
    if (!finder.done()) return false;
    range = section.kind == mime::SectionKind::header ? mime::Range{0, finder.size()} : mime::Range{finder.size(), text.size};
  }
  if (section.filter != Section::Filter::none) {
    if (range.size() > mime::max_header_block) return false;
    append_fields(session_.out(), item, octets.substr(0, static_cast<std::size_t>(range.end)));
    return true;
  }
  range = cut(range, section.partial);
  if (range.end > octets.size()) return false;
  auto& out = session_.out();
  out.append(item.label).append(" ");
  append_literal_start(out, range.size());
  out.append(octets, static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.size()));
  return true;
}

bool FetchWriter::index_item_at_once(Kind kind, const store::MessageInfo& info) {
  auto& out = session_.out();
  switch (kind) {
    case Kind::size:
      out.append("RFC822.SIZE ");
      append_number(out, info.size);
      return true;
    case Kind::internal_date:
      out.append("INTERNALDATE ");
      append_date_time(out, info.internal_date);
      return true;
    case Kind::envelope:
      if (!info.meta.envelope.empty()) out.append("ENVELOPE ").append(info.meta.envelope);
      return !info.meta.envelope.empty();
    case Kind::body_structure:
      if (!info.meta.bodystructure.empty()) out.append("BODYSTRUCTURE ").append(info.meta.bodystructure);
      return !info.meta.bodystructure.empty();
    default: return false;
  }
}

/// What needs the message itself: sections, BODY, and whatever the index lacks.
async::Task<Result<>> FetchWriter::write_item(const FetchItem& item, Message& message) {
  auto& out = session_.out();
  if (item.kind == Kind::section) co_return co_await write_section(item, message);
  if (item.kind == Kind::binary || item.kind == Kind::binary_size) co_return co_await write_decoded(item, message);
  if (item.kind == Kind::preview) {
    const auto text = co_await preview_of(message);
    if (!text) co_return std::unexpected(text.error());
    out.append("PREVIEW ");
    append_string(out, *text);
    co_return Result<>();
  }
  if (item.kind == Kind::save_date || item.kind == Kind::email_id) {
    co_return fail(ErrorKind::not_found, "expunged, and what was known of it is gone");
  }
  if (item.kind == Kind::internal_date) co_return fail(ErrorKind::not_found, "expunged, and its date is gone");
  const auto size = co_await message.size();
  if (!size) co_return std::unexpected(size.error());
  if (item.kind == Kind::size) {
    out.append("RFC822.SIZE ");
    append_number(out, *size);
    co_return Result<>();
  }
  if (item.kind == Kind::body) {
    const auto tree = co_await message.tree();
    if (!tree) co_return std::unexpected(tree.error());
    out.append("BODY ").append(mime::imap_bodystructure(**tree, mime::Structure::basic));
    co_return Result<>();
  }
  const bool envelope = item.kind == Kind::envelope;
  const auto text = envelope ? co_await message.envelope() : co_await message.body_structure();
  if (!text) co_return std::unexpected(text.error());
  out.append(envelope ? "ENVELOPE " : "BODYSTRUCTURE ").append(*text);
  co_return Result<>();
}

void FetchWriter::write_flags(const store::Row& row) {
  auto& out = session_.out();
  out.append("FLAGS (");
  if (session_.view().is_recent(row.uid)) {
    session_.view().append_flags_of(out, row);
  } else {
    if (last_text_.empty() || row.flags != last_flags_) {
      last_text_.clear();
      last_flags_ = row.flags;
      append_flags(last_text_, row.flags, session_.view().snapshot().keywords);
    }
    out.append(last_text_);
  }
  out += ')';
}

async::Task<Result<std::optional<mime::Range>>> octets_of(const Section& section, Message& message) {
  if (!section.path.empty()) {
    const auto tree = co_await message.tree();
    if (!tree) co_return std::unexpected(tree.error());
    co_return mime::find_section(**tree, section.path, section.kind);
  }
  const auto size = co_await message.size();
  if (!size) co_return std::unexpected(size.error());
  if (section.kind == mime::SectionKind::whole) co_return mime::Range{0, *size};
  const auto header = co_await message.header_size();
  if (!header) co_return std::unexpected(header.error());
  co_return section.kind == mime::SectionKind::header ? mime::Range{0, *header} : mime::Range{*header, *size};
}

// RFC 3516 §4.2: size and octets of the decoded part; a literal8 where a literal cannot hold them
async::Task<Result<>> FetchWriter::write_decoded(const FetchItem& item, Message& message) {
  const auto part = co_await find_encoded(message, item.section.path);
  if (!part) co_return std::unexpected(part.error());
  if (!*part) {
    session_.out().append(item.label).append(item.kind == Kind::binary ? " NIL" : " 0");
    co_return Result<>();
  }
  const auto whole = co_await measure(message, **part);
  if (!whole) co_return std::unexpected(whole.error());
  session_.out().append(item.label).append(" ");
  if (item.kind == Kind::binary_size) {
    append_number(session_.out(), whole->size);
    co_return Result<>();
  }
  const auto wanted = cut(mime::Range{0, whole->size}, item.section.partial);
  if (whole->has_nul) session_.out() += '~';
  append_literal_start(session_.out(), wanted.size());
  co_return co_await copy_decoded(**part, message, wanted);
}

/// The decoded octets in the range.
async::Task<Result<>> FetchWriter::copy_decoded(const EncodedPart& part, Message& message, mime::Range wanted) {
  streaming_ = true;
  PartReader reader(message, part);
  std::uint64_t at = 0;
  while (at < wanted.end) {
    const auto octets = co_await reader.next();
    if (!octets) co_return std::unexpected(octets.error());
    if (!*octets) co_return fail(ErrorKind::corrupt, "the part is shorter than it was");
    const auto from = std::max(at, wanted.begin), to = std::min(at + (*octets)->size(), wanted.end);
    if (from < to)
      session_.out().append((*octets)->substr(static_cast<std::size_t>(from - at), static_cast<std::size_t>(to - from)));
    at += (*octets)->size();
    co_await session_.flush_if_full();
  }
  co_return Result<>();
}

async::Task<Result<>> FetchWriter::write_section(const FetchItem& item, Message& message) {
  const auto range = co_await octets_of(item.section, message);
  if (!range) co_return std::unexpected(range.error());
  if (!*range) {
    session_.out().append(item.label).append(" NIL");
    co_return Result<>();
  }
  if (item.section.filter != Section::Filter::none) co_return co_await write_fields(item, message, **range);
  co_return co_await write_range(item, message, cut(**range, item.section.partial));
}

// Header blocks beyond mime::max_header_block are not searched further; SMTP refuses them, only imported mail can have them.
async::Task<Result<>> FetchWriter::write_fields(const FetchItem& item, Message& message, mime::Range range) {
  const auto block = co_await message.read_all(range, mime::max_header_block);
  if (!block) co_return std::unexpected(block.error());
  append_fields(session_.out(), item, *block);
  co_return Result<>();
}

async::Task<Result<>> FetchWriter::write_range(const FetchItem& item, Message& message, mime::Range range) {
  auto& out = session_.out();
  auto at = range.begin;
  std::string_view bytes;
  // The first octets are read before anything is said, so that a missing message is an error and no broken literal.
  if (range.size() > 0) {
    const auto first =
        co_await message.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(range.size(), limits::body_chunk)));
    if (!first) co_return std::unexpected(first.error());
    bytes = *first;
  }
  out.append(item.label).append(" ");
  append_literal_start(out, range.size());
  while (at < range.end) {
    out.append(bytes);
    at += bytes.size();
    if (at == range.end) break;
    streaming_ = true;
    co_await session_.flush_if_full();
    const auto next =
        co_await message.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(range.end - at, limits::body_chunk)));
    if (!next) co_return std::unexpected(next.error());
    bytes = *next;
  }
  co_return Result<>();
}

}  // namespace postern::imap
