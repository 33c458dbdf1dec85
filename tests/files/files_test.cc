// A task's files through the API: live and ended, by frontend and executor; and what a hostile task
// does to those who look at them. What a joiner may do is seen from the node, where it shows.
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "libs/base/error_reason.h"
#include "libs/base/random_id.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/status_conversion.h"
#include "tests/testing/cloister_program.h"
#include "tests/testing/cluster_fixture.h"

namespace cloister {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string LinkOf(const std::string& path) {
  char target[4096];
  const ssize_t size = readlink(path.c_str(), target, sizeof(target));
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  DIR* open = opendir(directory.c_str());
  if (open == nullptr) return names;
  while (const dirent* entry = readdir(open)) names.emplace_back(entry->d_name);
  closedir(open);
  return names;
}

// Of this machine's processes, those of that name that are children of this cluster's launchers.
std::vector<std::string> Joiners() {
  std::vector<std::string> pids;
  for (const std::string& name : NamesIn("/proc")) {
    if (TextOf(absl::StrCat("/proc/", name, "/comm")) == "cloister-joiner\n") pids.push_back(name);
  }
  return pids;
}

class Files : public ClusterTest {
 protected:
  // Runs `script` and then waits for ever, once it has said "ready".
  std::string Start(const std::string& script, const std::string& node = "",
                    const v1::TaskConfig& like = {}) {
    v1::StartTaskRequest request;
    *request.mutable_config() = like;
    request.set_request_id(RandomId());
    request.set_node_id(node);
    auto* config = request.mutable_config()->mutable_config();
    config->set_command("/bin/sh");
    config->add_args("-c");
    config->add_args(absl::StrCat(script, "\necho ready\nexec sleep infinity"));
    absl::StatusOr<v1::Task> task = cluster().client().StartTask(request);
    EXPECT_THAT(task, IsOk());
    if (!task.ok()) return "";
    v1::ReadLogsRequest logs;
    logs.set_task_id(task->id());
    logs.set_stream(v1::LOG_STREAM_STDOUT);
    logs.set_follow(true);
    std::string seen;
    cluster()
        .client()
        .ReadLogs(logs,
                  [&](absl::string_view piece) {
                    absl::StrAppend(&seen, piece);
                    return absl::StrContains(seen, "ready\n") ? absl::CancelledError("seen")
                                                              : absl::OkStatus();
                  })
        .IgnoreError();
    EXPECT_THAT(seen, HasSubstr("ready\n"));
    return task->id();
  }

  void Stop(const std::string& id) {
    v1::StopTaskRequest request;
    request.set_request_id(RandomId());
    request.set_task_id(id);
    request.mutable_grace()->set_seconds(0);
    EXPECT_THAT(cluster().client().StopTask(request), IsOk());
    EXPECT_THAT(cluster().client().WaitTask(id), IsOk());
  }

