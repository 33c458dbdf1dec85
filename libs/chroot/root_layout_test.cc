#include "libs/chroot/root_layout.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"

namespace cloister::chroot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = node::HostPath::Kind;

RootEntry Directory(const std::string& path, const std::string& inside = "") {
  return {{path, Kind::kDirectory, false, path}, inside.empty() ? path : inside};
}
RootEntry File(const std::string& path, const std::string& inside = "") {
  return {{path, Kind::kFile, false, path}, inside.empty() ? path : inside};
}
RootEntry Link(const std::string& path, const std::string& resolved, Kind kind = Kind::kDirectory,
               const std::string& inside = "") {
  return {{path, kind, true, resolved}, inside.empty() ? path : inside};
}
RootEntry Missing(const std::string& path) { return {{path}, path}; }

// One line for each thing that is made, in order.
std::vector<std::string> Lines(const internal::RootTemplate& root) {
  std::vector<std::string> lines;
  for (const auto& directory : root.directories()) {
    EXPECT_EQ(directory.mode(), 0755u);
    bool reserved = false;
    for (absl::string_view path : ReservedDirectories()) reserved |= path == directory.inside();
    if (!reserved) lines.push_back(absl::StrCat("dir ", directory.inside()));
  }
  for (const auto& link : root.links()) {
    lines.push_back(absl::StrCat("link ", link.inside(), " -> ", link.target()));
  }
  for (const auto& bind : root.binds()) {
    lines.push_back(
        absl::StrCat(bind.file() ? "file " : "bind ", bind.outside(), " on ", bind.inside()));
  }
  return lines;
}

std::vector<std::string> Make(std::vector<RootEntry> entries) {
  const auto root = MakeRootTemplate({std::move(entries), {}, {}});
  EXPECT_THAT(root, IsOk());
  return root.ok() ? Lines(*root) : std::vector<std::string>{"refused"};
}

absl::Status Refusal(std::vector<RootEntry> entries) {
  return MakeRootTemplate({std::move(entries), {}, {}}).status();
}

TEST(RootLayout, AlwaysHasTheMountPoints) {
  const auto root = MakeRootTemplate({});
  ASSERT_THAT(root, IsOk());
  std::vector<std::string> paths;
  for (const auto& directory : root->directories()) paths.push_back(directory.inside());
  EXPECT_THAT(paths, ElementsAre("/alloc", "/dev", "/local", "/proc", "/secrets", "/sys", "/tmp"));
  EXPECT_THAT(root->binds(), IsEmpty());
}

TEST(RootLayout, OnAMergedUsrNodeTheLinksAreLinks) {
  EXPECT_THAT(Make({Link("/bin", "/usr/bin"), Directory("/etc"), Link("/lib", "/usr/lib"),
                    Missing("/lib32"), Link("/lib64", "/usr/lib64"), Missing("/run/resolvconf"),
                    Link("/sbin", "/usr/sbin"), Directory("/usr")}),
              ElementsAre("dir /etc", "dir /usr", "link /bin -> usr/bin", "link /lib -> usr/lib",
                          "link /lib64 -> usr/lib64", "link /sbin -> usr/sbin", "bind /etc on /etc",
                          "bind /usr on /usr"));
}

TEST(RootLayout, OnANodeWithSeparateDirectoriesEachIsBound) {
  EXPECT_THAT(Make({Directory("/bin"), Directory("/usr"), Directory("/lib")}),
              ElementsAre("dir /bin", "dir /lib", "dir /usr", "bind /bin on /bin",
                          "bind /lib on /lib", "bind /usr on /usr"));
}

TEST(RootLayout, ParentsComeFirst) {
  EXPECT_THAT(Make({Directory("/run/systemd/resolve"), Directory("/run/resolvconf")}),
              ElementsAre("dir /run", "dir /run/resolvconf", "dir /run/systemd",
                          "dir /run/systemd/resolve", "bind /run/resolvconf on /run/resolvconf",
                          "bind /run/systemd/resolve on /run/systemd/resolve"));
}

TEST(RootLayout, AFileHasParentsAndNoDirectoryOfItsOwn) {
  EXPECT_THAT(Make({File("/opt/tool", "/opt/bin/tool")}),
              ElementsAre("dir /opt", "dir /opt/bin", "file /opt/tool on /opt/bin/tool"));
}

TEST(RootLayout, ALinkToWhatNoEntryShowsIsBoundInItsPlace) {
  EXPECT_THAT(
      Make({Link("/lib64", "/opt/lib64"), Directory("/usr")}),
      ElementsAre("dir /lib64", "dir /usr", "bind /opt/lib64 on /lib64", "bind /usr on /usr"));
  EXPECT_THAT(Make({Link("/motd", "/var/motd", Kind::kFile)}),
              ElementsAre("file /var/motd on /motd"));
}

TEST(RootLayout, ALinkFollowsItsTargetToWhereItIsInside) {
  EXPECT_THAT(Make({Directory("/srv/root/usr", "/usr"),
                    Link("/srv/root/bin", "/srv/root/usr/bin", Kind::kDirectory, "/bin"),
                    Link("/srv/x", "/srv/root/usr", Kind::kDirectory, "/opt/a/x")}),
              ElementsAre("dir /opt", "dir /opt/a", "dir /usr", "link /bin -> usr/bin",
                          "link /opt/a/x -> ../../usr", "bind /srv/root/usr on /usr"));
}

