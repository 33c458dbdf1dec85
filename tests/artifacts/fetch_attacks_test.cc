// What hostile servers, archives and names try with a node that fetches for tasks, through the
// whole of Cloister. The oracles: canaries on the host, and a server on every address of the test's
// network that says where it was connected to.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/artifact/testing/archive_builder.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/error_reason.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"
#include "tests/artifacts/artifact_fixture.h"
#include "tests/artifacts/test_network.h"
#include "tests/attack/canaries.h"
#include "tests/fetcher/loopback_servers.h"

namespace cloister {
namespace {

using artifact::ArchiveBuilder;
using artifact::ArchiveFormat;
using artifact::RunProgram;
using artifact::ScriptedServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string Answer(absl::string_view status, absl::string_view headers, absl::string_view body) {
  return absl::StrCat("HTTP/1.1 ", status, "\r\n", headers, "Content-Length: ", body.size(),
                      "\r\nConnection: close\r\n\r\n", body);
}

std::string RedirectTo(absl::string_view url) {
  return Answer("302 Found", absl::StrCat("Location: ", url, "\r\n"), "");
}

// On one port of every address there is; answers each connection by the address it came to.
class ServerEverywhere {
 public:
  using Script = std::function<std::string(const std::string& address, uint16_t port)>;

  explicit ServerEverywhere(Script script)
      : script_(std::move(script)), listener_(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 place = {};
    place.sin6_family = AF_INET6;
    socklen_t size = sizeof(place);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&place), size), 0);
    EXPECT_EQ(listen(listener_.get(), 64), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&place), &size), 0);
    port_ = ntohs(place.sin6_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ServerEverywhere() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  uint16_t port() const { return port_; }
  // Where it was connected to.
  std::multiset<std::string> addresses() const {
    absl::MutexLock lock(&mutex_);
    return addresses_;
  }

 private:
  void Serve() {
    for (;;) {
      const OwnedFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection.valid()) return;
      sockaddr_in6 local = {};
      socklen_t size = sizeof(local);
      getsockname(connection.get(), reinterpret_cast<sockaddr*>(&local), &size);
      char text[INET6_ADDRSTRLEN] = "";
      inet_ntop(AF_INET6, &local.sin6_addr, text, sizeof(text));
      std::string address = text;
      if (absl::StartsWith(address, "::ffff:")) address = address.substr(7);
      {
        absl::MutexLock lock(&mutex_);
        addresses_.insert(address);
      }
      char request[4096];
      if (recv(connection.get(), request, sizeof(request), 0) <= 0) continue;
      artifact::SendAll(connection.get(), script_(address, port_));
    }
  }

  const Script script_;
  OwnedFd listener_;
  uint16_t port_ = 0;
  mutable absl::Mutex mutex_;
  std::multiset<std::string> addresses_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

class FetchAttackTest : public ArtifactTest {
 protected:
  void SetUp() override {
    ArtifactTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    www().MakeDirectory("canaries");
    const std::string payload = getenv("CLOISTER_TEST_PAYLOAD");
    auto canaries =
        Canaries::Plant(www().path() + "/canaries",
                        absl::StrCat(payload.substr(0, payload.rfind('/') + 1), "attack"));
    ASSERT_THAT(canaries, IsOk());
    canaries_ = *std::move(canaries);
  }
  void TearDown() override {
    if (canaries_ != nullptr) {
      for (const std::string& injury : canaries_->Injuries()) ADD_FAILURE() << injury;
      EXPECT_THAT(cluster().client().ListTasks({}), IsOk());
      EXPECT_THAT(cluster().executor_client(1).ListTasks({}), IsOk());
    }
    ArtifactTest::TearDown();
  }

  // Why a task with that artifact does not start.
  std::string Refused(const std::string& source, const std::string& checksum = "") {
    v1::StartTaskRequest request = Shell("true");
    Add(&request, source, checksum);
    const absl::StatusOr<TaskOutcome> outcome = cluster().Run(request);
    EXPECT_FALSE(outcome.ok()) << source;
    if (outcome.ok()) return "it started";
    EXPECT_EQ(GetReason(outcome.status()), "ARTIFACT_FAILED") << outcome.status();
    EXPECT_THAT(Unfinished(), IsEmpty());
    const auto kept = cluster().client().ListArtifacts({});
    EXPECT_THAT(kept, IsOk());
    EXPECT_EQ(kept.ok() ? kept->artifacts_size() : 0, 0) << source;
    return std::string(outcome.status().message());
  }
  // Serves it as www()/name.
  void Publish(const std::string& name, ArchiveBuilder& archive) {
    www().Write(name, artifact::Bytes(archive.Build().get()));
  }
  Canaries& canaries() { return *canaries_; }

