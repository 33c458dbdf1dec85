// Every function of the table, by what it gives and what it refuses.
#include "libs/hcl/functions.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/hcl/testing_evaluate.h"

namespace cloister::hcl {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* expression;
  const char* result;
};

constexpr Case kGiven[] = {
    {"abs(-3)", "3"},
    {"abs(-9223372036854775808)", "9223372036854775808"},
    {"ceil(1.2)", "2"},
    {"floor(-1.2)", "-2"},
    {"log(8, 2)", "3"},
    {"max(1, 2.5, \"2\")", "2.5"},
    {"min(1, 2.5, -7)", "-7"},
    {"parseint(\"ff\", 16)", "255"},
    {"parseint(\"-9223372036854775808\", 10)", "-9223372036854775808"},
    {"parseint(\"aA\", 62)", "656"},
    {"pow(3, 4)", "81"},
    {"pow(4, 0.5)", "2"},
    {"signum(-0.5)", "-1"},

    {"basename(\"/a/b.c/\")", "\"b.c\""},
    {"dirname(\"/a/b.c\")", "\"/a\""},
    {"dirname(\"a\")", "\".\""},
    {"chomp(\"a\\r\\n\\n\")", "\"a\""},
    {"indent(2, \"a\\nb\\nc\")", "\"a\\n  b\\n  c\""},
    {"join(\", \", [\"a\", 1], [true])", "\"a, 1, true\""},
    {"join(\",\", [])", "\"\""},
    {"lower(\"AB\xc3\x84\")", "\"ab\xc3\xa4\""},
    {"upper(\"ab\xc3\xa4\")", "\"AB\xc3\x84\""},
    {"replace(\"a.b.c\", \".\", \"--\")", "\"a--b--c\""},
    {"replace(\"ab\", \"\", \"-\")", "\"-a-b-\""},
    {"split(\",\", \"a,,b\")", "[\"a\",\"\",\"b\"]"},
    {"split(\"\", \"a\xc3\xa4\")", "[\"a\",\"\xc3\xa4\"]"},
    {"strlen(\"a\xc3\xa4\")", "2"},
    {"strrev(\"ab\xc3\xa4\")",
     "\"\xc3\xa4"
     "ba\""},
    {"substr(\"hello\", 1, 3)", "\"ell\""},
    {"substr(\"hello\", -3, -1)", "\"llo\""},
    {"substr(\"hello\", 9, 1)", "\"\""},
    {"title(\"hello wide world\")", "\"Hello Wide World\""},
    {"trim(\"?!a!?\", \"!?\")", "\"a\""},
    {"trim(\"aaa\", \"a\")", "\"\""},
    {"trimprefix(\"aab\", \"a\")", "\"ab\""},
    {"trimspace(\" \\t a b\\n\")", "\"a b\""},
    {"trimsuffix(\"abb\", \"b\")", "\"ab\""},

    {"format(\"%s-%d %v\", \"a\", 7.9, [1])", "\"a-7 [1]\""},
    {"format(\"%5.1f|%-5s|%05d|%+d|%x|%X|%o|%b\", 1.25, \"ab\", -7, 3, 255, 255, 8, 5)",
     "\"  1.2|ab   |-0007|+3|ff|FF|10|101\""},
    {"format(\"%q %t %% %#v %[1]s\", \"a\", true, \"b\")", "\"\\\"a\\\" true % \\\"b\\\" a\""},
    {"format(\"%e %g\", 1500, 0.25)", "\"1.500000e+03 0.25\""},
    {"format(\"%.2s\", \"\xc3\xa4\xc3\xb6\xc3\xbc\")", "\"\xc3\xa4\xc3\xb6\""},
    {"formatlist(\"%s=%s\", [\"a\", \"b\"], 1)", "[\"a=1\",\"b=1\"]"},

    {"regex(\"[a-z]+\", \"12ab3c\")", "\"ab\""},
    {"regex(\"(.)(x)?\", \"12\")", "[\"1\",null]"},
    {"regex(\"(?P<k>.)=(?P<v>.)\", \"a=1\")", "{\"k\":\"a\",\"v\":\"1\"}"},
    {"regexall(\"[a-z]\", \"1a2b\")", "[\"a\",\"b\"]"},
    {"regexall(\"x\", \"1a2b\")", "[]"},
    {"regexall(\"a*\", \"ba\")", "[\"\",\"a\",\"\"]"},
    {"regex_replace(\"a1b22\", \"([a-z])([0-9]+)\", \"$2$${1}$$\")", "\"1a$22b$\""},

    {"alltrue([true, \"true\"])", "true"},
    {"anytrue([false])", "false"},
    {"chunklist([1, 2, 3], 2)", "[[1,2],[3]]"},
    {"chunklist([1, 2], 0)", "[[1,2]]"},
    {"coalesce(null, \"\", 1)", "\"\""},
    {"coalescelist([], [1])", "[1]"},
    {"compact([\"a\", \"\", null, \"b\"])", "[\"a\",\"b\"]"},
    {"concat([1], [], [2, 3])", "[1,2,3]"},
    {"element([1, 2, 3], 4)", "2"},
    {"flatten([[1, [2]], [], 3])", "[1,2,3]"},
    {"index([\"a\", \"b\"], \"b\")", "1"},
    {"keys({b = 1, a = 2})", "[\"a\",\"b\"]"},
    {"values({b = 1, a = 2})", "[2,1]"},
    {"length([1, 2]) + length({a = 1}) + length(\"abc\")", "6"},
    {"lookup({a = 1}, \"a\", 2) + lookup({a = 1}, \"b\", 2)", "3"},
    {"merge({a = 1, b = 1}, null, {b = 2})", "{\"a\":1,\"b\":2}"},
    {"range(3)", "[0,1,2]"},
    {"range(3, 0)", "[3,2,1]"},
    {"range(0, 1, 0.5)", "[0,0.5]"},
    {"reverse([1, 2])", "[2,1]"},
    {"slice([1, 2, 3], 1, 3)", "[2,3]"},
    {"sort([\"b\", \"a\"])", "[\"a\",\"b\"]"},
    {"zipmap([\"a\", \"b\"], [1, 2])", "{\"a\":1,\"b\":2}"},

    {"contains([1, \"a\"], \"a\")", "true"},
    {"distinct([1, 2, 1, \"1\"])", "[1,2,\"1\"]"},
    {"setintersection([1, 2, 3], [3, 2], [2])", "[2]"},
    {"setproduct([1, 2], [\"a\", \"b\"])", "[[1,\"a\"],[1,\"b\"],[2,\"a\"],[2,\"b\"]]"},
    {"setsubtract([1, 2, 3], [2])", "[1,3]"},
    {"setunion([1, 2], [2, 3])", "[1,2,3]"},

    {"base64encode(\"hello\")", "\"aGVsbG8=\""},
    {"base64decode(\"aGVsbG8=\")", "\"hello\""},
    {"csvdecode(\"a,b\\n1,\\\"x,\\\"\\\"y\\\"\\n\\n2,z\\n\")",
     "[{\"a\":\"1\",\"b\":\"x,\\\"y\"},{\"a\":\"2\",\"b\":\"z\"}]"},
    {"jsondecode(\"{\\\"a\\\": [1, true, null]}\")", "{\"a\":[1,true,null]}"},
    {"jsonencode({b = [1, null], a = \"<&>\"})",
     "\"{\\\"a\\\":\\\"\\\\u003c\\\\u0026\\\\u003e\\\",\\\"b\\\":[1,null]}\""},
    {"urlencode(\"a b/\xc3\xa4\")", "\"a+b%2F%C3%A4\""},
    {"md5(\"hello\")", "\"5d41402abc4b2a76b9719d911017c592\""},
    {"sha1(\"hello\")", "\"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\""},
    {"sha256(\"hello\")", "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\""},
    {"substr(sha512(\"hello\"), 0, 16)", "\"9b71d224bd62f378\""},

    {"formatdate(\"YYYY-MM-DD'T'hh:mm:ssZ\", \"2026-03-01T12:05:09+02:00\")",
     "\"2026-03-01T12:05:09+02:00\""},
    {"formatdate(\"EEEE, D MMM YY H aa 'o''clock' ZZZ\", \"2026-03-01T13:00:00Z\")",
     "\"Sunday, 1 Mar 26 1 pm o'clock UTC\""},
    {"timeadd(\"2026-02-28T23:59:00Z\", \"1m30s\")", "\"2026-03-01T00:00:30Z\""},
    {"timeadd(\"2026-03-01T12:00:00-05:30\", \"-1h\")", "\"2026-03-01T11:00:00-05:30\""},

    {"can(1 / 0)", "false"},
    {"try(1 / 0, 2)", "2"},
    {"convert(\"3\", number) + 1", "4"},
    {"convert([1, 2], list(string))", "[\"1\",\"2\"]"},
    {"tobool(\"true\")", "true"},
    {"tolist([1])", "[1]"},
    {"tomap({a = 1})", "{\"a\":1}"},
    {"tonumber(\"1.5\")", "1.5"},
    {"toset([1, 1])", "[1]"},
    {"tostring(1)", "\"1\""},
    {"tostring(null)", "null"},
};

