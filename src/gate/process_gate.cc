#include "gate/process_gate.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <thread>
#include <utility>

#include "gate/file_locks.h"
#include "gate/gate_file.h"
#include "gate/proc_file.h"
#include "gate/sync_point.h"
#include "sqlite/raise.h"

namespace turnstile::gate {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

// How long the gate is kept while others wait and there is more work. Measured with 4 processes of
// 4 threads: 3 ms gained 2 % throughput and doubled the waits.
constexpr nanoseconds kShare = 1ms;
// The longest sleep in line: a bound for what nobody announces, such as the death of a holder.
constexpr nanoseconds kPatience = 5ms;
// How often to look whether the gate file is still the one that others find, which costs two system
// calls; and how long to wait then for whoever is making the new one.
constexpr nanoseconds kFileCheck = 1s;
constexpr std::chrono::milliseconds kFileMaking{10};
// How long a possession may go on without a sign of life before the others look whether it is in
// the way of anything. Longer than a hand-over, a commit or a checkpoint takes.
constexpr nanoseconds kStandstill = 1s;
// Without a slot: time between two tries, and how long such a process is remembered after one.
constexpr nanoseconds kPollInterval = 1ms;
constexpr nanoseconds kCrowdMemory = 20ms;

std::int64_t monotonic_ns() noexcept {
  return std::chrono::duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

// Whether the moment `since` lies at most `span` back. A moment to come was written before the
// machine was started again, with which its clock began anew.
bool is_within(std::int64_t since, nanoseconds span) noexcept {
  const std::int64_t now = monotonic_ns();
  return since <= now && now - since < span.count();
}

// False when `word` was still `expected` at the end of the time.
bool wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                nanoseconds longest) noexcept {
  timespec timeout{};
  timeout.tv_sec = static_cast<std::time_t>(longest / 1s);
  timeout.tv_nsec = static_cast<long>((longest % 1s).count());
  // Not the private kind: the word is shared with other processes.
  const long result = ::syscall(SYS_futex, &word, FUTEX_WAIT, expected, &timeout, nullptr, 0);
  // A signal counts as the end of the time, or frequent ones could put it off for ever.
  return result == 0 || errno == EAGAIN;
}

void wake(std::atomic<std::uint32_t>& word) noexcept {
  word.fetch_add(1);
  ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

// Calls `use` with the number of every slot whose bit is set.
template <typename Use>
void for_each_slot(std::uint64_t bits, Use use) {
  for (; bits != 0; bits &= bits - 1)
    use(static_cast<std::size_t>(std::countr_zero(bits)));
}

// The bit of the calling process in the line, for as long as it stands there.
class PlaceInLine {
 public:
  PlaceInLine(GatePage& page, std::uint64_t bit) noexcept : page_(page), bit_(bit) {
    page_.skip.fetch_and(~bit_);
    page_.waiting.fetch_or(bit_);
  }
  ~PlaceInLine() { page_.waiting.fetch_and(~bit_); }
  PlaceInLine(const PlaceInLine&) = delete;
  PlaceInLine& operator=(const PlaceInLine&) = delete;

 private:
  GatePage& page_;
  const std::uint64_t bit_;
};

std::int64_t pid_here(std::int64_t pid, std::uint64_t pid_namespace) {
  const std::uint64_t own = own_pid_namespace();
  return pid_namespace == 0 || own == 0 || pid_namespace == own ? pid : 0;
}

// Possession is the lock, so the record counts only while its writer can still have that: clearing
// the record comes before unlocking, and the slot tells whether the writer lives.
std::optional<GateView::Process> find_holder(const GateFile& file) {
  GateView::Process holder;
  if (const std::optional<GateOwner> owner = file.page().owner.read()) {
    holder.pid = pid_here(owner->pid, owner->pid_namespace);
    holder.thread_id = holder.pid != 0 ? owner->thread_id : 0;
    holder.lane = owner->lane.data();
    holder.since = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            nanoseconds(owner->since_ns)));
    const bool has_slot = owner->slot >= 0 && owner->slot < kGateSlots;
    const bool is_alive =
        has_slot ? file.is_alive(owner->slot) &&
                       file.page().slots[static_cast<std::size_t>(owner->slot)].generation.load() ==
                           owner->generation
                 : holder.pid != 0 && file.locked_by() == holder.pid;
    if (is_alive) return holder;
  }
  // Between locking and writing, for which a stopped process may take long, only the kernel knows.
  holder = {};
  holder.pid = file.locked_by();
  return holder.pid != 0 ? std::optional(holder) : std::nullopt;
}