 private:
  std::unique_ptr<Canaries> canaries_;
};

TEST_F(FetchAttackTest, RedirectFile) {
  const std::string file = canaries().secret_file();
  for (const std::string& target :
       {absl::StrCat("file://", file), absl::StrCat("FILE://localhost", file),
        absl::StrCat("git::file://", file), absl::StrCat("ftp://x", file),
        absl::StrCat("gopher://127.0.0.1:1/", file), std::string("s3::https://127.0.0.1/b/k")}) {
    const ScriptedServer hostile(RedirectTo(target));
    EXPECT_THAT(Refused(hostile.Url("/a")), Not(HasSubstr(canaries().secret()))) << target;
  }
  const ScriptedServer header(Answer(
      "200 OK", absl::StrCat("X-Terraform-Get: ", file, "\r\nX-Cloister-Get: ", file, "\r\n"),
      "plain"));
  v1::StartTaskRequest request = Shell("cat /local/*");
  Add(&request, header.Url("/a"));
  EXPECT_EQ(OutputOf(request), "plain");
}

TEST_F(FetchAttackTest, RedirectMetadata) {
  const ServerEverywhere metadata(
      [](const std::string&, uint16_t) { return Answer("200 OK", "", "credentials"); });
  for (const char* host :
       {"169.254.169.254", "metadata.test", "2852039166", "0xa9fea9fe", "169.254.43518",
        "0251.0376.0251.0376", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]", "user@169.254.169.254", "169.254.169.254."}) {
    const std::string url = absl::StrCat("http://", host, ":", metadata.port(), "/latest/");
    const ScriptedServer hostile(RedirectTo(url));
    EXPECT_THAT(Refused(hostile.Url("/a")), Not(HasSubstr("credentials"))) << host;
  }
  for (const char* host : {"169.254.169.254", "metadata.test", "[::ffff:169.254.169.254]"}) {
    v1::StartTaskRequest direct = Shell("true");
    Add(&direct, absl::StrCat("http://", host, ":", metadata.port(), "/latest/"));
    EXPECT_FALSE(cluster().Run(direct).ok()) << host;
  }
  EXPECT_THAT(metadata.addresses(), IsEmpty());
}

TEST_F(FetchAttackTest, RedirectsWithoutEndHaveOne) {
  std::atomic<int> hops{0};
  ScriptedServer* self = nullptr;
  ScriptedServer endless([&](int fd, const std::string&) {
    artifact::SendAll(fd, RedirectTo(self->Url(absl::StrCat("/", ++hops))));
  });
  self = &endless;
  EXPECT_THAT(Refused(endless.Url("/")), HasSubstr("redirect"));
  EXPECT_LE(hops, 11);
}

// Sends a byte a second, so that `read_timeout` never comes, until whoever fetches has gone.
void Trickle(int fd) {
  artifact::SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
  pollfd gone = {fd, POLLRDHUP, 0};
  while (poll(&gone, 1, 1000) == 0 && artifact::SendAll(fd, "x")) {
  }
}

class TrickleTest : public FetchAttackTest {
 protected:
  std::string Policy() override { return "  attempts = 1\n  read_timeout = \"3s\"\n"; }
};

TEST_F(TrickleTest, AByteASecondIsEndedByTheFetchesTime) {
  const ScriptedServer slow([](int fd, const std::string&) { Trickle(fd); });
  v1::StartTaskRequest request = Shell("true");
  (*Add(&request, slow.Url("/slow"))->mutable_options())["timeout"] = "5s";
  const absl::Status ended = cluster().Run(request).status();
  EXPECT_EQ(GetReason(ended), "ARTIFACT_FAILED");
  EXPECT_THAT(ended.message(), HasSubstr("limit total"));
  EXPECT_THAT(Unfinished(), IsEmpty());
}

TEST_F(TrickleTest, AByteASecondHoldsUpNobodyElse) {
  const ScriptedServer slow([](int fd, const std::string&) { Trickle(fd); });
  v1::StartTaskRequest held = Shell("true");
  Add(&held, slow.Url("/slow"));
  held.set_wait(v1::StartTaskRequest::WAIT_ACCEPTED);
  const absl::StatusOr<v1::Task> task = cluster().client().StartTask(held);
  ASSERT_THAT(task, IsOk());
  www().Write("quick", "quick\n");
  for (int i = 0; i < 5; ++i) {
    v1::StartTaskRequest quick = Shell("cat /local/quick");
    Add(&quick, server().Url("/quick"))->set_cache("off");
    EXPECT_EQ(OutputOf(quick), "quick\n");
  }
  const absl::StatusOr<v1::Task> still = cluster().client().GetTask(task->id());
  ASSERT_THAT(still, IsOk());
  EXPECT_EQ(still->state(), v1::TASK_STATE_PENDING);
  EXPECT_THAT(cluster().Destroy(task->id()), IsOk());
}

