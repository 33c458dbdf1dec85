// Repositories from real servers: git http-backend behind nginx, and git-upload-pack behind sshd.
#include "libs/artifact/git_fetch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/artifact/direct_connector.h"
#include "libs/artifact/fetch.h"
#include "libs/artifact/git_protocol.h"
#include "libs/artifact/testing/git_servers.h"
#include "libs/artifact/testing/scripted_server.h"
#include "libs/artifact/testing/test_certificates.h"
#include "libs/base/owned_fd.h"
#include "libs/base/status_matchers.h"

namespace cloister::artifact {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Makes repositories: `app` with two commits on main, a branch, an annotated tag, a link, an
// executable, a submodule `lib`; `evil` with what no tree may hold.
constexpr char kMakeRepositories[] = R"(
set -e
export HOME=$1 GIT_CONFIG_NOSYSTEM=1 PATH=/usr/bin:/bin
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
cd $1
git config --global init.defaultBranch main
git config --global core.safecrlf false
git config --global protocol.file.allow always
git init -q lib && cd lib && echo lib >lib.txt && git add . && git commit -qm lib && cd ..
git init -q app && cd app
echo one >file && mkdir -p bin sub/deep && echo '#!/bin/sh' >bin/run && chmod 755 bin/run
ln -s ../file sub/link && echo deep >sub/deep/x
echo '* text eol=crlf filter=evil' >.gitattributes
git add . && git commit -qm one && git rev-parse HEAD >../first
git submodule --quiet add ../lib third/lib
git commit -qam sub && git tag -a -m v1 v1
echo two >file && git commit -qam two && git rev-parse HEAD >../second
git checkout -q -b feature/x && echo branch >file && git commit -qam branch
git checkout -q main && cd ..
git init -q evil && cd evil
blob=$(echo x | git hash-object -w --stdin)
target=$(printf /etc/passwd | git hash-object -w --stdin)
tree=$(printf '120000 blob %s\tout\n' $target | git mktree)
git update-ref refs/heads/link $(git commit-tree -m l $tree)
inner=$(printf '100644 blob %s\tconfig\n' $blob | git mktree)
tree=$(printf '040000 tree %s\t.GIT\n' $inner | git mktree)
git update-ref refs/heads/dotgit $(git commit-tree -m g $tree)
tree=$(printf '100644 blob %s\ta\n' $blob | git mktree)
for i in 1 2 3 4 5 6 7 8; do tree=$(printf '040000 tree %s\td%s\n' $tree $i | git mktree); done
git update-ref refs/heads/deep $(git commit-tree -m d $tree)
tree=$(for i in 1 2 3 4 5 6 7 8 9; do printf '100644 blob %s\tf%s\n' $blob $i; done | git mktree)
git update-ref refs/heads/many $(git commit-tree -m m $tree)
big=$(head -c 5000000 /dev/zero | git hash-object -w --stdin)
tree=$(printf '100644 blob %s\tbig\n' $big | git mktree)
git update-ref refs/heads/big $(git commit-tree -m b $tree)
cd ..
mkdir -p www
for r in lib app evil; do git clone -q --bare $r www/$r.git; done
git -C evil push -q ../www/evil.git 'refs/heads/*:refs/heads/*'
git init -q --bare www/empty.git
ln -s lib.git www/lib
)";

class GitFetchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    root_ = absl::StrCat(::testing::TempDir(), "git.XXXXXX");
    ASSERT_NE(mkdtemp(&root_[0]), nullptr);
    WriteFile(root_ + "/make.sh", kMakeRepositories);
    PreloadFetch();
    ASSERT_THAT(RunProgram({"/bin/bash", root_ + "/make.sh", root_}), IsOk());
    absl::StatusOr<std::unique_ptr<GitHttpServer>> http =
        GitHttpServer::Start(root_, root_ + "/www");
    ASSERT_THAT(http, IsOk());
    http_ = http->release();
    first_ = std::string(absl::StripSuffix(FileContents(root_ + "/first"), "\n"));
    second_ = std::string(absl::StripSuffix(FileContents(root_ + "/second"), "\n"));
  }
  static void TearDownTestSuite() { delete http_; }

  GitFetchTest()
      : connector_(Policy(), absl::Seconds(20),
                   [](const std::string&) -> absl::StatusOr<std::vector<IpAddress>> {
                     return {{*ParseIpAddress("127.0.0.1")}};
                   }) {
    NewOutput();
  }

  static EgressPolicy Policy() {
    EgressPolicy policy;
    policy.allowed_networks = {*ParseCidr("127.0.0.0/8")};
    return policy;
  }

  void NewOutput() {
    output_ = absl::StrCat(root_, "/out.XXXXXX");
    ASSERT_NE(mkdtemp(&output_[0]), nullptr);
    fd_ = OwnedFd(open(output_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  absl::StatusOr<FetchReport> Get(const std::string& url, const std::string& ref,
                                  const std::string& subdir = "") {
    request_.source.kind = SourceKind::kGit;
    request_.source.url = url;
    request_.source.git.ref = ref;
    request_.source.subdir = subdir;
    FetchObserver observer;
    return Fetch(request_, fd_.get(), connector_, observer);
  }

  std::string Read(const std::string& name) {
    return FileContents(absl::StrCat(output_, "/content/", name));
  }
  bool OutputIsEmpty() { return rmdir(output_.c_str()) == 0; }

  static std::string root_;
  static std::string first_;
  static std::string second_;
  static GitHttpServer* http_;
  DirectConnector connector_;
  FetchRequest request_;
  std::string output_;
  OwnedFd fd_;
};

std::string GitFetchTest::root_;
std::string GitFetchTest::first_;
std::string GitFetchTest::second_;
GitHttpServer* GitFetchTest::http_ = nullptr;

TEST_F(GitFetchTest, WritesTheTreeOfTheDefaultBranch) {
  const absl::StatusOr<FetchReport> report = Get(http_->Url("/app.git"), "");
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->is_tree);
  EXPECT_EQ(report->commit, second_);
  EXPECT_EQ(Read("file"), "two\n");
  EXPECT_EQ(Read("sub/deep/x"), "deep\n");
  struct stat facts;
  ASSERT_EQ(stat((output_ + "/content/bin/run").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0755u);
  EXPECT_EQ(facts.st_mtime, 1700000000);
  char target[64] = {};
  EXPECT_EQ(readlink((output_ + "/content/sub/link").c_str(), target, sizeof(target) - 1), 7);
  EXPECT_STREQ(target, "../file");
  EXPECT_NE(access((output_ + "/content/.git").c_str(), F_OK), 0);
  EXPECT_NE(access((output_ + "/packs").c_str(), F_OK), 0);
  // A submodule that was not asked for is an empty directory.
  EXPECT_EQ(rmdir((output_ + "/content/third/lib").c_str()), 0);
}

TEST_F(GitFetchTest, KnowsBranchTagAndCommit) {
  ASSERT_THAT(Get(http_->Url("/app.git"), "feature/x"), IsOk());
  EXPECT_EQ(Read("file"), "branch\n");
  NewOutput();
  ASSERT_THAT(Get(http_->Url("/app.git"), "v1"), IsOk());
  EXPECT_EQ(Read("file"), "one\n");
  NewOutput();
  ASSERT_THAT(Get(http_->Url("/app.git"), second_), IsOk());
  EXPECT_EQ(Read("file"), "two\n");
  NewOutput();
  // No reference points to it, and this server gives out no commit by its id alone.
  const absl::StatusOr<FetchReport> old = Get(http_->Url("/app.git"), first_);
  ASSERT_THAT(old, IsOk());
  EXPECT_EQ(old->commit, first_);
  EXPECT_EQ(Read("file"), "one\n");
  NewOutput();
  EXPECT_THAT(Get(http_->Url("/app.git"), std::string(40, 'd')).status(),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get(http_->Url("/app.git"), "none").status(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get(http_->Url("/empty.git"), "").status(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_TRUE(OutputIsEmpty());
}

TEST_F(GitFetchTest, FetchesOneCommitAndNoHistory) {
  const absl::StatusOr<FetchReport> tip = Get(http_->Url("/app.git"), "");
  ASSERT_THAT(tip, IsOk());
  NewOutput();
  const absl::StatusOr<FetchReport> all = Get(http_->Url("/app.git"), first_);
  ASSERT_THAT(all, IsOk());
  EXPECT_LT(tip->bytes, all->bytes);
}

TEST_F(GitFetchTest, TakesASubdirectory) {
  ASSERT_THAT(Get(http_->Url("/app.git"), "", "sub/deep"), IsOk());
  EXPECT_EQ(Read("x"), "deep\n");
  NewOutput();
  request_.mode = FetchMode::kFile;
  const absl::StatusOr<FetchReport> file = Get(http_->Url("/app.git"), "", "bin/run");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->file_name, "run");
}

TEST_F(GitFetchTest, FetchesSubmodulesWhereAsked) {
  request_.source.git.submodules = true;
  ASSERT_THAT(Get(http_->Url("/app.git"), ""), IsOk());
  EXPECT_EQ(Read("third/lib/lib.txt"), "lib\n");
}

TEST_F(GitFetchTest, WritesNothingThatATreeMustNotHold) {
  EXPECT_FALSE(Get(http_->Url("/evil.git"), "link").ok());
  EXPECT_THAT(Get(http_->Url("/evil.git"), "dotgit").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not allowed")));
  EXPECT_TRUE(OutputIsEmpty());
}

TEST_F(GitFetchTest, KeepsTheLimitsByTheirNames) {
  request_.unpack.depth = 5;
  EXPECT_THAT(Get(http_->Url("/evil.git"), "deep").status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("depth")));
  request_.unpack.depth = 9;
  EXPECT_THAT(Get(http_->Url("/evil.git"), "deep"), IsOk());
  NewOutput();
  request_.unpack.files = 8;
  EXPECT_THAT(Get(http_->Url("/evil.git"), "many").status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit files")));
  request_.unpack.files = 9;
  EXPECT_THAT(Get(http_->Url("/evil.git"), "many"), IsOk());
  NewOutput();
  request_.unpack.bytes = 4999999;
  EXPECT_THAT(Get(http_->Url("/evil.git"), "big").status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit bytes")));
  request_.limits.max_bytes = 1000;
  EXPECT_THAT(Get(http_->Url("/evil.git"), "big").status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("max_bytes")));
  EXPECT_TRUE(OutputIsEmpty());
}

TEST_F(GitFetchTest, SeveralAtOnceGetWhatEachAskedFor) {
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"", "two\n"}, {"v1", "one\n"}, {"feature/x", "branch\n"}, {first_, "one\n"}};
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      std::string output = absl::StrCat(root_, "/out.XXXXXX");
      ASSERT_NE(mkdtemp(&output[0]), nullptr);
      const OwnedFd fd(open(output.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      FetchRequest request;
      request.source.kind = SourceKind::kGit;
      request.source.url = http_->Url("/app.git");
      request.source.git.ref = wanted[i % 4].first;
      FetchObserver observer;
      EXPECT_THAT(Fetch(request, fd.get(), connector_, observer), IsOk());
      if (FileContents(output + "/content/file") == wanted[i % 4].second) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 16);
}

TEST_F(GitFetchTest, FollowsARepositoryThatHasMoved) {
  ASSERT_THAT(Get(http_->Url("/moved/app.git"), ""), IsOk());
  EXPECT_EQ(Read("file"), "two\n");
}

TEST_F(GitFetchTest, LogsInByBasicCredentials) {
  EXPECT_THAT(Get(http_->Url("/private/app.git"), "").status(),
              StatusIs(absl::StatusCode::kPermissionDenied));
  request_.credential.kind = Credential::Kind::kBasic;
  request_.credential.user = GitHttpServer::kUser;
  request_.credential.secret = GitHttpServer::kPassword;
  ASSERT_THAT(Get(http_->Url("/private/app.git"), ""), IsOk());
  EXPECT_EQ(Read("file"), "two\n");
}

TEST_F(GitFetchTest, RefusesWhatIsNoRepository) {
  EXPECT_THAT(Get(http_->Url("/none.git"), "").status(), StatusIs(absl::StatusCode::kNotFound));
  ScriptedServer html(
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>");
  EXPECT_FALSE(Get(html.Url("/x"), "").ok());
  for (const char* url :
       {"file:///etc", "git://127.0.0.1/x", "ext::sh", "http://169.254.169.254/x"}) {
    EXPECT_FALSE(Get(url, "").ok()) << url;
  }
}

TEST_F(GitFetchTest, ABrokenPackIsAnErrorAndLeavesNothing) {
  const std::string id(40, 'a');
  ScriptedServer server([&](int fd, const std::string& request) {
    std::string body;
    const char* type = "advertisement";
    if (absl::StartsWith(request, "GET")) {
      body = absl::StrCat(
          PktLine("# service=git-upload-pack\n"), "0000",
          PktLine(absl::StrCat(id, " HEAD", std::string(1, '\0'), "side-band-64k\n")), "0000");
    } else {
      type = "result";
      body = absl::StrCat(PktLine("NAK\n"), PktLine("\x01PACK is not what this is"), "0000");
    }
    SendAll(fd, absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-",
                             type, "\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  });
  EXPECT_FALSE(Get(server.Url("/x"), "").ok());
  EXPECT_TRUE(OutputIsEmpty());
}

class GitSshTest : public GitFetchTest {
 protected:
  GitSshTest() {
    absl::StatusOr<std::unique_ptr<SshServer>> ssh = SshServer::Start(root_);
    EXPECT_THAT(ssh, IsOk());
    if (ssh.ok()) ssh_ = *std::move(ssh);
    request_.credential.kind = Credential::Kind::kSshKey;
    request_.credential.user = getpwuid(getuid())->pw_name;
    request_.credential.secret = ssh_->client_key();
    request_.credential.known_hosts = ssh_->known_hosts();
  }

  std::string Url(const std::string& path) const {
    return absl::StrCat("ssh://127.0.0.1:", ssh_->port(), path);
  }

  std::unique_ptr<SshServer> ssh_;
};

TEST_F(GitSshTest, FetchesOverSsh) {
  const absl::StatusOr<FetchReport> report = Get(Url(root_ + "/www/app.git"), "v1");
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(Read("file"), "one\n");
  NewOutput();
  ASSERT_THAT(Get(Url(root_ + "/www/app.git"), first_), IsOk());
}

TEST_F(GitSshTest, TakesNoHostThatIsNotPinned) {
  request_.credential.known_hosts = ssh_->known_hosts_of_another();
  EXPECT_THAT(Get(Url(root_ + "/www/app.git"), "").status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("another than the pinned")));
  request_.credential.known_hosts = absl::StrCat("other.test ", ssh_->host_key(), "\n");
  EXPECT_THAT(Get(Url(root_ + "/www/app.git"), "").status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("not pinned")));
  request_.credential.known_hosts.clear();
  EXPECT_THAT(Get(Url(root_ + "/www/app.git"), "").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("known hosts")));
}

TEST_F(GitSshTest, TheWrongKeyDoesNotLogIn) {
  request_.credential.secret = ssh_->other_key();
  EXPECT_THAT(Get(Url(root_ + "/www/app.git"), "").status(),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("log in"), Not(HasSubstr("PRIVATE KEY")))));
  request_.credential.kind = Credential::Kind::kNone;
  EXPECT_THAT(Get(Url(root_ + "/www/app.git"), "").status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(GitSshTest, AQuoteInThePathIsAPartOfThePath) {
  const absl::Status status = Get(Url("/x';touch%20" + output_ + "/owned;'"), "").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_TRUE(OutputIsEmpty());
}

TEST(SubmoduleUrl, IsFoundByPathAndMadeAbsolute) {
  constexpr char kText[] =
      "[core]\n\turl = https://core.test\n[submodule \"a\"]\n\tpath = third/a\n\turl = ../a.git\n"
      "[submodule \"b\"]\n\turl = https://other.test/b.git\n\tpath = b\n";
  const char* const own = "https://h.test:8443/team/app.git";
  EXPECT_THAT(SubmoduleUrl(kText, "third/a", own), IsOkAndHolds("https://h.test:8443/team/a.git"));
  EXPECT_THAT(SubmoduleUrl(kText, "b", own), IsOkAndHolds("https://other.test/b.git"));
  EXPECT_THAT(SubmoduleUrl(kText, "c", own).status(), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace cloister::artifact
