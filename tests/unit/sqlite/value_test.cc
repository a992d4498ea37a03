// How C++ values become SQL values and come back: turnstile/value.h.
#include "turnstile/value.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "support/scratch_connection.h"
#include "support/thrown.h"
#include "turnstile/error.h"
#include "turnstile/statement.h"

namespace {

struct Point {
  int x = 0;
  int y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

}  // namespace

namespace turnstile {

template <>
struct Codec<Point> {
  using Stored = std::string;
  static Stored encode(const Point& p) { return std::to_string(p.x) + "/" + std::to_string(p.y); }
  static Point decode(const Stored& text) {
    const std::size_t slash = text.find('/');
    return {std::stoi(text.substr(0, slash)), std::stoi(text.substr(slash + 1))};
  }
};

namespace {

using namespace std::chrono_literals;
using test::ScratchConnection;
using test::thrown;

enum class Colour : std::uint8_t { Red = 1, Blue = 200 };

/// Writes to a column without affinity and reads what is there then.
class Values : public testing::Test {
 protected:
  template <class T>
  void store(const T& value) {
    connection_->execute("DELETE FROM v");
    connection_->prepare("INSERT INTO v VALUES (?)").execute(value);
  }
  template <class T>
  T load() {
    return connection_->prepare("SELECT v FROM v").query<T>().one();
  }
  template <class T, class Stored = T>
  void expect_round_trip(const Stored& value) {
    store(value);
    EXPECT_EQ(load<T>(), T(value));
  }
  std::string type() { return connection_->query_text("SELECT typeof(v) FROM v"); }
  /// Puts in what the SQL expression gives.
  void put(const std::string& expression) {
    connection_->execute("DELETE FROM v; INSERT INTO v SELECT " + expression);
  }
  template <class T>
  std::string_view code_of_load() {
    return thrown<MisuseError>([this] { static_cast<void>(load<T>()); }).code();
  }
  template <class T>
  std::string_view code_of_store(const T& value) {
    return thrown<MisuseError>([&] { store(value); }).code();
  }

