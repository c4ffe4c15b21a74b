#include "holdfast/base/clock.hpp"

#include <gtest/gtest.h>

namespace holdfast {
namespace {

using namespace std::chrono_literals;

TEST(Iso8601, PrintsUtcWithSixDigits) {
  EXPECT_EQ(to_iso8601(Timestamp{0us}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_iso8601(Timestamp{1'700'000'000'123'456us}), "2023-11-14T22:13:20.123456Z");
  EXPECT_EQ(to_iso8601(Timestamp{-1us}), "1969-12-31T23:59:59.999999Z");
}

TEST(Iso8601, ReadsWhatItPrints) {
  for (const auto time : {Timestamp{0us}, Timestamp{1'700'000'000'123'456us}, Timestamp{-1us}}) {
    EXPECT_EQ(*parse_iso8601(to_iso8601(time)), time);
  }
}

TEST(Iso8601, PrintsTheNearestItCan) {
  EXPECT_EQ(to_iso8601(Timestamp::min()), "0000-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_iso8601(Timestamp::max()), "9999-12-31T23:59:59.999999Z");
}

TEST(Iso8601, ReadsZonesAndFractions) {
  EXPECT_EQ(to_iso8601(*parse_iso8601("2023-05-08T13:56:00+02:00")), "2023-05-08T11:56:00.000000Z");
  EXPECT_EQ(to_iso8601(*parse_iso8601("2023-05-08 13:56:00.5")), "2023-05-08T13:56:00.500000Z");
  EXPECT_EQ(to_iso8601(*parse_iso8601("2023-05-08T13:56:00.123456789Z")), "2023-05-08T13:56:00.123456Z");
}

TEST(Iso8601, RefusesWhatIsNoDateAndTime) {
  for (const auto* text : {"", "2023", "2023-05-08", "2023-02-30T00:00:00Z", "2023-05-08T24:00:00Z",
                           "2023-05-08T13:56:00.Z", "2023-05-08T13:56:00+2", "2023-05-08T13:56:00Zx",
                           "yesterday", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"}) {
    EXPECT_FALSE(parse_iso8601(text)) << text;
  }
}

}  // namespace
}  // namespace holdfast
