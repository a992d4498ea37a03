#include "sqlite/definitions.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "sqlite/utf8.h"

namespace turnstile::sqlite {

namespace {

// SQLITE_TRANSIENT: SQLite copies the memory.
sqlite3_destructor_type copied() noexcept {
  return reinterpret_cast<sqlite3_destructor_type>(std::intptr_t{-1});
}

Value value_of(sqlite3_value* argument) {
  // The bytes come before their number, which a change of their encoding could change.
  switch (sqlite3_value_type(argument)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_value_int64(argument)};
    case SQLITE_FLOAT:
      return sqlite3_value_double(argument);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(argument));
      if (text == nullptr) throw std::bad_alloc();
      return std::string(text, static_cast<std::size_t>(sqlite3_value_bytes(argument)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const std::byte*>(sqlite3_value_blob(argument));
      const auto size = static_cast<std::size_t>(sqlite3_value_bytes(argument));
      return bytes == nullptr ? Blob() : Blob(bytes, bytes + size);
    }
    default:
      return std::monostate{};
  }
}

/// Gives a result to SQLite. Threads: confined.
class Answer {
 public:
  explicit Answer(sqlite3_context* context) noexcept : context_(context) {}

  void operator()(std::monostate) const noexcept { sqlite3_result_null(context_); }
  void operator()(std::int64_t value) const noexcept { sqlite3_result_int64(context_, value); }
  void operator()(double value) const noexcept { sqlite3_result_double(context_, value); }
  void operator()(const std::string& text) const {
    if (find_invalid_utf8(text) != std::string_view::npos)
      throw std::invalid_argument("the result is no UTF-8");
    sqlite3_result_text64(context_, text.data(), text.size(), copied(), SQLITE_UTF8);
  }
  void operator()(const Blob& bytes) const noexcept {
    // A null pointer would make a NULL of an empty blob.
    if (bytes.empty()) return sqlite3_result_zeroblob(context_, 0);
    sqlite3_result_blob64(context_, bytes.data(), bytes.size(), copied());
  }
  void fail(const std::string& message) const noexcept {
    constexpr std::size_t kMost = std::numeric_limits<int>::max();
    sqlite3_result_error(context_, message.c_str(),
                         static_cast<int>(std::min(message.size(), kMost)));
  }

 private:
  sqlite3_context* context_;
};

void call(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  const auto& function = *static_cast<const Function*>(sqlite3_user_data(context));
  const Answer answer(context);
  try {
    try {
      std::vector<Value> values;
      values.reserve(static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i)
        values.push_back(value_of(arguments[i]));
      std::visit(answer, function.call(values));
    } catch (const std::bad_alloc&) {
      sqlite3_result_error_nomem(context);
    } catch (const std::exception& error) {
      answer.fail(function.name + "(): " + error.what());
    } catch (...) {
      answer.fail(function.name + "() threw something that is no std::exception");
    }
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);  // The message itself found no room.
  }
}

int compare(void* self, int first_size, const void* first, int second_size,
            const void* second) noexcept {
  const auto view = [](const void* text, int size) {
    return std::string_view(static_cast<const char*>(text), static_cast<std::size_t>(size));
  };
  return static_cast<const Collation*>(self)->compare(view(first, first_size),
                                                      view(second, second_size));
}

// SQLite's interface knows no const; nothing here writes through it.
template <class T>
void* user_data(const T& definition) noexcept {
  return const_cast<T*>(&definition);
}

}  // namespace

int define(sqlite3* handle, const Function& function) noexcept {
  int flags = SQLITE_UTF8;
  if (function.deterministic) flags |= SQLITE_DETERMINISTIC;
  flags |= function.in_schema ? SQLITE_INNOCUOUS : SQLITE_DIRECTONLY;
  return sqlite3_create_function_v2(handle, function.name.c_str(), function.arguments, flags,
                                    user_data(function), &call, nullptr, nullptr, nullptr);
}

int define(sqlite3* handle, const Collation& collation) noexcept {
  return sqlite3_create_collation_v2(handle, collation.name.c_str(), SQLITE_UTF8,
                                     user_data(collation), &compare, nullptr);
}

}  // namespace turnstile::sqlite
