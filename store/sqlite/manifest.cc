// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "store/sqlite/database.h"

namespace postern::store::sqlite {

namespace fs = std::filesystem;

namespace {

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

std::string hex(std::uint64_t value) { return fmt::format("\"{:016x}\"", value); }

std::uint64_t from_hex(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

Manifest parse(Database& json, std::string_view text) {
  Manifest out;
  {
    auto row = json.query(
        "SELECT json_extract(?1,'$.name'), json_extract(?1,'$.time'), json_extract(?1,'$.schema'), "
        "json_extract(?1,'$.store_id'), "
        "json_extract(?1,'$.wal.run'), json_extract(?1,'$.wal.seq'), json_extract(?1,'$.wal.least_seq'), "
        "json_extract(?1,'$.wal.least_frames')",
        text);
    row.step();
    out.name = row.text(0);
    out.time = row.integer(1);
    out.schema = static_cast<int>(row.integer(2));
    out.store_id = row.text(3);
    out.wal = {std::string(row.text(4)), row.unsigned_integer(5), row.unsigned_integer(6), row.unsigned_integer(7)};
  }
  auto file = json.query(
      "SELECT json_extract(value,'$.name'), json_extract(value,'$.bytes'), json_extract(value,'$.xxh3') "
      "FROM json_each(?1,'$.files')",
      text);
  while (file.step()) out.files.push_back({std::string(file.text(0)), file.unsigned_integer(1), from_hex(file.text(2))});
  auto segment = json.query(
      "SELECT json_extract(value,'$.id'), json_extract(value,'$.bytes'), json_extract(value,'$.xxh3') "
      "FROM json_each(?1,'$.segments')",
      text);
  while (segment.step()) {
    const auto sum = segment.text(2);
    out.segments.push_back(
        {segment.unsigned_integer(0), segment.unsigned_integer(1), sum.empty() ? std::nullopt : std::optional(from_hex(sum))});
  }
  return out;
}

}  // namespace

std::string to_json(const Manifest& m) {
  std::string out = fmt::format("{{\"format\":{},\"name\":{},\"time\":{},\"schema\":{},\"store_id\":{},\n", Manifest::format,
                                json_text(m.name), m.time, m.schema, json_text(m.store_id));
  auto at = std::back_inserter(out);
  fmt::format_to(at, "\"wal\":{{\"run\":{},\"seq\":{},\"least_seq\":{},\"least_frames\":{}}},\n", json_text(m.wal.run), m.wal.seq,
                 m.wal.least_seq, m.wal.least_frames);
  out += "\"files\":[";
  for (std::size_t i = 0; i < m.files.size(); ++i) {
    fmt::format_to(at, "{}\n {{\"name\":{},\"bytes\":{},\"xxh3\":{}}}", i ? "," : "", json_text(m.files[i].name),
                   m.files[i].bytes, hex(m.files[i].checksum));
  }
  out += "],\n\"segments\":[";
  for (std::size_t i = 0; i < m.segments.size(); ++i) {
    const auto& one = m.segments[i];
    fmt::format_to(at, "{}\n {{\"id\":{},\"bytes\":{},\"xxh3\":{}}}", i ? "," : "", one.id, one.bytes,
                   one.checksum ? hex(*one.checksum) : "null");
  }
  return out + "]}\n";
}

Result<Manifest> parse_manifest(std::string_view text) {
  auto json = Database::open({":memory:", Database::Mode::read_only});
  if (!json) return std::unexpected(json.error());
  try {
    if ((*json)->integer(0, "SELECT json_valid(?1)", text) == 0) return fail(ErrorKind::corrupt, "the manifest is no JSON");
    const auto format = (*json)->integer(0, "SELECT json_extract(?1,'$.format')", text);
    if (format > Manifest::format) {
      return fail(ErrorKind::unsupported, "the backup was made by a newer postern; use that one or a newer one");
    }
    auto manifest = parse(**json, text);
    const bool sane = format == Manifest::format && !manifest.name.empty() && manifest.time > 0 && !manifest.store_id.empty();
    if (!sane) return fail(ErrorKind::corrupt, "the manifest lacks what every backup has");
    for (const auto& file : manifest.files) {
      if (file.name.empty() || file.name.find('/') != std::string::npos) return fail(ErrorKind::corrupt, "a name with a path");
    }
    return manifest;
  } catch (const SqlError& error) {
    return fail(ErrorKind::corrupt, "the manifest cannot be read: " + error.error.text);
  }
}

Result<Manifest> read_manifest(const fs::path& index_folder) {
  const auto path = index_folder / manifest_name;
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  auto manifest = parse_manifest(*text);
  if (!manifest) return fail(manifest.error().kind, path.string() + ": " + manifest.error().text);
  return manifest;
}

Result<> write_manifest(const fs::path& index_folder, const Manifest& manifest) {
  return write_file_durably(index_folder / manifest_name, to_json(manifest));
}

Result<std::vector<Manifest>> list_backups(const fs::path& folder) {
  std::vector<Manifest> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder / "index", error)) {
    if (!fs::exists(entry.path() / manifest_name) || entry.path().extension() == ".part") continue;
    auto manifest = read_manifest(entry.path());
    if (!manifest) return std::unexpected(manifest.error());
    if (manifest->name != entry.path().filename()) {
      return fail(ErrorKind::corrupt, entry.path().string() + " says that it is " + manifest->name);
    }
    out.push_back(std::move(*manifest));
  }
  if (error == std::errc::permission_denied) return std::unexpected(errno_error("list " + folder.string(), error.value()));
  if (out.empty())
    return fail(ErrorKind::not_found, folder.string() + " holds no complete backup; make one with: postern backup");
  std::sort(out.begin(), out.end(), [](const Manifest& a, const Manifest& b) { return a.name < b.name; });
  return out;
}

}  // namespace postern::store::sqlite