// The processes of the slots that are taken, but for `except`.
std::vector<std::int64_t> members_of(const GateFile& file, int except) {
  std::vector<std::int64_t> pids;
  for (int slot = 0; slot < kGateSlots; ++slot) {
    if (slot == except || !file.is_alive(slot)) continue;
    const GateSlot& member = file.page().slots[static_cast<std::size_t>(slot)];
    pids.push_back(pid_here(member.pid.load(), member.pid_namespace.load()));
  }
  return pids;
}

GateView view_of(const GateFile& file) {
  GateView view;
  view.holder = find_holder(file);
  const GatePage& page = file.page();
  std::vector<std::pair<std::uint64_t, std::int64_t>> line;
  for_each_slot(page.waiting.load(), [&](std::size_t slot) {
    if (file.is_alive(static_cast<int>(slot))) {
      const GateSlot& waiter = page.slots[slot];
      line.emplace_back(waiter.ticket.load(),
                        pid_here(waiter.pid.load(), waiter.pid_namespace.load()));
    }
  });
  std::sort(line.begin(), line.end());
  for (const auto& [ticket, pid] : line)
    view.waiting.push_back(pid);
  return view;
}

}  // namespace

Holder GateView::Process::as_holder(std::string_view lock) const {
  Holder result;
  result.kind = Holder::Kind::Process;
  result.lock = lock;
  result.lane = lane;
  result.thread = thread_name_of(pid, thread_id);
  result.thread_id = thread_id;
  result.pid = pid;
  result.program = program_of(pid);
  result.since = since;
  return result;
}

ProcessGate::ProcessGate(const std::filesystem::path& database)
    : pid_(::getpid()),
      pid_namespace_(own_pid_namespace()),
      database_(database),
      file_(std::make_shared<GateFile>(path_for(database), database)),
      checked_at_(steady_clock::now()),
      publications_(static_cast<std::uint64_t>(monotonic_ns())),
      shown_(file_) {
  file_->claim_slot();
}

ProcessGate::~ProcessGate() {
  give();
}

Wait ProcessGate::take(const Claim& claim, Deadline deadline, Abandoned abandoned) {
  if (fork_guard_.forked()) sqlite::raise_used_after_fork();
  if (find_successor()) {
    // Between two transactions the old one can be given up. Others may still come to it.
    give();
    move_to_successor();
  }
  if (without_) give();
  if (held()) {
    // Kept for the next of this process: others are told of whoever has it now.
    record(claim);
    return Wait::Granted;
  }
  if (is_crowded()) let_others_in(deadline);
  while (others_in_line() != 0 || !file_->try_lock()) {
    // A process that found no slot may find one later.
    const bool has_slot = file_->slot() != kNoSlot || file_->claim_slot() != kNoSlot;
    const std::optional<Wait> outcome =
        has_slot ? stand_in_line(deadline, abandoned) : poll(deadline, abandoned);
    if (outcome == Wait::Granted) break;
    if (outcome) return *outcome;
    move_to_successor();
  }
  enter(claim);
  return Wait::Granted;
}

void ProcessGate::give() noexcept {
  if (!held() || fork_guard_.forked()) return;
  sync_point("ProcessGate::give");
  if (std::exchange(without_, false)) {
    held_.store(false, std::memory_order_relaxed);
    wake_first();
    return;
  }
  GatePage& page = file_->page();
  page.owner.clear();
  given_at_ = steady_clock::now();
  page.free_since_ns.store(monotonic_ns());
  held_.store(false, std::memory_order_relaxed);
  file_->unlock();
  // After unlocking: who joins the line from now on finds the gate free by itself.
  wake_first();
}

void ProcessGate::prod() noexcept {
  const std::shared_ptr<GateFile> file = shown();
  // Without a slot it polls, more often than this could matter.
  const int slot = file->slot();
  if (slot != kNoSlot) wake(file->page().slots[static_cast<std::size_t>(slot)].wake_ups);
}

bool ProcessGate::should_give() const noexcept {
  if (without_) return true;
  return held() && others_wait() && steady_clock::now() - since_ >= kShare;
}

bool ProcessGate::pin_name() noexcept {
  return !fork_guard_.forked() && file_->try_pin_shared();
}

void ProcessGate::unpin_name() noexcept {
  if (!fork_guard_.forked()) file_->unpin();
}

bool ProcessGate::claim_name() noexcept {
  return file_->try_pin_alone();
}

