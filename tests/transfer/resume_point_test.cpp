#include "holdfast/transfer/resume_point.hpp"

#include <gtest/gtest.h>

#include "text_file.hpp"

namespace holdfast::transfer {
namespace {

struct ResumePointTest : testing::Test {
  TextFile file{"one\ntwo\nthree\n"};
  const std::filesystem::path path = file.path().string() + ".point";
  const ResumePoint point{path, file.descriptor(), "store 1"};

  void TearDown() override { std::filesystem::remove(path); }
};

TEST_F(ResumePointTest, IsReadAsWrittenAlsoAfterTheFileHasGrown) {
  EXPECT_FALSE(point.read());
  ASSERT_TRUE(point.write({1, 4}));
  ASSERT_TRUE(point.write({2, 8}));
  file.append("four\n");
  ASSERT_TRUE(point.read());
  EXPECT_EQ(point.read()->line, 2u);
  EXPECT_EQ(point.read()->offset, 8u);
}

TEST_F(ResumePointTest, IsOfOneTargetAndOneFile) {
  ASSERT_TRUE(point.write({2, 8}));
  EXPECT_FALSE(ResumePoint(path, file.descriptor(), "store 2").read());
  const TextFile other("one\nTWO\nthree\n"), shorter("one\n");
  EXPECT_FALSE(ResumePoint(path, other.descriptor(), "store 1").read());
  EXPECT_FALSE(ResumePoint(path, shorter.descriptor(), "store 1").read());
}

TEST_F(ResumePointTest, WhatCannotBeWrittenIsAnError) {
  EXPECT_FALSE(ResumePoint("/nowhere/point", file.descriptor(), "store 1").write({1, 4}));
}

}  // namespace
}  // namespace holdfast::transfer
