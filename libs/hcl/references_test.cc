#include "libs/hcl/references.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/parser.h"

namespace cloister::hcl {
namespace {

using ::testing::ElementsAre;

References Find(absl::string_view text) {
  Diagnostics diagnostics;
  const ExpressionPointer expression = ParseSingleExpression({text}, 100, diagnostics);
  EXPECT_NE(expression, nullptr) << text;
  return FindReferences("local", *expression);
}

TEST(References, AreFoundInEveryFormOfExpression) {
  EXPECT_THAT(
      Find("[local.a, {(local.b) = local[\"c\"]}, f(local.d), -local.e + local.f, "
           "local.g ? local.h : local.i, [for x in local.j : local.k if local.l], "
           "\"${local.m}%{if local.n}${local.o}%{endif}%{for x in local.p}${local.q}%{endfor}\", "
           "y[local.r], y[*][local.s], (local.t)]")
          .names,
      ElementsAre("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p",
                  "q", "r", "s", "t"));
}

TEST(References, OfOtherRootsDoNotCount) {
  EXPECT_TRUE(Find("[var.a, x.local.b, \"local.c\"]").names.empty());
}

TEST(References, ToTheWholeRootAreToldApart) {
  EXPECT_EQ(Find("[local, local[*], local[x]]").whole.size(), 3u);
}

}  // namespace
}  // namespace cloister::hcl