void ProcessGate::publish(std::uint32_t commit, const CommittedTables& tables) noexcept {
  if (!fork_guard_.forked()) file_->page().commits.publish(commit, tables, ++publications_);
}

GateView ProcessGate::view() const {
  return view_of(*shown());
}

std::vector<std::int64_t> ProcessGate::others() const {
  return members_of(*file_, file_->slot());
}

std::filesystem::path ProcessGate::path_for(const std::filesystem::path& database) {
  return database.native() + "-gate";
}

std::optional<GateView> ProcessGate::inspect(const std::filesystem::path& database) {
  const std::optional<GateFile> file = GateFile::look_at(path_for(database));
  if (!file) return std::nullopt;
  GateView view = view_of(*file);
  view.members = members_of(*file, kNoSlot);
  return view;
}

std::optional<Wait> ProcessGate::stand_in_line(Deadline deadline, Abandoned abandoned) {
  GatePage& page = file_->page();
  const std::uint64_t ticket = page.last_ticket.fetch_add(1) + 1;
  // Before the bit that makes others look at it.
  page.slots[static_cast<std::size_t>(file_->slot())].ticket.store(ticket);
  std::optional<Wait> outcome;
  {
    const PlaceInLine place(page, own_bit());
    sync_point("ProcessGate::take:queued");
    outcome = wait_for_turn(ticket, deadline, abandoned);
  }
  if (outcome != Wait::Granted) {
    // A wake-up may have come in the last moment: the gate is free then, and nobody else knows.
    wake_first();
  }
  return outcome;
}

std::optional<Wait> ProcessGate::wait_for_turn(std::uint64_t ticket, Deadline deadline,
                                               Abandoned abandoned) {
  GatePage& page = file_->page();
  const std::atomic<std::uint32_t>& word =
      page.slots[static_cast<std::size_t>(file_->slot())].wake_ups;
  bool woken = true;
  for (;;) {
    // Read before asking and trying: a wake-up that comes after either must not be slept through.
    const std::uint32_t wake_ups = word.load();
    if (abandoned()) {
      sync_point("ProcessGate::take:abandoned");
      return Wait::Cancelled;
    }
    const std::uint64_t ahead = ahead_of(ticket);
    if (ahead == 0 ? file_->try_lock() : !woken && try_to_overtake(ahead)) return Wait::Granted;
    if (deadline.expired()) {
      sync_point("ProcessGate::take:deadline_passed");
      return Wait::TimedOut;
    }
    if (find_successor()) return std::nullopt;
    if (can_do_without(ahead == 0)) {
      without_ = true;
      return Wait::Granted;
    }
    woken = wait_while(word, wake_ups, std::min<nanoseconds>(kPatience, deadline.left()));
    // Whoever runs is to be reckoned with again, in its old place.
    if ((page.skip.load() & own_bit()) != 0) page.skip.fetch_and(~own_bit());
  }
}

// For a process that is not the first in line: takes the gate if those ahead do not answer. They
// are skipped from then on, until they run again.
bool ProcessGate::try_to_overtake(std::uint64_t ahead) {
  GatePage& page = file_->page();
  const auto within_grace = [&] { return is_within(page.free_since_ns.load(), kGrace); };
  if (within_grace() || !file_->try_lock()) return false;
  const bool holder_died = page.free_since_ns.load() == 0;
  if (!holder_died && !within_grace()) {
    page.skip.fetch_or(ahead);
    return true;
  }
  // Nobody has woken those ahead after their holder's death; their time begins now.
  if (holder_died) page.free_since_ns.store(monotonic_ns());
  file_->unlock();
  wake_first();
  return false;
}

// Without a slot there is no order, only trying; but whoever has the gate can see that somebody
// does.
std::optional<Wait> ProcessGate::poll(Deadline deadline, Abandoned abandoned) {
  for (;;) {
    file_->page().crowded_ns.store(monotonic_ns());
    if (abandoned()) return Wait::Cancelled;
    if (file_->try_lock()) return Wait::Granted;
    if (deadline.expired()) return Wait::TimedOut;
    if (find_successor()) return std::nullopt;
    // sleep: what a process is woken by is a slot, and there was none.
    std::this_thread::sleep_for(std::min<nanoseconds>(kPollInterval, deadline.left()));
  }
}

