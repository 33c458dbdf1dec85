#include "libs/task/interpolation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/task/parse_task_spec.h"

namespace cloister::task {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class InterpolationTest : public testing::Test {
 protected:
  InterpolationTest() { config_.mutable_config()->set_command("/bin/true"); }

  Interpolated Run() const { return Interpolate(config_, node_, built_in_); }

  Names node_ = {{"attr.kernel.name", "linux"}, {"meta.rack", "r7"}};
  Names built_in_ = {{"NOMAD_TASK_DIR", "/local"}, {"PATH", "/bin"}};
  v1::TaskConfig config_;
};

TEST_F(InterpolationTest, EveryFieldThatMayHaveReferencesIsReplaced) {
  config_.mutable_config()->set_command("${NOMAD_TASK_DIR}/run");
  config_.mutable_config()->add_args("${attr.kernel.name}");
  config_.mutable_config()->add_args("$${x}");
  config_.mutable_config()->set_work_dir("${NOMAD_TASK_DIR}");
  (*config_.mutable_env())["RACK"] = "${meta.rack}";
  config_.add_volume_mounts()->set_destination("/data/${RACK}");
  const Interpolated result = Run();
  EXPECT_THAT(result.violations, IsEmpty());
  EXPECT_EQ(result.config.config().command(), "/local/run");
  EXPECT_THAT(result.config.config().args(), ElementsAre("linux", "${x}"));
  EXPECT_EQ(result.config.config().work_dir(), "/local");
  EXPECT_EQ(result.config.env().at("RACK"), "r7");
  EXPECT_EQ(result.config.volume_mounts(0).destination(), "/data/r7");
}

TEST_F(InterpolationTest, BuiltInVariablesAreInTheEnvironmentAndTheTasksOwnWin) {
  (*config_.mutable_env())["PATH"] = "/opt/bin:${PATH}";
  config_.mutable_config()->add_args("${PATH}");
  const Interpolated result = Run();
  EXPECT_EQ(result.config.env().at("NOMAD_TASK_DIR"), "/local");
  EXPECT_EQ(result.config.env().at("PATH"), "/opt/bin:/bin");
  EXPECT_THAT(result.config.config().args(), ElementsAre("/opt/bin:/bin"));
}

TEST_F(InterpolationTest, ValuesOfEnvDoNotSeeEachOther) {
  (*config_.mutable_env())["A"] = "a";
  (*config_.mutable_env())["B"] = "${A}";
  EXPECT_THAT(Run().violations, ElementsAre(Field(&FieldViolation::field, "env[B]")));
}

TEST_F(InterpolationTest, EveryViolationIsToldAtOnceWithThoseOfTheRest) {
  config_.mutable_config()->set_command("${nope.a}");
  config_.mutable_config()->add_args("fine");
  config_.mutable_config()->add_args("${");
  config_.mutable_config()->set_work_dir("${zebra}");
  config_.mutable_resources()->set_memory(-1);
  config_.add_volume_mounts()->set_destination("${zebra}");
  std::vector<std::string> fields;
  for (const auto& violation : GetFieldViolations(ParseInterpolated(Run()).status())) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, testing::IsSupersetOf({"resources.memory", "config.command", "config.args[1]",
                                             "config.work_dir", "volume_mounts[0].destination"}));
}

TEST_F(InterpolationTest, WhatComesOfAReferenceIsCheckedLikeWhatWasWritten) {
  (*config_.mutable_env())["DIR"] = "relative";
  config_.mutable_config()->set_work_dir("${DIR}");
  EXPECT_THAT(ParseInterpolated(Run()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.work_dir")));
  (*config_.mutable_env())["DIR"] = "/local/../../etc";
  EXPECT_THAT(ParseInterpolated(Run()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.work_dir")));
}

TEST_F(InterpolationTest, ATextThatGrowsIsRefusedBeforeItIsBuilt) {
  (*config_.mutable_env())["BIG"] = std::string(100000, 'x');
  config_.mutable_config()->add_args("${BIG}${BIG}");
  EXPECT_THAT(Run().violations, ElementsAre(Field(&FieldViolation::field, "config.args[0]")));
}

TEST_F(InterpolationTest, AllTextsTogetherAreBounded) {
  (*config_.mutable_env())["BIG"] = std::string(100000, 'x');
  for (int i = 0; i < 100000; ++i) config_.mutable_config()->add_args("${BIG}");
  const Interpolated result = Run();
  EXPECT_THAT(result.violations, SizeIs(2));
  EXPECT_EQ(result.violations[0].field, "config.args[10]");
  EXPECT_LT(result.config.ByteSizeLong(), 2 * kMaxExecBytes);
}

TEST_F(InterpolationTest, OfManyWrongReferencesTwentyAreTold) {
  for (int i = 0; i < 100000; ++i) config_.mutable_config()->add_args("${zebra}");
  EXPECT_THAT(Run().violations, SizeIs(21));
}

TEST_F(InterpolationTest, TheNamesThatAConfigurationRefersToAreKnown) {
  config_.mutable_config()->set_command("${NOMAD_TASK_DIR}/run");
  config_.mutable_config()->add_args("${env[\"A\"]} $${not} ${");
  config_.mutable_config()->add_args("${env[\"A\"]} $${not}");
  (*config_.mutable_env())["A"] = "${meta.rack}";
  config_.add_constraints()->set_attribute("${attr.kernel.name}");
  EXPECT_THAT(ReferencedNames(config_),
              ElementsAre("NOMAD_TASK_DIR", "attr.kernel.name", "env.A", "meta.rack"));
}

TEST_F(InterpolationTest, WithoutANodeNamesAreTakenOnTrust) {
  config_.mutable_config()->set_command("${meta.anything}");
  config_.mutable_config()->add_args("$${x}");
  config_.mutable_config()->set_work_dir("${NOMAD_TASK_DIR}/x");
  const Interpolated fine = InterpolateNowhere(config_);
  EXPECT_THAT(ParseInterpolated(fine), IsOk());
  EXPECT_THAT(fine.config.config().args(), ElementsAre("${x}"));
  config_.mutable_config()->add_args("${a b}");
  EXPECT_THAT(InterpolateNowhere(config_).violations,
              ElementsAre(Field(&FieldViolation::field, "config.args[1]")));
}

TEST_F(InterpolationTest, NowhereTheDestinationOfAFileStandsForAFile) {
  config_.mutable_config()->set_command("/x");
  for (const char* mode : {"", "dir", "file"}) {
    v1::Artifact* artifact = config_.add_artifacts();
    artifact->set_source("https://h/x");
    artifact->set_mode(mode);
    artifact->set_destination("${NOMAD_SECRETS_DIR}/x");
  }
  EXPECT_THAT(ParseInterpolated(InterpolateNowhere(config_)), IsOk());
}

}  // namespace
}  // namespace cloister::task