constexpr Case kRefused[] = {
    {"log(0, 2)", "must be positive"},
    {"parseint(\"12\", 2)", "no whole number in base 2"},
    {"parseint(\"9223372036854775808\", 10)", "more than 64 bits"},
    {"parseint(\"\", 10)", "no digits"},
    {"pow(10, 400)", "out of range"},
    {"join(\",\", \"a\")", "this is a string"},
    {"join(\",\", [[]])", "must be strings"},
    {"substr(\"a\", 0, -2)", "-1"},
    {"indent(-1, \"\")", "negative"},
    {"format(\"%d\", \"a\")", "needs a number"},
    {"format(\"%s\")", "not enough arguments"},
    {"format(\"\", 1)", "too many arguments"},
    {"format(\"%z\", 1)", "no verb"},
    {"format(\"%99999d\", 1)", "at most 1024"},
    {"format(\"%\", 1)", "ends within a verb"},
    {"formatlist(\"%s%s\", [1], [1, 2])", "same length"},
    {"regex(\"(\", \"a\")", "not valid"},
    {"regex(\"b\", \"a\")", "did not match"},
    {"regex(\"(?P<k>.)(.)\", \"ab\")", "have names"},
    {"alltrue([1])", "must be a bool"},
    {"chunklist([1], -1)", "negative"},
    {"coalesce(null)", "all arguments are null"},
    {"coalescelist([])", "empty"},
    {"element([], 0)", "empty"},
    {"index([1], 2)", "no such element"},
    {"length(1)", "not a number"},
    {"lookup({}, \"a\")", "no key"},
    {"merge(1)", "must be objects"},
    {"range(0, 1, 0)", "zero"},
    {"range(0, 1, -1)", "does not lead"},
    {"slice([1], 0, 2)", "at most the length"},
    {"sort([[]])", "must be a string"},
    {"zipmap([\"a\"], [])", "1 keys, but 0 values"},
    {"base64decode(\"%\")", "not base64"},
    {"base64decode(\"/w==\")", "UTF-8"},
    {"csvdecode(\"a,b\\n1\\n\")", "1 fields"},
    {"csvdecode(\"a,a\\n1,2\\n\")", "same name"},
    {"csvdecode(\"a\\n\\\"b\\n\")", "no end"},
    {"jsondecode(\"{\")", "no JSON"},
    {"formatdate(\"YYY\", \"2026-03-01T12:00:00Z\")", "no meaning"},
    {"formatdate(\"'\", \"2026-03-01T12:00:00Z\")", "quote without end"},
    {"formatdate(\"YYYY\", \"2026-03-01\")", "RFC 3339"},
    {"timeadd(\"2026-03-01T12:00:00Z\", \"1x\")", "duration"},
    {"timeadd(\"9999-03-01T12:00:00Z\", \"99999h\")", "out of range"},
    {"convert(\"a\", number)", "a number is required"},
    {"convert(1, wide)", "is no type"},
    {"tonumber(\"a\")", "a number is required"},
    {"uuidv4()", "something else each time"},
    {"yamlencode(1)", "does not have it"},
};

