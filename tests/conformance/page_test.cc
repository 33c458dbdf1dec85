// The exec driver's page, sentence by sentence: a task file for each, run by `cloister run` on a
// real cluster, and what it must come to. `quote` is the page's.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/conformance/conformance_fixture.h"

namespace cloister {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr char kMountTools[] =
    "volume_mount {\n volume = \"tools\"\n destination = \"/opt/tools\"\n}\n";
constexpr char kMountMoreTools[] =
    "volume_mount {\n volume = \"more\"\n destination = \"/opt/more\"\n}\n";
constexpr char kTools[] =
    "volume \"tools\" {\n type = \"host\"\n source = \"tools\"\n}\n"
    "volume \"more\" {\n type = \"host\"\n source = \"more-tools\"\n}\n";

struct PageCase {
  const char* name;
  const char* quote;
  std::string file;
  int code;
  // Both POSIX regular expressions over all of it; `err` only has to be found.
  std::string out;
  std::string err = "";
  std::string policy = kDefaultPolicy;
  // "explain" where the sentence is about what is tried in turn.
  std::string verb = "run";
};

void PrintTo(const PageCase& page_case, std::ostream* os) { *os << page_case.quote; }

std::vector<PageCase> Command() {
  return {
      {"ParticularCommand", "execute a particular command for a task",
       TaskFile("command = \"/bin/echo\"\nargs = [\"ran\"]"), 0, "ran\n"},
      {"IsolationPrimitives",
       "uses the underlying isolation primitives of the operating system to limit the task's "
       "access to resources",
       ScriptFile("test $$ -lt 20 && test ! -e /root && test ! -e /home && ! touch /usr/x 2>&- && "
                  "echo fenced"),
       0, "fenced\n"},
      {"ScriptsAndWrappers",
       "since the exec driver can invoke any command, it can be used to call scripts or other "
       "wrappers",
       TaskFile("command = \"/usr/bin/env\"\nargs = [\"/opt/tools/tool\", \"wrapped\"]",
                kMountTools, kTools),
       0, "/opt/tools/tool wrapped\n"},
      {"TaskBlockOfTheConfiguration",
       "task \"webservice\" { driver = \"exec\" config { command = \"my-binary\" args = "
       "[\"-flag\", "
       "\"1\"] } }",
       "task \"webservice\" {\ndriver = \"exec\"\nconfig {\ncommand = \"my-binary\"\nargs = "
       "[\"-flag\", \"1\"]\n}\n}\n",
       125, "", "my-binary.*no such file or directory"},
      {"CommandMustBeProvided", "command - The command to execute. Must be provided.",
       TaskFile("args = [\"x\"]"), 2, "", "\"command\" is required"},
      {"AbsoluteWithinTheChroot",
       "If executing a binary that exists on the host, the path must be absolute and within the "
       "task's chroot",
       TaskFile("command = \"/bin/true\""), 0, ""},
      {"NotWithinTheChroot",
       "the path must be absolute and within the task's chroot (a file of the host beside it)",
       TaskFile("command = \"/proc/1/root/etc/../sbin/nothing-there\""), 125, "", "EXEC"},
      {"OrInAHostVolume", "or in a host volume mounted with a volume_mount block",
       TaskFile("command = \"/opt/tools/tool\"\nargs = [\"a\", \"b\"]", kMountTools, kTools), 0,
       "/opt/tools/tool a b\n"},
      {"MadeExecutable", "The driver will make the binary executable",
       TaskFile("command = \"mine\""), 0,
       "(.|\n)*made executable if it is a file of the task's "
       "own(.|\n)*",
       "", kDefaultPolicy, "explain"},
      {"SearchedInOrder",
       "and will search, in order: the local directory with the task directory; the task "
       "directory; any mounts, in the order listed in the job specification; the usr/local/bin, "
       "usr/bin and bin directories inside the task directory",
       TaskFile("command = \"mine\"", absl::StrCat(kMountMoreTools, kMountTools), kTools), 0,
       "(.|\n)*/local/mine, then /mine, then /opt/more/mine, then /opt/tools/mine, then "
       "/usr/local/bin/mine, then /usr/bin/mine, then /bin/mine(.|\n)*",
       "", kDefaultPolicy, "explain"},
      {"FirstMountWins", "Any mounts, in the order listed in the job specification.",
       TaskFile("command = \"tool\"", absl::StrCat(kMountMoreTools, kMountTools), kTools), 0,
       "/opt/more/tool ?\n"},
      {"SystemDirectories",
       "The usr/local/bin, usr/bin and bin directories inside the task directory.",
       TaskFile("command = \"echo\"\nargs = [\"found\"]"), 0, "found\n"},
      {"ArtifactsPathIsRelative",
       "If executing a binary that is downloaded from an artifact, the path can be relative from "
       "the allocation's root directory",
       TaskFile("command = \"local/echo\"\nargs = [\"came\"]",
                "artifact {\n source = \"/usr/bin/echo\"\n}"),
       0, "came\n", "ready /usr/bin/echo", kFileSources},
  };
}

std::vector<PageCase> ArgumentsAndModes() {
  return {
      {"Args", "args - (Optional) A list of arguments to the command.",
       TaskFile("command = \"/bin/echo\"\nargs = [\"a b\", \"$HOME\", \"*\"]"), 0,
       "a b \\$HOME \\*\n"},
      {"ArgsAreOptional", "args - (Optional)", TaskFile("command = \"/bin/echo\""), 0, "\n"},
      {"ArgsInterpretVariables",
       "References to environment variables or any interpretable Nomad variables will be "
       "interpreted before launching the task.",
       TaskFile("command = \"/bin/echo\"\nargs = [\"${MINE}\", \"${env[\"MINE\"]}\", "
                "\"${NOMAD_TASK_DIR}\", \"${attr.kernel.name}\", \"${node.datacenter}\"]",
                "env {\n MINE = \"own\"\n}"),
       0, "own own /local linux dc1\n"},
      {"UnknownVariables", "interpretable Nomad variables (others are errors, at their place)",
       TaskFile("command = \"/bin/echo\"\nargs = [\"a\",\n\"${attr.kernel.nmae}\"]"), 2, "",
       "line 6, column 1:(.|\n)*attr.kernel.nmae(.|\n)*did you mean 'attr.kernel.name'"},
      {"PidModePrivate",
       "pid_mode - Set to \"private\" to enable PID namespace isolation for this task",
       ScriptFile("test $$ -lt 20 && ls -d /proc/[0-9]* | wc -l", "pid_mode = \"private\""), 0,
       "[1-5]\n"},
      {"PidModeHost", "or \"host\" to disable isolation",
       ScriptFile("test $$ -gt 20 && test -d /proc/$PPID && echo seen", "pid_mode = \"host\""), 0,
       "seen\n", "", kAllAllowed},
      {"PidModeUnset", "If left unset, the behavior is determined from the default_pid_mode",
       ScriptFile("readlink /proc/1/exe; test $$ -gt 20 && echo host"), 0, "host\n", "",
       kHostModes},
      {"PidModeUnsetPrivate", "determined from the default_pid_mode in plugin configuration",
       ScriptFile("test $$ -lt 20 && echo private"), 0, "private\n"},
      {"PidModeHostIsAllowedByTheNode",
       "Warning: If set to \"host\", other processes running as the same user will be able to "
       "access sensitive process information (so the node must allow it)",
       ScriptFile("echo never", "pid_mode = \"host\""), 125, "", "pid_mode"},
      {"PidModeOther", "\"private\" ... or \"host\"",
       ScriptFile("echo never", "pid_mode = \"shared\""), 2, "",
       "must be \"private\" or \"host\"|Must be \"private\" or \"host\""},
      {"IpcModePrivate", "ipc_mode - Set to \"private\" to enable IPC namespace isolation",
       ScriptFile("test -z \\\"$(tail -n +2 /proc/sysvipc/shm)\\\" && echo private",
                  "ipc_mode = \"private\""),
       0, "private\n"},
      {"IpcModeHost", "or \"host\" to disable isolation (of IPC)",
       ScriptFile("readlink /proc/self/ns/ipc", "ipc_mode = \"host\""), 0, "ipc:\\[[0-9]+\\]\n", "",
       kAllAllowed},
      {"IpcModeUnset", "If left unset, the behavior is determined from the default_ipc_mode",
       ScriptFile("readlink /proc/self/ns/ipc"), 0, "ipc:\\[[0-9]+\\]\n", "", kHostModes},
      {"IpcModeHostIsAllowedByTheNode",
       "Warning: If set to \"host\", other processes running as the same user will be able to make "
       "use of IPC features (so the node must allow it)",
       ScriptFile("echo never", "ipc_mode = \"host\""), 125, "", "ipc_mode"},
  };
}

std::vector<PageCase> CapabilitiesAndDirectory() {
  return {
      {"CapAdd", "cap_add - (Optional) A list of Linux capabilities to enable for the task.",
       ScriptFile("grep CapEff /proc/self/status", "cap_add = [\"chown\", \"CAP_KILL\"]"), 0,
       "CapEff:\t0000000000000021\n"},
      {"CapAddIsASubsetOfTheAllowed",
       "Effective capabilities (computed from cap_add and cap_drop) must be a subset of the "
       "allowed "
       "capabilities configured with allow_caps.",
       ScriptFile("echo never", "cap_add = [\"net_admin\", \"sys_time\"]"), 125, "",
       "net_admin, sys_time"},
      {"CapAddAll",
       "Note that \"all\" is not permitted here if the allow_caps field in the driver "
       "configuration "
       "doesn't also allow all capabilities.",
       ScriptFile("echo never", "cap_add = [\"all\"]"), 125, "", "sys_admin"},
      {"CapAddOfThePage", "config { cap_add = [\"net_raw\", \"sys_time\"] }",
       ScriptFile("grep CapEff /proc/self/status", "cap_add = [\"net_raw\", \"sys_time\"]"), 0,
       "CapEff:\t0000000002002000\n", "", kAllAllowed},
      {"CapDrop", "cap_drop - (Optional) A list of Linux capabilities to disable for the task.",
       ScriptFile("grep CapBnd /proc/self/status", "cap_drop = [\"chown\"]"), 0,
       "CapBnd:\t00000000a80405fa\n|CapBnd:\t[0-9a-f]*a\n"},
      {"CapDropOfThePage",
       "config { cap_drop = [\"all\"] cap_add = [\"chown\", \"sys_chroot\", \"mknod\"] }",
       ScriptFile("grep -E 'Cap(Eff|Bnd)' /proc/self/status",
                  "cap_drop = [\"all\"]\ncap_add = [\"chown\", \"sys_chroot\", \"mknod\"]"),
       0, "CapEff:\t0000000008040001\nCapBnd:\t0000000008040001\n|CapBnd:(.|\n)*"},
      {"WorkDir", "work_dir - (Optional) Sets a custom working directory for the task.",
       ScriptFile("pwd", "work_dir = \"/usr/bin\""), 0, "/usr/bin\n"},
      {"WorkDirIsAbsolute", "This path must be absolute",
       ScriptFile("pwd", "work_dir = \"usr/bin\""), 2, "",
       "line 6, column (.|\n)*[Mm]ust be absolute but got relative path 'usr/bin'"},
      {"WorkDirWithinTheChroot", "and within the task's chroot",
       ScriptFile("pwd", "work_dir = \"/root/nothing\""), 125, "", "/root/nothing"},
      {"WorkDirInAVolume", "or in a host volume mounted with a volume_mount block",
       ScriptFile("pwd", "work_dir = \"/opt/tools\"", kMountTools, kTools), 0, "/opt/tools\n"},
  };
}

std::vector<PageCase> Examples() {
  return {
      {"FirstExample", "To run a binary present on the Node",
       "task \"example\" {\ndriver = \"exec\"\nconfig {\n# When running a binary that exists on "
       "the "
       "host, the path must be absolute.\ncommand = \"/bin/sleep\"\nargs = [\"1\"]\n}\n}\n",
       0, ""},
      {"SecondExample", "To execute a binary downloaded from an artifact",
       "task \"example\" {\ndriver = \"exec\"\nconfig {\ncommand = \"name-of-my-binary\"\n}\n"
       "artifact {\nsource = \"https://internal.file.server/name-of-my-binary\"\noptions {\n"
       "checksum = \"sha256:abd123445ds4555555555\"\n}\n}\n}\n",
       2, "", "line 9, column 12(.|\n)*21 characters(.|\n)*64 hexadecimal digits"},
  };
}

class Page : public ConformanceTest, public testing::WithParamInterface<PageCase> {};

TEST_P(Page, IsTrueOfTheSentence) {
  const PageCase& page_case = GetParam();
  SCOPED_TRACE(page_case.quote);
  const Said said = Cloister(page_case.verb, page_case.file, page_case.policy);
  EXPECT_EQ(said.code, page_case.code) << said.err;
  EXPECT_THAT(said.out, MatchesRegex(page_case.out)) << said.err;
  EXPECT_THAT(said.err, testing::ContainsRegex(page_case.err));
}

// "Note that "all" is not permitted here if the allow_caps field in the driver configuration
// doesn't also allow all capabilities." Here it does, and the task gets what this machine has to
// give.
TEST_F(ConformanceTest, AllIsPermittedWhereAllIsAllowed) {
  const Said said =
      Run(ScriptFile("grep CapEff /proc/self/status", "cap_add = [\"all\"]"), kAllAllowed);
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(said.out, absl::StrFormat("CapEff:\t%016x\n", NodeCapabilities()));
}

std::string NameOf(const testing::TestParamInfo<PageCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Command, Page, testing::ValuesIn(Command()), NameOf);
INSTANTIATE_TEST_SUITE_P(ArgumentsAndModes, Page, testing::ValuesIn(ArgumentsAndModes()), NameOf);
INSTANTIATE_TEST_SUITE_P(CapabilitiesAndDirectory, Page,
                         testing::ValuesIn(CapabilitiesAndDirectory()), NameOf);
INSTANTIATE_TEST_SUITE_P(Examples, Page, testing::ValuesIn(Examples()), NameOf);

}  // namespace
}  // namespace cloister