  ScratchConnection connection_{"CREATE TABLE v(v)"};
};

TEST_F(Values, KeepIntegers) {
  expect_round_trip<std::int64_t>(std::numeric_limits<std::int64_t>::min());
  expect_round_trip<std::int64_t>(std::numeric_limits<std::int64_t>::max());
  expect_round_trip<std::uint64_t>(std::uint64_t{1} << 62U);
  expect_round_trip<int>(-7);
  expect_round_trip<std::uint8_t>(std::uint8_t{255});
  expect_round_trip<char>('x');
  EXPECT_EQ(type(), "integer");
}

TEST_F(Values, KeepBooleans) {
  expect_round_trip<bool>(true);
  expect_round_trip<bool>(false);
  EXPECT_EQ(type(), "integer");
}

TEST_F(Values, KeepEnums) {
  expect_round_trip<Colour>(Colour::Blue);
  EXPECT_EQ(load<int>(), 200);
}

TEST_F(Values, KeepRealNumbers) {
  expect_round_trip<double>(0.1);
  expect_round_trip<double>(-0.0);
  expect_round_trip<double>(std::numeric_limits<double>::infinity());
  expect_round_trip<double>(std::numeric_limits<double>::denorm_min());
  expect_round_trip<float>(1.5F);
  EXPECT_EQ(type(), "real");
}

TEST_F(Values, KeepText) {
  expect_round_trip<std::string>(std::string("gr\xC3\xBC\xC3\x9F dich"));
  expect_round_trip<std::string>("a literal");
  expect_round_trip<std::string>(std::string_view("a view"));
  expect_round_trip<std::string>(std::string(100'000, 'x'));
  const char* pointer = "a pointer";
  expect_round_trip<std::string>(pointer);
  EXPECT_EQ(type(), "text");
}

TEST_F(Values, KeepTextWithANulByte) {
  const std::string text("a\0b", 3);
  expect_round_trip<std::string>(text);
  EXPECT_EQ(connection_->query_integer("SELECT length(CAST(v AS BLOB)) FROM v"), 3);
}

TEST_F(Values, TellEmptyTextFromNull) {
  store(std::string_view());
  EXPECT_EQ(type(), "text");
  EXPECT_EQ(load<std::string>(), "");
  EXPECT_EQ(load<std::optional<std::string>>(), "");
}

TEST_F(Values, KeepBlobs) {
  expect_round_trip<Blob>(Blob{std::byte{0}, std::byte{255}});
  EXPECT_EQ(type(), "blob");
}

TEST_F(Values, TellAnEmptyBlobFromNull) {
  store(Blob());
  EXPECT_EQ(type(), "blob");
  EXPECT_TRUE(load<Blob>().empty());
  EXPECT_EQ(load<std::optional<Blob>>(), Blob());
  store(BlobView());
  EXPECT_EQ(type(), "blob");
}

TEST_F(Values, KeepVectorsOfNumbers) {
  expect_round_trip<std::vector<float>>(std::vector<float>{1.5F, -2.0F, 0.25F});
  EXPECT_EQ(connection_->query_integer("SELECT length(v) FROM v"), 12);
  expect_round_trip<std::vector<std::int32_t>>(std::vector<std::int32_t>{1, -1});
  const std::array<double, 2> array{1, 2};
  store(std::span(array));
  EXPECT_EQ(load<std::vector<double>>(), (std::vector<double>{1, 2}));
}

TEST_F(Values, KeepTimes) {
  using Microseconds = std::chrono::sys_time<std::chrono::microseconds>;
  expect_round_trip<Microseconds>(Microseconds(1'700'000'000'123'456us));
  expect_round_trip<Microseconds>(Microseconds(-1us));
  EXPECT_EQ(type(), "integer");
  const auto now = std::chrono::system_clock::now();
  store(now);
  EXPECT_EQ(load<std::chrono::system_clock::time_point>(),
            std::chrono::floor<std::chrono::microseconds>(now));
}

TEST_F(Values, KeepDurations) {
  expect_round_trip<std::chrono::microseconds>(1500us);
  expect_round_trip<std::chrono::hours>(std::chrono::hours(-3));
  store(1500ns);
  EXPECT_EQ(load<std::chrono::nanoseconds>(), 1000ns);
  store(-1ns);
  EXPECT_EQ(load<std::chrono::nanoseconds>(), -1000ns);
}

TEST_F(Values, KeepOptionals) {
  expect_round_trip<std::optional<int>>(std::optional<int>(3));
  expect_round_trip<std::optional<int>>(std::optional<int>());
  EXPECT_EQ(type(), "null");
}

TEST_F(Values, MakeNullOfNothing) {
  const char* const no_text = nullptr;
  store(nullptr);
  EXPECT_EQ(type(), "null");
  store(std::nullopt);
  EXPECT_EQ(type(), "null");
  store(no_text);
  EXPECT_EQ(type(), "null");
}

TEST_F(Values, KeepWhateverAValueHolds) {
  expect_round_trip<Value>(Value());
  expect_round_trip<Value>(Value(std::int64_t{5}));
  expect_round_trip<Value>(Value(2.5));
  expect_round_trip<Value>(Value(std::string("t")));
  expect_round_trip<Value>(Value(Blob{std::byte{1}}));
}

TEST_F(Values, GoThroughACodec) {
  expect_round_trip<Point>(Point{3, -4});
  EXPECT_EQ(type(), "text");
  expect_round_trip<std::optional<Point>>(std::optional<Point>(Point{1, 2}));
}

TEST_F(Values, ReadAnIntegerAsReal) {
  store(3);
  EXPECT_EQ(load<double>(), 3.0);
}

TEST_F(Values, AreNotReadAsAnotherType) {
  store("3");
  EXPECT_EQ(code_of_load<int>(), "COLUMN_TYPE");
  EXPECT_EQ(code_of_load<double>(), "COLUMN_TYPE");
  EXPECT_EQ(code_of_load<Blob>(), "COLUMN_TYPE");
  store(3);
  EXPECT_EQ(code_of_load<std::string>(), "COLUMN_TYPE");
  store(3.0);
  EXPECT_EQ(code_of_load<int>(), "COLUMN_TYPE");
  store(Blob());
  EXPECT_EQ(code_of_load<std::string>(), "COLUMN_TYPE");
}

TEST_F(Values, AreNotMadeUpForNull) {
  store(nullptr);
  EXPECT_EQ(code_of_load<int>(), "COLUMN_TYPE");
  EXPECT_EQ(code_of_load<std::string>(), "COLUMN_TYPE");
  EXPECT_EQ(code_of_load<Blob>(), "COLUMN_TYPE");
  EXPECT_EQ(code_of_load<bool>(), "COLUMN_TYPE");
}

TEST_F(Values, MustFitTheTypeTheyAreReadInto) {
  store(300);
  EXPECT_EQ(code_of_load<std::uint8_t>(), "COLUMN_RANGE");
  EXPECT_EQ(code_of_load<Colour>(), "COLUMN_RANGE");
  EXPECT_EQ(code_of_load<bool>(), "COLUMN_RANGE");
  store(-1);
  EXPECT_EQ(code_of_load<std::uint64_t>(), "COLUMN_RANGE");
  EXPECT_EQ(code_of_load<unsigned>(), "COLUMN_RANGE");
}

TEST_F(Values, SayWhichColumnIsOfTheWrongType) {
  const auto error = thrown<MisuseError>([this] {
    static_cast<void>(
        connection_->prepare("SELECT 1, 2, 'x' AS title").query<int, int, std::int64_t>().all());
  });
  EXPECT_EQ(error.message(), "column 2 (title) is TEXT, not INTEGER");
}

TEST_F(Values, SayWhichValueDoesNotFit) {
  store(300);
  const auto error = thrown<MisuseError>([this] { static_cast<void>(load<std::uint8_t>()); });
  EXPECT_EQ(error.message(), "the value 300 of column 0 (v) does not fit the type it is read into");
}

TEST_F(Values, OfTimeThatDoNotFitAreRefused) {
  put("9223372036854775807");
  EXPECT_EQ(code_of_load<std::chrono::nanoseconds>(), "COLUMN_RANGE");
  EXPECT_EQ(code_of_load<std::chrono::system_clock::time_point>(), "COLUMN_RANGE");
  EXPECT_EQ(load<std::chrono::microseconds>(), std::chrono::microseconds::max());
  EXPECT_EQ(code_of_store(std::chrono::hours::max()), "PARAMETER_INVALID");
  EXPECT_EQ(code_of_store(std::chrono::duration<double>(std::nan(""))), "PARAMETER_INVALID");
}

TEST_F(Values, ThatAreNoMultipleOfTheElementAreRefused) {
  put("x'010203'");
  EXPECT_EQ(code_of_load<std::vector<float>>(), "COLUMN_RANGE");
}

TEST_F(Values, AboveSixtyThreeBitsAreRefused) {
  EXPECT_EQ(code_of_store(std::numeric_limits<std::uint64_t>::max()), "PARAMETER_INVALID");
}

TEST_F(Values, ThatAreNotANumberAreRefusedInsteadOfBecomingNull) {
  EXPECT_EQ(code_of_store(std::nan("")), "PARAMETER_INVALID");
  EXPECT_EQ(code_of_store(std::nanf("")), "PARAMETER_INVALID");
}

TEST_F(Values, OfTextMustBeUtf8) {
  const auto error = thrown<MisuseError>([this] { store("abc\xFFz"); });
  EXPECT_EQ(error.code(), "PARAMETER_INVALID");
  EXPECT_EQ(error.message(), "parameter 1 is not UTF-8 from byte 3 on");
}

/// More memory than SQLite takes; never touched, so that it costs nothing.
class Untouched {
 public:
  static constexpr std::size_t kSize = 2'200'000'000;
  Untouched()
      : data_(::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                     0)) {}
  ~Untouched() { ::munmap(data_, kSize); }
  Untouched(const Untouched&) = delete;
  Untouched& operator=(const Untouched&) = delete;
  [[nodiscard]] bool ok() const { return data_ != MAP_FAILED; }
  [[nodiscard]] std::string_view text(std::size_t size) const {
    return {static_cast<const char*>(data_), size};
  }

 private:
  void* data_;
};

TEST_F(Values, LargerThanSqlitesLimitAreRefused) {
  const Untouched memory;
  ASSERT_TRUE(memory.ok());
  for (const std::size_t size : {std::size_t{1'000'000'001}, std::size_t{2'200'000'000}}) {
    const std::string_view text = memory.text(size);
    EXPECT_EQ(code_of_store(text), "VALUE_TOO_BIG");
    EXPECT_EQ(code_of_store(std::as_bytes(std::span(text))), "VALUE_TOO_BIG");
  }
}

TEST_F(Values, ThatGrowTooLargeInSqlAreRefused) {
  EXPECT_EQ(thrown<MisuseError>([this] {
              connection_->execute_script("SELECT zeroblob(1000000001)");
            }).code(),
            "VALUE_TOO_BIG");
}

}  // namespace
}  // namespace turnstile
