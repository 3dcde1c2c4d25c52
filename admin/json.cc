// SPDX-License-Identifier: Apache-2.0
#include "admin/json.h"

#include <boost/json/array.hpp>
#include <boost/json/src.hpp>

namespace postern::admin {

namespace json = boost::json;

Result<std::string> text_argument(const json::object& arguments, std::string_view name) {
  const auto* value = arguments.if_contains(name);
  if (!value || !value->is_string() || value->get_string().empty())
    return fail(ErrorKind::invalid, std::string(name) + " is missing");
  return std::string(value->get_string());
}

std::string optional_text(const json::object& arguments, std::string_view name) {
  const auto* value = arguments.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<std::optional<std::uint64_t>> optional_number(const json::object& arguments, std::string_view name) {
  const auto* value = arguments.if_contains(name);
  if (!value || value->is_null()) return std::optional<std::uint64_t>();
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  return fail(ErrorKind::invalid, std::string(name) + " must be a number of at least 0");
}

Result<std::vector<std::string>> texts_argument(const json::object& arguments, std::string_view name) {
  std::vector<std::string> out;
  const auto* list = arguments.if_contains(name);
  if (list == nullptr) return out;
  if (!list->is_array()) return fail(ErrorKind::invalid, std::string(name) + " must be a list of texts");
  for (const auto& one : list->get_array()) {
    if (!one.is_string()) return fail(ErrorKind::invalid, std::string(name) + " must be a list of texts");
    out.emplace_back(one.get_string());
  }
  return out;
}

std::optional<bool> optional_flag(const json::object& arguments, std::string_view name) {
  const auto* value = arguments.if_contains(name);
  if (!value || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

std::string to_line(const json::object& object) { return json::serialize(object) + "\r\n"; }

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return fail(ErrorKind::invalid, "not a JSON object");
  return std::move(value.get_object());
}

}  // namespace postern::admin
