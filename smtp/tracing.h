// SPDX-License-Identifier: Apache-2.0
// What SMTP sessions of every door tell the trace (store/trace_book.h). Each does nothing without a book. Never waits.
#pragma once

#include <string>

#include "smtp/conversation.h"
#include "smtp/reply.h"

namespace postern::smtp {

/// A recipient was refused; with the rules when they did it (transaction.refusing).
void trace_recipient(const Conversation& talk, const mail::Address& recipient, const Reply& reply);
/// A message has its answer. `transaction.traced` says where it led.
void trace_message(const Conversation& talk, const Transaction& transaction, const Reply& reply);
/// The connection ends. One that brought nothing and made mistakes is worth a line.
void trace_end(const Conversation& talk);

/// Where a message leads, before its route is given away.
void note_places(const Conversation& talk, Transaction& transaction);
/// The first Message-ID of a header block, without angle brackets; empty when there is none.
std::string message_id_in(std::string_view header);

}  // namespace postern::smtp
