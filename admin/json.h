// SPDX-License-Identifier: Apache-2.0
// Small readers for arguments of admin commands: a missing or wrong argument is an error that names it.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::admin {

/// Error invalid: "login is missing".
Result<std::string> text_argument(const boost::json::object& arguments, std::string_view name);
/// The text, or "" when it is absent.
std::string optional_text(const boost::json::object& arguments, std::string_view name);
/// The number, or nothing when it is absent; error invalid when it is no number ≥ 0.
Result<std::optional<std::uint64_t>> optional_number(const boost::json::object& arguments, std::string_view name);
/// A list of texts, empty when it is absent. Error invalid.
Result<std::vector<std::string>> texts_argument(const boost::json::object& arguments, std::string_view name);
std::optional<bool> optional_flag(const boost::json::object& arguments, std::string_view name);

/// One line, for the socket.
std::string to_line(const boost::json::object& object);
/// Error invalid: not one JSON object.
Result<boost::json::object> parse_object(std::string_view text);

}  // namespace postern::admin