// A node whose own addresses are no place to fetch from.
class RebindTest : public FetchAttackTest {
 protected:
  std::string Policy() override {
    return "  attempts = 3\n  denied_networks = [\"127.0.0.0/8\", \"::1/128\"]\n";
  }
};

TEST_F(RebindTest, DnsRebind) {
  for (const std::string target : {"127.0.0.1", kMetadata}) {
    std::atomic<int> asked{0};
    const NameServer names(kNameServer, [&](const std::string& name) -> std::string {
      if (name != "rebind.test") return "";
      return asked++ == 0 ? kPublic : target;
    });
    // The first connection is where it may be; the second, of the hop, by the name's new address.
    const ServerEverywhere server([](const std::string& address, uint16_t port) {
      if (address != kPublic) return Answer("200 OK", "", "inside");
      return RedirectTo(absl::StrCat("http://rebind.test:", port, "/b"));
    });
    EXPECT_THAT(Refused(absl::StrCat("http://rebind.test:", server.port(), "/a")),
                HasSubstr(target));
    EXPECT_THAT(server.addresses(), ElementsAre(kPublic));
    EXPECT_GE(asked, 2);
  }
}

TEST_F(RebindTest, DnsRebindBetweenTwoTries) {
  std::atomic<int> asked{0};
  const NameServer names(kNameServer, [&](const std::string&) -> std::string {
    return asked++ == 0 ? kPublic : "127.0.0.1";
  });
  const ServerEverywhere server([](const std::string& address, uint16_t) {
    return address == kPublic ? Answer("503 Later", "", "") : Answer("200 OK", "", "inside");
  });
  Refused(absl::StrCat("http://rebind.test:", server.port(), "/a"));
  EXPECT_THAT(server.addresses(), ElementsAre(kPublic));
  EXPECT_GE(asked, 2);
}

// Small on the wire: one compressed piece, many times. All are what their formats allow.
class BombTest : public FetchAttackTest {
 protected:
  std::string Policy() override { return "  attempts = 1\n  max_unpacked_size = 256\n"; }
  // www()/name: `times` times what the command writes.
  void Repeat(const std::string& name, const std::string& command, int times) {
    const std::string file = absl::StrCat(www().path(), "/", name);
    ASSERT_THAT(
        RunProgram({"/bin/sh", "-ec",
                    absl::StrCat("cd ", www().path(), "; ", command, " >piece; yes piece | ",
                                 "head -n ", times, " | xargs cat >", file)},
                   {"PATH=/usr/bin:/bin"}),
        IsOk());
  }
};

