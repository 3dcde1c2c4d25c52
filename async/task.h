// SPDX-License-Identifier: Apache-2.0
// Task<T>: what every coroutine of ours returns. The only async header that sessions need to name a coroutine.
//
// Rules (design.md §4): every coroutine has an owner (async/task_group.h); coroutines are named functions, never capturing
// lambdas; parameters are values, or references to things that the owner keeps alive.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace postern::async {

template <class T = void>
using Task = boost::asio::awaitable<T>;
using Executor = boost::asio::any_io_executor;

}  // namespace postern::async
