// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include <cerrno>

#include "base/file.h"
#include "store/sqlite/vfs.h"

namespace postern::store::sqlite {

namespace {

constexpr int busy_timeout_ms = 5000;
constexpr const char* memory_only = ":memory:";  ///< SQLite's name for a database without a file

ErrorKind kind_of(int code) {
  if (code == SQLITE_IOERR_SHMSIZE) return ErrorKind::no_space;  // the -shm file could not grow
  switch (code & 0xff) {
    case SQLITE_FULL: return ErrorKind::no_space;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorKind::corrupt;
    case SQLITE_IOERR: return ErrorKind::io;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return ErrorKind::denied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorKind::unavailable;
    case SQLITE_CONSTRAINT: return ErrorKind::exists;
    default: return ErrorKind::internal;
  }
}

Error error_of(sqlite3* handle, int code) {
  const int extended = handle ? sqlite3_extended_errcode(handle) : code;
  return Error{kind_of(extended), handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)};
}

[[noreturn]] void raise(sqlite3_stmt* statement, int code) { throw SqlError{error_of(sqlite3_db_handle(statement), code)}; }

/// security.md D95: nothing in a database or a bug of ours may open other files or load code.
int authorize(void*, int action, const char*, const char* function, const char*, const char*) {
  if (action == SQLITE_ATTACH || action == SQLITE_DETACH) return SQLITE_DENY;
  if (action == SQLITE_FUNCTION && function && std::string_view(function) == "load_extension") return SQLITE_DENY;
  return SQLITE_OK;
}

/// SQLite would make the file with the umask's rights; its -wal and -shm copy the rights of the file.
Result<> make_private(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return std::unexpected(errno_error("open " + path.string(), errno));
  return {};
}

}  // namespace

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::bind(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_, index, value); code != SQLITE_OK) raise(statement_, code);
}

void Query::bind_value_of(int index, const Query& row, int column) {
  const int code = sqlite3_bind_value(statement_, index, sqlite3_column_value(row.statement_, column));
  if (code != SQLITE_OK) raise(statement_, code);
}

int Query::columns() const { return sqlite3_column_count(statement_); }
std::string Query::name(int column) const { return sqlite3_column_name(statement_, column); }
bool Query::is_integer(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_INTEGER; }

// The bytes must live until the query is done; all callers bind what they hold during the call.
void Query::bind(int index, std::string_view value) {
  const char* data = value.data() ? value.data() : "";
  const int code = sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) raise(statement_, code);
}

void Query::bind(int index, Blob value) {
  const char* data = value.bytes.data() ? value.bytes.data() : "";
  const int code = sqlite3_bind_blob64(statement_, index, data, value.bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) raise(statement_, code);
}

bool Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) raise(statement_, code);
  return false;
}

void Query::run() {
  while (step()) {
  }
}

std::int64_t Query::integer(int column) { return sqlite3_column_int64(statement_, column); }

std::string_view Query::text(int column) {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size)) : std::string_view();
}

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
  if (options.mode == Mode::read_write && options.path != memory_only) {
    if (auto made = make_private(options.path); !made) return std::unexpected(made.error());
  }
  const int access = options.mode == Mode::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(options.path.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW,
                      options.vfs ? options.vfs->name() : nullptr);
  std::unique_ptr<Database> db(new Database(handle));
  if (code != SQLITE_OK) {
    Error error = error_of(handle, code);
    error.text = options.path.string() + ": " + error.text;
    return std::unexpected(std::move(error));
  }
  if (auto configured = db->configure(options); !configured) {
    configured.error().text = options.path.string() + ": " + configured.error().text;
    return std::unexpected(std::move(configured.error()));
  }
  return db;
}

Result<> Database::configure(const Options& options) {
  sqlite3_busy_timeout(handle_, busy_timeout_ms);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  checkpoint_pages_ = options.checkpoint_pages;
  sqlite3_wal_hook(handle_, on_wal, this);
  const auto values = static_cast<int>(std::tuple_size_v<RowSink::Values>);
  if (sqlite3_create_function_v2(handle_, "hand_over", values, SQLITE_UTF8 | SQLITE_DIRECTONLY, this, hand_over_row, nullptr,
                                 nullptr, nullptr) != SQLITE_OK) {
    return std::unexpected(error_of(handle_, SQLITE_NOMEM));
  }
  try {
    script("PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=OFF;");
    if (options.mode == Mode::read_write) {
      script("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;");
    }
    script(("PRAGMA cache_size=-" + std::to_string(options.cache_kib)).c_str());
    // Nothing is mapped: our layer gives windows of the file instead (store/sqlite/page_windows.h). Any size switches them on.
    if (options.vfs && options.mode == Mode::read_only) script("PRAGMA mmap_size=2147418112");
    query("SELECT count(*) FROM sqlite_schema").run();
  } catch (const SqlError& error) {
    return std::unexpected(error.error);
  }
  sqlite3_set_authorizer(handle_, authorize, nullptr);
  return {};
}

