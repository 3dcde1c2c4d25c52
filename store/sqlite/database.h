// SPDX-License-Identifier: Apache-2.0
// Database and Query: a thin hand on SQLite. One Database belongs to one thread at a time.
// Contract: SQL text is always a literal (class Sql cannot hold anything else), values are always bound (security.md D95). Every
// connection is hardened: defensive mode, trusted_schema off, cell_size_check, no ATTACH, no extensions (D95, D96).
// Inside store/sqlite a failing statement throws SqlError, so that a transaction of many statements stays readable; it is
// caught in one place for each thread (Writer, Lane, open) and leaves as an Error value.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/result.h"

struct sqlite3;
struct sqlite3_context;
struct sqlite3_stmt;
struct sqlite3_value;

namespace postern::store::sqlite {

class Vfs;

struct SqlError {
  Error error;
};

/// The text of a statement: a string literal.
struct Sql {
  template <std::size_t N>
  consteval Sql(const char (&literal)[N]) : text(literal) {}
  const char* text;
};

/// Bytes bound as BLOB; std::string_view alone is bound as TEXT.
struct Blob {
  std::string_view bytes;
};

/// One use of a prepared statement; gives it back to the cache when it goes.
class Query {
 public:
  explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view value);
  void bind(int index, Blob value);
  /// A value of another statement's row, with its type.
  void bind_value_of(int index, const Query& row, int column);
  /// True when there is a row.
  bool step();
  /// Steps to the end.
  void run();
  std::int64_t integer(int column);
  std::uint64_t unsigned_integer(int column) { return static_cast<std::uint64_t>(integer(column)); }
  /// Valid until the next step.
  std::string_view text(int column);
  int columns() const;
  /// Of a column, as the statement calls it.
  std::string name(int column) const;
  bool is_integer(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// Gets rows from inside a statement, see Database::hand_over().
class RowSink {
 public:
  using Values = std::array<std::int64_t, 4>;
  virtual ~RowSink() = default;
  /// True when it wants no more. Must not throw.
  virtual bool take(const Values& row) noexcept = 0;
};

class Database {
 public:
  enum class Mode : std::uint8_t { read_write, read_only };
  struct Options {
    std::filesystem::path path;
    Mode mode = Mode::read_write;
    int cache_kib = 16 * 1024;
    const Vfs* vfs = nullptr;  ///< null: SQLite's own way to files
    int checkpoint_pages =
        0;  ///< a commit that leaves so many pages in the log copies them back; 0: the owner calls checkpoint()
  };
  /// Opens, and for read_write makes the file (0600) when missing; ":memory:" has none. Errors: corrupt, denied, no_space, io.
  static Result<std::unique_ptr<Database>> open(const Options& options);
  /// A good Options::checkpoint_pages where nobody else looks after the log.
  static constexpr int usual_checkpoint_pages = 1000;
  ~Database();
  Database(const Database&) = delete;

  template <class... Values>
  Query query(Sql sql, const Values&... values) {
    Query query = prepare(sql);
    int index = 0;
    (bind_one(query, ++index, values), ...);
    return query;
  }
  /// Runs to the end; gives the number of changed rows.
  template <class... Values>
  std::int64_t run(Sql sql, const Values&... values) {
    query(sql, values...).run();
    return changes();
  }
  /// The first column of the first row, or `otherwise`.
  template <class... Values>
  std::int64_t integer(std::int64_t otherwise, Sql sql, const Values&... values) {
    Query one = query(sql, values...);
    return one.step() ? one.integer(0) : otherwise;
  }
  /// For scans of many narrow rows: runs a statement with hand_over(a, b, c, d) as the last term of its WHERE and LIMIT 1, which
  /// gives four integers of each row to the sink without leaving the statement. A step for each row would cost half as much
  /// again.
  template <class... Values>
  void hand_over(RowSink& sink, Sql sql, const Values&... values) {
    Query scan = query(sql, values...);
    sink_ = &sink;
    scan.step();
  }
  /// A statement put together from names of our own schema, for copying rows of one database into another; never from anything
  /// that came from outside.
  Query assembled(const std::string& sql);
  /// Several statements, for schemas. Not cached.
  void script(const char* sql);
  std::int64_t last_id() const;
  std::int64_t changes() const;
  /// Rows changed since the connection was opened; statements that failed and rolled themselves back may count too.
  std::int64_t total_changes() const;
  /// False inside BEGIN … COMMIT.
  bool idle() const;

  /// After a COMMIT whose sync failed: its pages are in the log, whole, and the next start would take them for a transaction,
  /// though everybody was told that it failed. A commit of nothing takes their place. Without effect when the disk is dead.
  void bury_failed_commit();

  /// Copies the whole database into a new file.
  Result<> copy_to(const std::filesystem::path& path);
  /// The same moment as a file that needs no log beside it: for backups. Runs inside the read transaction of the connection; the
  /// writer goes on meanwhile.
  Result<> snapshot_to(const std::filesystem::path& path);
  /// Pages in the write-ahead log after the last commit.
  int wal_pages() const { return wal_pages_; }
  /// Moves what it can from the log to the database; with `truncate`, everything, and empties the log. Error: io.
  Result<> checkpoint(bool truncate);

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  Query prepare(Sql sql);
  Result<> configure(const Options& options);
  template <class T>
  static void bind_one(Query& query, int index, const T& value) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      query.bind(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_same_v<T, Blob>) {
      query.bind(index, value);
    } else {
      query.bind(index, std::string_view(value));
    }
  }
  static int on_wal(void* self, sqlite3*, const char*, int pages);
  static void hand_over_row(sqlite3_context* context, int count, sqlite3_value** values);

  sqlite3* handle_;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
  std::unordered_set<std::string> assembled_;
  int wal_pages_ = 0;
  int checkpoint_pages_ = 0;
  RowSink* sink_ = nullptr;  ///< of the running scan
};

/// A transaction that takes the right to write at once; rolls back when it goes without commit().
class TransactionGuard {
 public:
  explicit TransactionGuard(Database& db);
  ~TransactionGuard();
  TransactionGuard(const TransactionGuard&) = delete;
  void commit();

 protected:
  TransactionGuard(Database& db, Sql begin);

 private:
  Database& db_;
  bool open_ = true;
};

/// A transaction that takes the right to write only when it writes.
class ReadGuard : public TransactionGuard {
 public:
  explicit ReadGuard(Database& db) : TransactionGuard(db, "BEGIN") {}
};

}  // namespace postern::store::sqlite