TEST_F(BombTest, TenTerabytesOfZeros) {
  Repeat("zeros.bz2", "head -c 100000000 /dev/zero | bzip2", 100'000);
  EXPECT_THAT(Refused(server().Url("/zeros.bz2")), HasSubstr("limit ratio"));
  Repeat("zeros.gz", "head -c 100000000 /dev/zero | gzip -1", 50);
  EXPECT_THAT(Refused(server().Url("/zeros.gz")), HasSubstr("limit bytes"));
  Repeat("zeros.zst", "head -c 100000000 /dev/zero | zstd -q", 2'000);
  EXPECT_THAT(Refused(server().Url("/zeros.zst")), HasSubstr("limit ratio"));
}

TEST_F(BombTest, TenMillionEntries) {
  Repeat("many.tar.zst",
         "mkdir -p e; cd e; seq 10000 | xargs touch; cd ..; "
         "tar --sort=name -cf - -C e . | head -c 5120512 | tail -c 5120000 | zstd -q",
         1000);
  EXPECT_THAT(Refused(server().Url("/many.tar.zst")), HasSubstr("limit files"));
}

TEST_F(BombTest, ArchivesWithinArchivesStayFiles) {
  std::string inner =
      artifact::Bytes(ArchiveBuilder(ArchiveFormat::kZip).Zeros("zeros", 8 << 20).Build().get());
  for (int level = 0; level < 4; ++level) {
    ArchiveBuilder archive(ArchiveFormat::kZip);
    for (int copy = 0; copy < 16; ++copy) archive.File(absl::StrCat("lib ", copy, ".zip"), inner);
    inner = artifact::Bytes(archive.Build().get());
  }
  www().Write("42.zip", inner);
  v1::StartTaskRequest request = Shell("ls /local | wc -l; find /local -type f ! -name '*.zip'");
  (*Add(&request, server().Url("/42.zip"))->mutable_options())["checksum"] = Sum(inner);
  EXPECT_EQ(OutputOf(request), "16\n");
}

TEST_F(FetchAttackTest, TarLinkThenFile) {
  const std::string out = canaries().directory();
  const std::string file = canaries().file();
  ArchiveBuilder directory(ArchiveFormat::kTarGz);
  directory.Symlink("d", out).File("d/planted", "x");
  Publish("directory.tar.gz", directory);
  ArchiveBuilder over(ArchiveFormat::kTarGz);
  over.Symlink("f", file).File("f", "x");
  Publish("over.tar.gz", over);
  ArchiveBuilder hard(ArchiveFormat::kTarGz);
  hard.HardLink("h", file).File("h", "x");
  Publish("hard.tar.gz", hard);
  ArchiveBuilder chain(ArchiveFormat::kTarGz);
  chain.Directory("a").Symlink("a/up", "..").Symlink("b", "a/up/..").File("b/planted", "x");
  Publish("chain.tar.gz", chain);
  ArchiveBuilder inside(ArchiveFormat::kTarGz);
  inside.Directory("real").Symlink("link", "real").File("link/planted", "x");
  Publish("inside.tar.gz", inside);
  ArchiveBuilder dots(ArchiveFormat::kTarGz);
  dots.File(absl::StrCat("../../../../../../../../..", out, "/planted"), "x");
  Publish("dots.tar.gz", dots);
  ArchiveBuilder absolute(ArchiveFormat::kTarGz);
  absolute.File(absl::StrCat(out, "/planted"), "x");
  Publish("absolute.tar.gz", absolute);
  for (const char* name : {"directory", "over", "hard", "chain", "inside", "dots", "absolute"}) {
    Refused(server().Url(absl::StrCat("/", name, ".tar.gz")));
  }
}

TEST_F(FetchAttackTest, SubdirSymlink) {
  ArchiveBuilder out(ArchiveFormat::kTarGz);
  out.Directory("a").Symlink("a/sub", "/").File("a/f", "x");
  Publish("out.tar.gz", out);
  ArchiveBuilder inside(ArchiveFormat::kTarGz);
  inside.Directory("real").File("real/f", "x").Symlink("sub", "real");
  Publish("inside.tar.gz", inside);
  for (const char* part : {"a/sub/etc", "a/sub", "a/s*/etc", "a/sub/../../etc"}) {
    v1::StartTaskRequest request = Shell("ls /local");
    Add(&request, absl::StrCat(server().Url("/out.tar.gz"), "//", part));
    EXPECT_FALSE(cluster().Run(request).ok()) << part;
  }
  for (const char* part : {"sub", "s*", "sub/f", "real/../sub"}) {
    v1::StartTaskRequest request = Shell("ls /local");
    Add(&request, absl::StrCat(server().Url("/inside.tar.gz"), "//", part));
    EXPECT_FALSE(cluster().Run(request).ok()) << part;
  }
}

TEST_F(FetchAttackTest, WrongDigestSwap) {
  std::atomic<int> asked{0};
  const ScriptedServer swapping([&asked](int fd, const std::string&) {
    artifact::SendAll(fd, Answer("200 OK", "", asked++ == 0 ? "good" : "evil"));
  });
  v1::StartTaskRequest request = Shell("cat /local/a");
  Add(&request, swapping.Url("/a"), Sum("good"))->set_cache("off");
  EXPECT_EQ(OutputOf(request), "good");
  EXPECT_THAT(Refused(swapping.Url("/a"), Sum("good")), HasSubstr(Sum("evil").substr(7)));
  // The first half of the one, and what is asked for on is of the other.
  std::atomic<int> ranges{0};
  const ScriptedServer mixing([&ranges](int fd, const std::string& head) {
    if (absl::StrContains(head, "Range: bytes=4-")) {
      ++ranges;
      artifact::SendAll(fd, Answer("206 Partial Content",
                                   "ETag: \"v1\"\r\nContent-Range: bytes 4-7/8\r\n", "EVIL"));
    } else {
      artifact::SendAll(fd,
                        "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 8\r\n"
                        "Connection: close\r\n\r\ngood");
    }
  });
  EXPECT_THAT(Refused(mixing.Url("/a"), Sum("goodgood")), HasSubstr(Sum("goodEVIL").substr(7)));
  EXPECT_GE(ranges, 1);
}

}  // namespace
}  // namespace cloister

int main(int argc, char** argv) {
  if (!cloister::EnterTestNetwork("169.254.169.254 metadata.test\n")) {
    std::perror("a network of the test's own");
    return 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
