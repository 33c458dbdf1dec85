// Names, paths and sizes that somebody may try: refused by a sentence at the place in the file, or
// by a refused start, and nothing left on the node.
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "tests/conformance/conformance_fixture.h"
#include "tests/testing/leftovers.h"

namespace cloister {
namespace {

using testing::ContainsRegex;
using testing::IsEmpty;

constexpr int kBadFile = 2;
constexpr int kNotStarted = 125;

struct BadInput {
  const char* name;
  std::string file;
  int code;
  std::string err;
};

void PrintTo(const BadInput& bad, std::ostream* os) { *os << bad.name; }

std::string Mounted(const std::string& destination) {
  return ScriptFile(
      "echo never", "",
      absl::StrCat("volume_mount {\n volume = \"data\"\n destination = \"", destination, "\"\n}\n"),
      "volume \"data\" {}\n");
}

std::string Named(const std::string& name) {
  return absl::StrCat("task \"", name,
                      "\" {\n driver = \"exec\"\n config {\n command = \"/bin/true\"\n", "}\n}\n");
}

std::vector<BadInput> BadInputs() {
  const std::string long_name(300, 'n');
  return {
      {"DestinationWithDotDot", Mounted("/local/../../etc"), kBadFile,
       "destination(.|\n)*'\\.\\.'"},
      {"DestinationIsTheRoot", Mounted("/"), kBadFile, "destination"},
      {"DestinationInProc", Mounted("/proc/self"), kBadFile, "destination(.|\n)*'/proc'"},
      {"DestinationInSys", Mounted("/sys/fs/cgroup"), kBadFile, "destination(.|\n)*'/sys'"},
      {"DestinationInDev", Mounted("/dev/shm"), kBadFile, "destination(.|\n)*'/dev'"},
      {"DestinationIsSecrets", Mounted("/secrets/x"), kBadFile, "destination(.|\n)*'/secrets'"},
      {"DestinationOf300Bytes", Mounted(absl::StrCat("/", long_name)), kBadFile, "300 bytes"},
      {"DestinationInterpolatesToDotDot",
       ScriptFile("echo never", "",
                  "env {\n UP = \"..\"\n}\nvolume_mount {\n volume = \"data\"\n destination = "
                  "\"/local/${UP}/etc\"\n}\n",
                  "volume \"data\" {}\n"),
       kBadFile, "destination(.|\n)*'\\.\\.'"},
      {"VolumeThatIsAPath",
       ScriptFile("echo never", "", "volume_mount {\n volume = \"v\"\n destination = \"/v\"\n}\n",
                  "volume \"v\" {\n source = \"../../etc\"\n}\n"),
       kBadFile, "volumes\\[0\\]\\.source"},
      {"VolumeThatTheNodeLacks",
       ScriptFile("echo never", "",
                  "volume_mount {\n volume = \"nope\"\n destination = \"/v\"\n}\n",
                  "volume \"nope\" {}\n"),
       kBadFile, "nope"},
      {"WorkDirThroughADescriptor", ScriptFile("echo never", "work_dir = \"/proc/self/fd/7\""),
       kNotStarted, "/proc/self/fd/7"},
      {"WorkDirWithDotDot", ScriptFile("echo never", "work_dir = \"/local/../etc\""), kBadFile,
       "work_dir(.|\n)*clean"},
      {"WorkDirThatIsAFile", ScriptFile("echo never", "work_dir = \"/etc/passwd\""), kNotStarted,
       "/etc/passwd"},
      {"CommandWithNul", TaskFile("command = \"/bin/tr\\u0000ue\""), kBadFile,
       "Invalid escape sequence(.|\n)*1 problem\n"},
      {"CommandOf5000Bytes", TaskFile(absl::StrCat("command = \"/", std::string(5000, 'c'), "\"")),
       kBadFile, "config.command(.|\n)*5001 bytes"},
      {"CommandOutOfTheRoot", TaskFile("command = \"/../../../../root/x\""), kNotStarted, "EXEC"},
      {"CommandThatIsADirectory", TaskFile("command = \"/etc\""), kNotStarted, "EXEC"},
      {"CommandEmpty", TaskFile("command = \"\""), kBadFile, "[Mm]ust be provided"},
      {"NameOf300Bytes", Named(long_name), kBadFile, "at most 128"},
      {"NameWithSlash", Named("../x"), kBadFile, "at most 128"},
      {"NameWithNewline", Named("a\\nb"), kBadFile, "at most 128"},
      {"EnvNameThatIsNone", ScriptFile("echo never", "", "env = { \"A=B\" = \"x\" }"), kBadFile,
       "A-Za-z_"},
      {"EnvOfAMebibyte",
       ScriptFile("echo never", "",
                  absl::StrCat("env {\n A = \"", std::string(200000, 'x'), "\"\n}")),
       kBadFile, "env\\[A\\](.|\n)*131071 fit"},
      {"UserRoot", ScriptFile("echo never", "", "user = \"0:0\""), kNotStarted, "."},
      {"ChrootEnvWithDotDot", ScriptFile("echo never", "chroot_env = [\"/usr/../root\"]"), kBadFile,
       "chroot_env\\[0\\](.|\n)*clean"},
      {"ChrootEnvThatTheNodeLacks", ScriptFile("echo never", "chroot_env = [\"/root\"]"), kBadFile,
       "/root"},
      {"ReferenceToTheNodesEnvironment",
       TaskFile("command = \"/bin/echo\"\nargs = [\"${env[\"CLOISTER_ADDR\"]}\"]"), kBadFile,
       "CLOISTER_ADDR(.|\n)*not known"},
      {"ReferenceThatIsNone", TaskFile("command = \"/bin/echo\"\nargs = [\"${attr[0]}\"]"),
       kBadFile, "line 5"},
      {"ReferencesThatGrow",
       ScriptFile("echo never", "args = []",
                  absl::StrCat("env {\n A = \"", std::string(100000, 'x'), "\"\n}")),
       kBadFile, "args"},
      {"NestedTooDeep", absl::StrCat("task \"t\" ", std::string(5000, '{'), std::string(5000, '}')),
       kBadFile, "."},
      {"AFileOfMoreThanAMebibyte", std::string((1 << 20) + 10, '#'), kBadFile, "."},
      {"NoText", std::string("\xff\xfe\0task", 7), kBadFile, "UTF-8"},
  };
}

class RefusedInput : public ConformanceTest, public testing::WithParamInterface<BadInput> {};

TEST_P(RefusedInput, IsRefusedAndLeavesNothing) {
  const Said said = Run(GetParam().file);
  EXPECT_EQ(said.code, GetParam().code) << said.err;
  EXPECT_EQ(said.out, "");
  EXPECT_THAT(said.err.substr(0, 4000), ContainsRegex(GetParam().err));
  EXPECT_THAT(FindTaskLeftovers(Cluster(kDefaultPolicy)->layout(), 1), IsOkAndHolds(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(Conformance, RefusedInput, testing::ValuesIn(BadInputs()),
                         [](const testing::TestParamInfo<BadInput>& info) {
                           return info.param.name;
                         });

// A link that leads out of a volume leads nowhere else than inside: what the node has at its target
// is not seen, run or changed.
TEST_F(ConformanceTest, ACommandThatIsALinkToTheHostIsNotFound) {
  const std::string link = absl::StrCat(VolumeDirectory("data"), "/leads-out");
  ASSERT_EQ(symlink("/root/only-on-the-node", link.c_str()), 0);
  const std::string mount = "volume_mount {\n volume = \"data\"\n destination = \"/data\"\n}\n";
  for (const char* command : {"/data/leads-out", "leads-out"}) {
    const Said said =
        Run(TaskFile(absl::StrCat("command = \"", command, "\""), mount, "volume \"data\" {}\n"));
    EXPECT_EQ(said.code, kNotStarted);
    EXPECT_THAT(said.err, ContainsRegex("EXEC"));
  }
  ASSERT_EQ(unlink(link.c_str()), 0);
}

TEST_F(ConformanceTest, AChainOfLinksEndsInsideOrNowhere) {
  const std::string directory = VolumeDirectory("data");
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(
        symlink(absl::StrCat("link", i + 1).c_str(), absl::StrCat(directory, "/link", i).c_str()),
        0);
  }
  ASSERT_EQ(symlink("../../../../../../bin/echo", absl::StrCat(directory, "/link50").c_str()), 0);
  const std::string mount = "volume_mount {\n volume = \"data\"\n destination = \"/data\"\n}\n";
  const auto run = [&](const std::string& name) {
    return Run(TaskFile(absl::StrCat("command = \"/data/", name, "\"\nargs = [\"inside\"]"), mount,
                        "volume \"data\" {}\n"));
  };
  EXPECT_EQ(run("link0").code, kNotStarted);
  EXPECT_EQ(run("link49").out, "inside\n");
  for (int i = 0; i <= 50; ++i) unlink(absl::StrCat(directory, "/link", i).c_str());
}

}  // namespace
}  // namespace cloister