TEST(RootLayout, WhatIsBoundIsWhatTheLinksLeadTo) {
  RootEntry entry = Directory("/data/current/lib", "/opt/lib");
  entry.source.resolved = "/data/v7/lib";
  EXPECT_THAT(Make({entry}),
              ElementsAre("dir /opt", "dir /opt/lib", "bind /data/v7/lib on /opt/lib"));
}

TEST(RootLayout, AnEntryThatIsShownAnywayIsLeftOut) {
  EXPECT_THAT(Make({Directory("/usr"), Directory("/usr/lib"), Directory("/usr"),
                    Link("/usr/lib64", "/usr/lib")}),
              ElementsAre("dir /usr", "bind /usr on /usr"));
}

TEST(RootLayout, AnEntryWithinAnotherIsRefused) {
  EXPECT_THAT(Refusal({Directory("/usr"), Directory("/srv/x", "/usr/x")}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "chroot entry '/srv/x' at '/usr/x': lies in the entry at '/usr', where "
                       "nothing can be made"));
  EXPECT_THAT(Refusal({Directory("/usr"), Directory("/srv/usr", "/usr")}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      Refusal({Directory("/usr"), Link("/bin", "/usr/bin"),
               Link("/x", "/usr/x", Kind::kDirectory, "/bin")}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another entry has this place")));
  EXPECT_THAT(Refusal({Directory("/usr"), Link("/bin", "/usr/bin"),
                       Link("/x", "/usr/x", Kind::kDirectory, "/bin/x")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'/bin' is a link")));
  EXPECT_THAT(Refusal({Directory("/usr"), Directory("/srv/x", "/bin/x"), Link("/bin", "/usr/bin")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'/bin/x' lies in it")));
}

TEST(RootLayout, OurOwnPlacesCannotBeTaken) {
  for (const char* inside : {"/", "/dev", "/dev/x", "/proc", "/sys/fs", "/tmp/x", "/local",
                             "/secrets/x", "/alloc", "relative", "/a/", "/a/../dev", ""}) {
    RootEntry entry = Directory("/srv/x");
    entry.inside = inside;
    EXPECT_THAT(Refusal({entry}), StatusIs(absl::StatusCode::kInvalidArgument)) << inside;
  }
  EXPECT_THAT(Make({Directory("/srv/x", "/device")}),
              ElementsAre("dir /device", "bind /srv/x on /device"));
}

TEST(RootLayout, ADeviceOrSocketIsRefused) {
  RootEntry entry = File("/run/docker.sock");
  entry.source.kind = Kind::kOther;
  EXPECT_THAT(Refusal({entry}), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("neither a file nor a directory")));
}

TEST(RootLayout, OurDirectoriesAreNotShown) {
  const std::vector<std::string> ours = {"/var/lib/cloister"};
  for (const char* path :
       {"/", "/var", "/var/lib", "/var/lib/cloister", "/var/lib/cloister/tasks"}) {
    EXPECT_THAT(MakeRootTemplate({{Directory(path, "/x")}, {}, ours}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("would show '/var/lib/cloister' to tasks")))
        << path;
  }
  EXPECT_THAT(MakeRootTemplate({{Link("/innocent", "/var/lib")}, {}, ours}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MakeRootTemplate({{Directory("/var/lib/cloister2", "/x")}, {}, ours}), IsOk());
}

TEST(RootLayout, SysMasksAreTakenOver) {
  const auto root = MakeRootTemplate({{}, {"/sys/firmware"}, {}});
  ASSERT_THAT(root, IsOk());
  EXPECT_THAT(root->masked_sys_directories(), ElementsAre("/sys/firmware"));
}

TEST(RootLayout, TheOrderOfTheEntriesDoesNotMatter) {
  std::vector<RootEntry> entries = {Directory("/usr"), Link("/bin", "/usr/bin"), Directory("/etc"),
                                    Link("/lib", "/usr/lib"), Directory("/run/resolvconf")};
  const std::string first = MakeRootTemplate({entries, {}, {}})->SerializeAsString();
  std::reverse(entries.begin(), entries.end());
  EXPECT_EQ(MakeRootTemplate({entries, {}, {}})->SerializeAsString(), first);
}

TEST(AddMountPoint, ComesWithItsParentsInOrder) {
  internal::RootTemplate root;
  root.add_directories()->set_inside("/usr");
  root.mutable_directories(0)->set_mode(0700);
  EXPECT_THAT(AddMountPoint("/srv/a/b", &root), IsOk());
  EXPECT_THAT(AddMountPoint("/srv/a/c", &root), IsOk());
  std::vector<std::string> all;
  for (const auto& directory : root.directories()) all.push_back(directory.inside());
  EXPECT_THAT(all, ::testing::ElementsAre("/srv", "/srv/a", "/srv/a/b", "/srv/a/c", "/usr"));
  EXPECT_EQ(root.directories(4).mode(), 0700u);
}

TEST(AddMountPoint, HasNoRoomInWhatTheRootIsMadeOf) {
  internal::RootTemplate root;
  root.add_binds()->set_inside("/usr");
  root.add_links()->set_inside("/bin");
  for (const char* path : {"/usr", "/usr/x", "/bin", "/bin/x"}) {
    EXPECT_THAT(AddMountPoint(path, &root), StatusIs(absl::StatusCode::kInvalidArgument)) << path;
  }
  root.add_binds()->set_inside("/opt/tools/bin");
  EXPECT_THAT(AddMountPoint("/opt", &root), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(root.directories_size(), 0);
  EXPECT_THAT(AddMountPoint("/opt/tools/lib", &root), IsOk());
}

}  // namespace
}  // namespace cloister::chroot