Database::~Database() {
  for (auto& [text, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Query Database::prepare(Sql sql) {
  sqlite3_stmt*& statement = statements_[sql.text];
  if (!statement) {
    const int code = sqlite3_prepare_v3(handle_, sql.text, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) throw SqlError{error_of(handle_, code)};
  }
  if (sqlite3_stmt_busy(statement)) throw SqlError{{ErrorKind::internal, "a statement was used inside itself"}};
  return Query(statement);
}

Query Database::assembled(const std::string& sql) {
  const auto text = assembled_.insert(sql).first;  // its address is the key of the cache
  sqlite3_stmt*& statement = statements_[text->c_str()];
  if (!statement) {
    const int code = sqlite3_prepare_v3(handle_, text->c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) throw SqlError{error_of(handle_, code)};
  }
  return Query(statement);
}

void Database::script(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw SqlError{error_of(handle_, code)};
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_); }
std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }
std::int64_t Database::total_changes() const { return sqlite3_total_changes64(handle_); }
bool Database::idle() const { return sqlite3_get_autocommit(handle_) != 0; }

int Database::on_wal(void* self, sqlite3*, const char*, int pages) {
  auto& database = *static_cast<Database*>(self);
  database.wal_pages_ = pages;
  // What cannot be copied now is copied after the next commit; the commit itself stands.
  if (database.checkpoint_pages_ != 0 && pages >= database.checkpoint_pages_) (void)database.checkpoint(false);
  return SQLITE_OK;
}

void Database::hand_over_row(sqlite3_context* context, int, sqlite3_value** values) {
  const RowSink::Values row{sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]), sqlite3_value_int64(values[2]),
                            sqlite3_value_int64(values[3])};
  RowSink* sink = static_cast<Database*>(sqlite3_user_data(context))->sink_;
  sqlite3_result_int(context, sink->take(row) ? 1 : 0);
}

Result<> Database::checkpoint(bool truncate) {
  const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, nullptr, nullptr);
  // A reader may hold the log's end; the next checkpoint gets it.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) return std::unexpected(error_of(handle_, code));
  wal_pages_ = 0;
  return {};
}

Result<> Database::copy_to(const std::filesystem::path& path) {
  if (auto made = make_private(path); !made) return made;
  sqlite3* target = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code == SQLITE_OK) {
    if (sqlite3_backup* backup = sqlite3_backup_init(target, "main", handle_, "main")) {
      sqlite3_backup_step(backup, -1);
      sqlite3_backup_finish(backup);
    }
    code = sqlite3_errcode(target);
  }
  Error error = error_of(target, code);
  sqlite3_close_v2(target);
  if (code != SQLITE_OK) return std::unexpected(std::move(error));
  return {};
}

Result<> Database::snapshot_to(const std::filesystem::path& path) {
  if (auto copied = copy_to(path); !copied) return copied;
  sqlite3* copy = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code == SQLITE_OK) code = sqlite3_exec(copy, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
  Error error = error_of(copy, code);
  sqlite3_close_v2(copy);
  if (code != SQLITE_OK) return std::unexpected(std::move(error));
  return {};
}

void Database::bury_failed_commit() {
  if (!idle()) return;  // the caller's guard rolls back; nothing was committed
  try {
    const auto version = integer(0, "PRAGMA user_version");
    script(("PRAGMA user_version=" + std::to_string(version)).c_str());
  } catch (const SqlError&) {
    // The disk takes nothing at all: there is nothing more to be done.
  }
}

TransactionGuard::TransactionGuard(Database& db) : TransactionGuard(db, "BEGIN IMMEDIATE") {}
TransactionGuard::TransactionGuard(Database& db, Sql begin) : db_(db) { db_.run(begin); }
TransactionGuard::~TransactionGuard() {
  if (!open_ || db_.idle()) return;
  try {
    db_.run("ROLLBACK");
  } catch (const SqlError&) {
    // SQLite has rolled back by itself.
  }
}
void TransactionGuard::commit() {
  try {
    db_.run("COMMIT");
  } catch (const SqlError& error) {
    if (error.error.kind == ErrorKind::io) db_.bury_failed_commit();
    throw;
  }
  open_ = false;
}

}  // namespace postern::store::sqlite