  absl::StatusOr<std::string> Read(const std::string& id, const std::string& path,
                                   uint64_t offset = 0, uint64_t length = 0) {
    v1::ReadFileRequest request;
    request.set_task_id(id);
    request.set_path(path);
    request.set_offset(offset);
    request.set_length(length);
    std::string all;
    const absl::Status status = cluster().client().ReadFile(request, [&](absl::string_view piece) {
      absl::StrAppend(&all, piece);
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return all;
  }

  absl::Status Put(const std::string& id, const std::string& path, const std::string& text) {
    v1::PutFileRequest::Header header;
    header.set_task_id(id);
    header.set_path(path);
    bool given = false;
    return cluster()
        .client()
        .PutFile(header,
                 [&](std::string* piece) {
                   *piece = given ? "" : text;
                   given = true;
                   return absl::OkStatus();
                 })
        .status();
  }

  std::vector<v1::FileInfo> List(const std::string& id, const std::string& path) {
    std::vector<v1::FileInfo> all;
    v1::ListFilesRequest request;
    request.set_task_id(id);
    request.set_path(path);
    EXPECT_THAT(cluster().client().ListFiles(request,
                                             [&](const v1::ListFilesResponse& page) {
                                               EXPECT_LE(page.files_size(), 1000);
                                               all.insert(all.end(), page.files().begin(),
                                                          page.files().end());
                                               return absl::OkStatus();
                                             }),
                IsOk());
    return all;
  }

  std::set<std::string> NamesOf(const std::string& id, const std::string& path) {
    std::set<std::string> names;
    for (const v1::FileInfo& file : List(id, path)) names.insert(file.name());
    return names;
  }

  std::string ReasonOfRead(const std::string& id, const std::string& path) {
    return GetReason(Read(id, path).status());
  }

  // Joiners that are left after their callers have gone, once they had time to go: as long as other
  // calls take.
  void ExpectNoJoiner(const std::string& id) {
    for (int i = 0; i < 2000 && !Joiners().empty(); ++i) {
      EXPECT_THAT(cluster().client().GetTask(id), IsOk());
    }
    EXPECT_THAT(Joiners(), IsEmpty());
  }
};

TEST_F(Files, AreListedReadAndPutOnEachNodeWhileTheTaskRunsAndAfter) {
  for (const std::string node : {"node-1", "node-2"}) {
    const std::string id = Start("echo hello >/local/a; ln -s a /local/link; mkdir /local/d", node);
    EXPECT_THAT(NamesOf(id, "/local"), testing::ElementsAre("a", "d", "link"));
    EXPECT_THAT(NamesOf(id, "/"), testing::IsSupersetOf({"local", "etc", "proc", "usr"}));
    EXPECT_THAT(Read(id, "/local/link"), IsOkAndHolds("hello\n"));
    EXPECT_THAT(Read(id, "/local/a", 1, 3), IsOkAndHolds("ell"));
    EXPECT_THAT(Read(id, "/local/a", 100), IsOkAndHolds(""));
    const std::string big(3 << 20, 'x');
    EXPECT_THAT(Put(id, "/local/d/b", big.substr(0, 1 << 20)), IsOk());
    EXPECT_THAT(Put(id, "/secrets/s", "secret"), IsOk());
    EXPECT_THAT(Read(id, "/secrets/s"), IsOkAndHolds("secret"));
    EXPECT_EQ(ReasonOfRead(id, "/local/none"), "FILE_NOT_FOUND");
    Stop(id);
    EXPECT_THAT(NamesOf(id, "/"), testing::ElementsAre("alloc", "local", "tmp"));
    EXPECT_THAT(NamesOf(id, "/local"), testing::ElementsAre("a", "d", "link"));
    EXPECT_THAT(Read(id, "/local/link"), IsOkAndHolds("hello\n"));
    EXPECT_THAT(Read(id, "/local/d/b"), IsOkAndHolds(big.substr(0, 1 << 20)));
    EXPECT_THAT(Put(id, "/tmp/later", "later"), IsOk());
    EXPECT_THAT(Read(id, "/tmp/later"), IsOkAndHolds("later"));
    EXPECT_EQ(ReasonOfRead(id, "/secrets/s"), "FILE_NOT_FOUND");
    EXPECT_EQ(ReasonOfRead(id, "/etc/passwd"), "FILE_NOT_FOUND");
    EXPECT_EQ(GetReason(Put(id, "/secrets/s", "x")), "PATH_LEADS_OUT");
    EXPECT_THAT(cluster().Destroy(id), IsOk());
    EXPECT_EQ(ReasonOfRead(id, "/local/a"), "TASK_UNKNOWN");
  }
  EXPECT_THAT(Joiners(), IsEmpty());
}

TEST_F(Files, OfATaskWithIdsOfItsOwnAreSeenWithTheseIds) {
  v1::TaskConfig config;
  config.mutable_config()->set_userns("private");
  config.set_user("root");
  const std::string id = Start(
      "umask 077; echo a >/local/a; echo b >/local/b; chown 33:44 /local/b; chmod 600 /local/b", "",
      config);
  const auto owners = [&] {
    std::vector<std::string> all;
    for (const v1::FileInfo& file : List(id, "/local")) {
      all.push_back(absl::StrCat(file.name(), " ", file.uid(), ":", file.gid()));
    }
    return all;
  };
  const auto look = [&] {
    EXPECT_THAT(owners(), testing::UnorderedElementsAre("a 0:0", "b 33:44"));
    EXPECT_THAT(Read(id, "/local/a"), IsOkAndHolds("a\n"));
    // Whoever looks is the task's user, but without its rights.
    EXPECT_EQ(ReasonOfRead(id, "/local/b"), "FILE_NOT_ALLOWED");
    EXPECT_THAT(Put(id, "/tmp/c", "c"), IsOk());
    EXPECT_THAT(Read(id, "/tmp/c"), IsOkAndHolds("c"));
  };
  look();
  EXPECT_EQ(ReasonOfRead(id, "/etc/shadow"), "FILE_NOT_ALLOWED");
  Stop(id);
  look();
  EXPECT_THAT(cluster().Destroy(id), IsOk());
  EXPECT_THAT(Joiners(), IsEmpty());
}

TEST_F(Files, CommandLineListsPrintsAndCopies) {
  const std::string id = Start("printf 'one\\n' >/local/a; printf x >\"/local/$(printf '\\377')\"");
  const auto cloister = [&](const std::vector<std::string>& words) {
    absl::StatusOr<Said> said = RunCloister(words, cluster().address());
    EXPECT_THAT(said, IsOk());
    return said.ok() ? *said : Said();
  };
  EXPECT_THAT(cloister({"fs", "ls", id + ":/local"}).out, HasSubstr("  \\xff\n"));
  EXPECT_EQ(cloister({"fs", "cat", id + ":/local/a"}).out, "one\n");
  const absl::StatusOr<std::string> here = WriteTestFile("here", "two\n");
  ASSERT_THAT(here, IsOk());
  EXPECT_EQ(cloister({"fs", "cp", *here, id + ":/local/b"}).code, 0);
  EXPECT_EQ(cloister({"fs", "cp", id + ":/local/b", *here + ".back"}).code, 0);
  EXPECT_EQ(TextOf(*here + ".back"), "two\n");
  const Said refused = cloister({"fs", "cp", *here, id + ":/etc/b"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("beneath /local"));
  EXPECT_THAT(cluster().Destroy(id), IsOk());
}

TEST_F(Files, HostileLinksAndKindsAreRefusedWithAReason) {
  const std::string id = Start(
      "cd /local; ln -s /etc/shadow shadow; ln -s /alloc/data out; ln -s ../alloc/data up\n"
      "ln -s /proc/1/root proc; ln -s /proc/self/fd self; mkfifo fifo; ln -s /dev/zero zero\n"
      "ln -s loop loop; mkdir d; perl -e 'use Socket; socket(S,AF_UNIX,SOCK_STREAM,0); "
      "bind(S,pack_sockaddr_un(\"/local/sock\"))'");
  const auto expect = [&](bool live) {
    EXPECT_THAT(ReasonOfRead(id, "/local/shadow"), live ? "FILE_NOT_ALLOWED" : "PATH_LEADS_OUT");
    for (const std::string path : {"/local/fifo", "/local/sock", "/local/d"}) {
      EXPECT_EQ(ReasonOfRead(id, path), "FILE_KIND_REFUSED") << path;
    }
    EXPECT_EQ(ReasonOfRead(id, "/local/zero"), live ? "FILE_KIND_REFUSED" : "PATH_LEADS_OUT");
    EXPECT_EQ(ReasonOfRead(id, "/local/loop"), "PATH_LEADS_OUT");
    for (const std::string path : {"/local/proc/etc/passwd", "/local/self/0"}) {
      EXPECT_THAT(ReasonOfRead(id, path),
                  AnyOf("PATH_LEADS_OUT", "FILE_NOT_FOUND", "FILE_NOT_ALLOWED"))
          << path;
    }
    for (const std::string path : {"/local/out/x", "/local/up/x"}) {
      EXPECT_EQ(GetReason(Put(id, path, "x")), "PATH_LEADS_OUT") << path;
    }
    EXPECT_EQ(GetReason(Put(id, "/local/d", "x")), "FILE_KIND_REFUSED");
    EXPECT_EQ(GetReason(Put(id, "/etc/x", "x")), "INVALID_FIELDS");
    EXPECT_EQ(GetReason(Put(id, "/local/../etc/x", "x")), "INVALID_FIELDS");
  };
  expect(true);
  EXPECT_EQ(ReasonOfRead(id, "/proc/meminfo"), "FILE_KIND_REFUSED");
  EXPECT_EQ(ReasonOfRead(id, "/dev/null"), "FILE_KIND_REFUSED");
  Stop(id);
  expect(false);
  EXPECT_EQ(ReasonOfRead(id, "/local/../intent"), "PATH_LEADS_OUT");
  // A link that is there is replaced, not followed.
  EXPECT_THAT(Put(id, "/local/shadow", "mine"), IsOk());
  EXPECT_THAT(Read(id, "/local/shadow"), IsOkAndHolds("mine"));
  EXPECT_THAT(cluster().Destroy(id), IsOk());
  EXPECT_THAT(Joiners(), IsEmpty());
}

// RENAME_EXCHANGE in a loop: a directory with a link out of /local, a file with a FIFO and with a
// link to what only root reads.
TEST_F(Files, NothingLeavesTheTasksDirectoryWhileItIsSwappedForALink) {
  const std::string id = Start(
      "cd /local; mkdir d; ln -s ../alloc/data l; echo mine >f; mkfifo p; ln -s /etc/shadow s\n"
      "perl -e 'my ($n,$d,$l,$f,$p,$s)=(0,\"d\",\"l\",\"f\",\"p\",\"s\"); "
      "for(;;){ syscall(316,-100,$d,-100,$l,2); syscall(316,-100,$f,-100,($n&1)?$p:$s,2); "
      "if(++$n%1000==0){ open(F,\">\",\"/tmp/flips\"); print F $n*2; close F } }' &");
  uint64_t flips = 0;
  int tries = 0;
  for (; tries < 300 || flips < 50000; ++tries) {
    const absl::Status put = Put(id, "/local/d/x", "x");
    // A call counts until its joiner has gone, a moment after its answer.
    EXPECT_THAT(GetReason(put), AnyOf("", "PATH_LEADS_OUT", "FILE_CHANGED", "FILE_KIND_REFUSED",
                                      "TOO_MANY_FILE_CALLS"))
        << put;
    const absl::StatusOr<std::string> read = Read(id, "/local/f");
    if (read.ok()) {
      EXPECT_EQ(*read, "mine\n");
    } else {
      EXPECT_THAT(GetReason(read.status()), AnyOf("FILE_NOT_ALLOWED", "FILE_KIND_REFUSED",
                                                  "FILE_CHANGED", "TOO_MANY_FILE_CALLS"))
          << read.status();
    }
    const absl::StatusOr<std::string> told = Read(id, "/tmp/flips");
    if (told.ok() && !told->empty()) {
      EXPECT_TRUE(absl::SimpleAtoi(*told, &flips));
    }
    ASSERT_LT(tries, 20000);
  }
  EXPECT_THAT(NamesOf(id, "/alloc/data"), IsEmpty());
  RecordProperty("flips", static_cast<int>(flips));
  Stop(id);
  EXPECT_THAT(NamesOf(id, "/alloc/data"), IsEmpty());
  EXPECT_THAT(cluster().Destroy(id), IsOk());
}

// A read that its client does not go on with, so that its joiner waits.
class StalledRead {
 public:
  StalledRead(v1::TaskService::Stub* stub, const std::string& id, const std::string& path) {
    v1::ReadFileRequest request;
    request.set_task_id(id);
    request.set_path(path);
    reader_ = stub->ReadFile(&context_, request);
    v1::ReadFileResponse first;
    started_ = reader_->Read(&first);
  }
  ~StalledRead() {
    if (reader_ == nullptr) return;
    context_.TryCancel();
    End().IgnoreError();  // Cancelled.
  }
  bool started() const { return started_; }
  absl::Status End() {
    v1::ReadFileResponse response;
    while (reader_->Read(&response)) {
    }
    const absl::Status status = rpc::FromGrpcStatus(reader_->Finish());
    reader_.reset();
    return status;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::ReadFileResponse>> reader_;
  bool started_ = false;
};

TEST_F(Files, JoinerIsTheTasksUserInItsRootAndCgroupAndOutOfItsSight) {
  // Whatever it sees of processes that are not its own it stops, and tells.
  const std::string id = Start(
      "truncate -s 1T /local/big; perl -e 'for(;;){ for my $p (glob(\"/proc/[0-9]*\")) { "
      "open(F,\"<\",\"$p/comm\") or next; my $c=<F>; close F; "
      "if($c=~/joiner/){ $p=~/(\\d+)/; kill STOP=>$1; open(T,\">\",\"/tmp/seen\"); } } "
      "open(R,\">\",\"/tmp/round\"); print R ++$n; close R }' &");
  StalledRead read(&cluster().tasks(), id, "/local/big");
  ASSERT_TRUE(read.started());
  const std::vector<std::string> joiners = Joiners();
  ASSERT_EQ(joiners.size(), 1u);
  const std::string proc = absl::StrCat("/proc/", joiners[0]);
  const std::string status = TextOf(proc + "/status");
  for (const char* line :
       {"Uid:\t65534\t65534\t65534\t65534\n", "CapPrm:\t0000000000000000\n",
        "CapEff:\t0000000000000000\n", "CapInh:\t0000000000000000\n", "CapAmb:\t0000000000000000\n",
        "NoNewPrivs:\t1\n", "Seccomp:\t2\n", "Threads:\t1\n"}) {
    EXPECT_THAT(status, HasSubstr(line));
  }
  EXPECT_EQ(TextOf(proc + "/environ"), "");
  // Its socket, its root, the file.
  EXPECT_EQ(NamesIn(proc + "/fd").size(), 2u + 3u);
  EXPECT_NE(LinkOf(proc + "/ns/mnt"), LinkOf("/proc/self/ns/mnt"));
  EXPECT_EQ(LinkOf(proc + "/ns/pid"), LinkOf("/proc/self/ns/pid"));
  EXPECT_EQ(access(absl::StrCat(proc, "/root", cluster().layout().log_directory).c_str(), F_OK),
            -1);
  EXPECT_EQ(access((proc + "/root/local/big").c_str(), F_OK), 0);
  EXPECT_THAT(TextOf(proc + "/cgroup"), HasSubstr("/share/"));
  // Rounds of the task's looking, while it is there.
  int before = 0;
  int now = 0;
  while (now < before + 20) {
    const absl::StatusOr<std::string> round = Read(id, "/tmp/round");
    int value = 0;
    if (round.ok() && absl::SimpleAtoi(*round, &value)) {
      if (before == 0) before = value;
      now = value;
    }
  }
  EXPECT_EQ(ReasonOfRead(id, "/tmp/seen"), "FILE_NOT_FOUND");
  // It comes to wait for its reader, and does so for as long as that takes.
  while (!absl::StrContains(TextOf(proc + "/status"), "State:\tS")) {
  }
  // Ends with its task.
  Stop(id);
  EXPECT_EQ(GetReason(read.End()), "JOINER_ENDED");
  ExpectNoJoiner(id);
  EXPECT_THAT(cluster().Destroy(id), IsOk());
}

TEST_F(Files, AreBoundedInNumberAndGoWithTheirCallers) {
  const std::string id = Start("truncate -s 1T /local/big");
  {
    std::vector<std::unique_ptr<StalledRead>> reads;
    for (int i = 0; i < 4; ++i) {
      reads.push_back(std::make_unique<StalledRead>(&cluster().tasks(), id, "/local/big"));
      EXPECT_TRUE(reads.back()->started());
    }
    EXPECT_EQ(ReasonOfRead(id, "/local/big"), "TOO_MANY_FILE_CALLS");
    EXPECT_EQ(Joiners().size(), 4u);
  }
  ExpectNoJoiner(id);
  // A put that is not committed leaves nothing either.
  {
    grpc::ClientContext context;
    v1::PutFileResponse response;
    auto writer = cluster().tasks().PutFile(&context, &response);
    v1::PutFileRequest message;
    message.mutable_header()->set_task_id(id);
    message.mutable_header()->set_path("/local/new");
    EXPECT_TRUE(writer->Write(message));
    message.set_data("half");
    EXPECT_TRUE(writer->Write(message));
    writer->WritesDone();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  ExpectNoJoiner(id);
  EXPECT_THAT(NamesOf(id, "/local"), testing::ElementsAre("big"));
  EXPECT_THAT(cluster().Destroy(id), IsOk());
}

TEST_F(Files, HugeSparseAndGrowingOnesAreReadInRanges) {
  const std::string id = Start(
      "truncate -s 1T /local/big; printf end | dd of=/local/big bs=1 seek=1099511627773 "
      "conv=notrunc 2>/dev/null; perl -e 'open(F,\">\",\"/local/grow\"); $|=1; select F; $|=1; "
      "print F \"x\" x 65536 for 1..16; print STDOUT \"\"; for(;;){ print F \"x\" x 65536; "
      "truncate(F,0), seek(F,0,0) if tell(F) > 64<<20 }' &\nsleep 0.1");
  EXPECT_THAT(Read(id, "/local/big", (1ULL << 40) - 3), IsOkAndHolds("end"));
  EXPECT_THAT(Read(id, "/local/big", 1ULL << 39, 4), IsOkAndHolds(std::string(4, '\0')));
  // Ends, though the file does not.
  EXPECT_THAT(Read(id, "/local/grow"), IsOk());
  EXPECT_THAT(cluster().Destroy(id), IsOk());
}

TEST_F(Files, AHundredThousandEntriesComeInPages) {
  const std::string id = Start(
      "mkdir /local/many; perl -e 'for(1..100000){open(F,\">\",\"/local/many/$_\");close F}'");
  EXPECT_EQ(NamesOf(id, "/local/many").size(), 100000u);
  v1::ListFilesRequest request;
  request.set_task_id(id);
  request.set_path("/local/many");
  request.set_page_token("x");
  grpc::ClientContext context;
  v1::ListFilesResponse response;
  EXPECT_EQ(cluster().tasks().ListFiles(&context, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  ExpectNoJoiner(id);
  EXPECT_THAT(cluster().Destroy(id), IsOk());
}

}  // namespace
}  // namespace cloister
