#include "support/reply.h"

#include <algorithm>
#include <stdexcept>

namespace turnstile::test {

Reply Reply::parse(std::string_view line) {
  const auto next = [&line] {
    const std::string_view word = line.substr(0, line.find('\t'));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
  };
  const std::string whole(line);
  const std::string_view first = next();
  if (first != "ok" && first != "error") throw std::runtime_error("not a reply: '" + whole + "'");
  Reply reply(first == "ok");
  while (!line.empty()) {
    const std::string_view field = next();
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos)
      throw std::runtime_error("not a field: '" + std::string(field) + "' in '" + whole + "'");
    reply.set(std::string(field.substr(0, equals)), field.substr(equals + 1));
  }
  return reply;
}

Reply Reply::of(const std::exception& exception) {
  Reply reply(false);
  reply.set("message", exception.what());
  if (const auto* error = dynamic_cast<const Error*>(&exception)) {
    reply.set("code", error->code());
    reply.set("sqlite", error->sqlite_code());
    reply.set("lane", error->lane());
  }
  if (const auto* timeout = dynamic_cast<const Timeout*>(&exception)) {
    const Holder& holder = timeout->holder();
    reply.set("waited_ms", timeout->waited().count());
    reply.set("holder_pid", holder.pid);
    reply.set("holder_program", holder.program);
    reply.set("holder_lane", holder.lane);
    reply.set("holder_lock", holder.lock);
    reply.set("holder_thread", holder.thread_id);
  }
  return reply;
}

Reply& Reply::set(std::string key, std::string_view value) {
  std::string text(value);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  fields_[std::move(key)] = std::move(text);
  return *this;
}

Reply& Reply::set(std::string key, std::int64_t value) {
  return set(std::move(key), std::to_string(value));
}

std::string Reply::text(std::string_view key) const {
  const auto found = fields_.find(key);
  return found == fields_.end() ? std::string() : found->second;
}

std::int64_t Reply::number(std::string_view key) const {
  const std::string value = text(key);
  return value.empty() ? 0 : std::stoll(value);
}

std::string Reply::line() const {
  std::string line = ok_ ? "ok" : "error";
  for (const auto& [key, value] : fields_)
    line.append("\t").append(key).append("=").append(value);
  return line;
}

}  // namespace turnstile::test