// A process without a slot finds the gate free only if it stays free for a moment. So whoever has
// just had it stays away for two of its tries.
void ProcessGate::let_others_in(Deadline deadline) const {
  const nanoseconds left = given_at_ + 2 * kPollInterval - steady_clock::now();
  // sleep: to stay away for a moment is what is wanted.
  if (left > 0ns) std::this_thread::sleep_for(std::min<nanoseconds>(left, deadline.left()));
}

// True when the gate's holder stands still and has no transaction open, nor has anybody else. Those
// who are not the first in line give those before them time to find it out; they may stand still
// too.
bool ProcessGate::can_do_without(bool is_first) {
  const steady_clock::time_point now = steady_clock::now();
  const std::uint64_t version = file_->page().owner.version();
  if (version != seen_) {
    seen_ = version;
    seen_since_ = now;
  }
  if (now - seen_since_ < (is_first ? kStandstill : 2 * kStandstill)) return false;
  // Of a process in another pid namespace the kernel does not show the locks either.
  const std::optional<GateView::Process> holder = find_holder(*file_);
  if (!holder || holder->pid == 0 || holder->pid == pid_) return false;
  return find_foreign_holder(database_, false).kind == Holder::Kind::Unknown;
}

// True when others find another gate file than this one, and `successor_` is that, or a new one.
bool ProcessGate::find_successor() {
  const steady_clock::time_point now = steady_clock::now();
  if (now - checked_at_ < kFileCheck) return false;
  checked_at_ = now;
  // Where there is no database any more there is nothing to make a gate for.
  std::error_code error;
  lost_ = false;
  if (file_->is_in_place() || !std::filesystem::exists(database_, error)) return false;
  try {
    successor_ = std::make_shared<GateFile>(path_for(database_), database_, kFileMaking);
  } catch (const Error&) {
    // The old one still keeps those apart that are at it, and SQLite's own lock keeps apart all.
    lost_ = true;
    sync_point("ProcessGate::find_successor:failed");
    return false;
  }
  successor_->claim_slot();
  return true;
}

void ProcessGate::move_to_successor() {
  const std::shared_ptr<GateFile> former = std::exchange(file_, std::move(successor_));
  seen_ = kNothingSeen;
  const MutexLock lock(mutex_);
  shown_ = file_;
}

std::shared_ptr<GateFile> ProcessGate::shown() const {
  const MutexLock lock(mutex_);
  return shown_;
}

void ProcessGate::enter(const Claim& claim) noexcept {
  since_ = steady_clock::now();
  held_.store(true, std::memory_order_relaxed);
  if (without_) return;
  file_->page().free_since_ns.store(0);
  record(claim);
}

void ProcessGate::record(const Claim& claim) noexcept {
  GatePage& page = file_->page();
  GateOwner owner;
  owner.pid = pid_;
  owner.thread_id = claim.thread_id;
  owner.since_ns = nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  owner.pid_namespace = pid_namespace_;
  owner.slot = file_->slot();
  if (owner.slot != kNoSlot)
    owner.generation = page.slots[static_cast<std::size_t>(owner.slot)].generation.load();
  owner.set_lane(claim.lane);
  page.owner.write(owner);
}

void ProcessGate::wake_first() noexcept {
  GatePage& page = file_->page();
  GateSlot* first = nullptr;
  std::uint64_t lowest = 0;
  for_each_slot(others_in_line(), [&](std::size_t slot) {
    const std::uint64_t ticket = page.slots[slot].ticket.load();
    if (first == nullptr || ticket < lowest) {
      first = &page.slots[slot];
      lowest = ticket;
    }
  });
  if (first != nullptr) wake(first->wake_ups);
}

std::uint64_t ProcessGate::own_bit() const noexcept {
  const int slot = file_->slot();
  return slot == kNoSlot ? 0 : std::uint64_t{1} << static_cast<unsigned>(slot);
}

std::uint64_t ProcessGate::others_in_line() const noexcept {
  const GatePage& page = file_->page();
  return page.waiting.load() & ~page.skip.load() & ~own_bit();
}

std::uint64_t ProcessGate::ahead_of(std::uint64_t ticket) const noexcept {
  std::uint64_t ahead = 0;
  for_each_slot(others_in_line(), [&](std::size_t slot) {
    if (file_->page().slots[slot].ticket.load() < ticket) ahead |= std::uint64_t{1} << slot;
  });
  return ahead;
}

bool ProcessGate::is_crowded() const noexcept {
  const std::int64_t last = file_->page().crowded_ns.load(std::memory_order_relaxed);
  return last != 0 && is_within(last, kCrowdMemory);
}

}  // namespace turnstile::gate