TEST(Functions, GiveWhatTheyShould) {
  for (const Case& c : kGiven)
    EXPECT_EQ(EvaluateExpression(c.expression), c.result) << c.expression;
}

TEST(Functions, SayWhatTheyRefuse) {
  for (const Case& c : kRefused) {
    EXPECT_THAT(EvaluateExpression(c.expression), HasSubstr(c.result)) << c.expression;
    EXPECT_THAT(EvaluateExpression(c.expression), testing::StartsWith("1:")) << c.expression;
  }
}

TEST(Functions, EachOfTheTableIsTested) {
  std::string all;
  for (const Case& c : kGiven) absl::StrAppend(&all, " ", c.expression);
  for (const auto& [name, function] : StandardFunctions()) {
    EXPECT_THAT(all, HasSubstr(absl::StrCat(name, "("))) << name;
    EXPECT_THAT(std::string(function.signature), testing::StartsWith(absl::StrCat(name, "(")));
  }
}

TEST(Functions, NoneIsBothThereAndRefused) {
  for (const auto& [name, function] : StandardFunctions())
    EXPECT_EQ(WhyFunctionIsRefused(name), "");
  for (const char* name : {"file", "abspath", "fileset", "timestamp", "bcrypt", "yamldecode"}) {
    EXPECT_NE(WhyFunctionIsRefused(name), "") << name;
  }
}

}  // namespace
}  // namespace cloister::hcl
