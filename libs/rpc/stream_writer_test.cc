#include "libs/rpc/stream_writer.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "cloister/probe/probe.grpc.pb.h"
#include "libs/base/status_matchers.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/status_conversion.h"
#include "libs/rpc/testing/probe_server.h"

namespace cloister::rpc {
namespace {

using Stream = StreamWriter<probe::CountResponse>;

probe::CountResponse Number(int number) {
  probe::CountResponse response;
  response.set_number(number);
  return response;
}

// A service whose Count gives the test the stream.
class StreamService : public probe::ProbeService::CallbackService {
 public:
  grpc::ServerWriteReactor<probe::CountResponse>* Count(grpc::CallbackServerContext*,
                                                        const probe::CountRequest*) override {
    stream = Stream::Open(&drain, options);
    opened.Notify();
    return stream.get();
  }

  DrainSignal drain;
  StreamOptions options;
  std::shared_ptr<Stream> stream;
  absl::Notification opened;
};

class StreamWriterTest : public ::testing::Test {
 protected:
  StreamWriterTest() {
    service_.options.on_end = [this] { ended_.Notify(); };
  }

  // A call, open on both ends.
  void Open() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = probe::ProbeService::NewStub(server_->InProcessChannel(grpc::ChannelArguments()));
    reader_ = stub_->Count(&context_, probe::CountRequest());
    service_.opened.WaitForNotification();
  }

  int Next() {
    probe::CountResponse response;
    return reader_->Read(&response) ? response.number() : -1;
  }

  absl::Status Finish() { return FromGrpcStatus(reader_->Finish()); }
  Stream& stream() { return *service_.stream; }

  StreamService service_;
  absl::Notification ended_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<probe::ProbeService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<probe::CountResponse>> reader_;
};

TEST_F(StreamWriterTest, WritesInOrderAndEndsAfterTheLast) {
  service_.options.max_queued = 100;
  Open();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(stream().Push(Number(i)));
  stream().Close(absl::NotFoundError("gone"));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Next(), i);
  EXPECT_EQ(Next(), -1);
  EXPECT_THAT(Finish(), StatusIs(absl::StatusCode::kNotFound, "gone"));
  ended_.WaitForNotification();
}

TEST_F(StreamWriterTest, ManyThreadsMayPush) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  service_.options.max_queued = kThreads * kEach;
  Open();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < kEach; ++i) EXPECT_TRUE(stream().Push(Number(1)));
    });
  }
  int sum = 0;
  for (int i = 0; i < kThreads * kEach; ++i) sum += Next();
  EXPECT_EQ(sum, kThreads * kEach);
  for (std::thread& thread : threads) thread.join();
  stream().Close(absl::OkStatus());
  EXPECT_EQ(Next(), -1);
  EXPECT_THAT(Finish(), IsOk());
}

TEST_F(StreamWriterTest, AFullQueueTakesNoMore) {
  service_.options.max_queued = 3;
  Open();
  // One is on its way at most, the others wait for a Flush.
  int queued = 0;
  while (queued < 10 && stream().Enqueue(Number(queued))) ++queued;
  EXPECT_EQ(queued, 3);
  EXPECT_FALSE(stream().closed());
  stream().Flush();
  EXPECT_EQ(Next(), 0);
  EXPECT_EQ(Next(), 1);
  EXPECT_EQ(Next(), 2);
  stream().Close(absl::OkStatus());
  EXPECT_THAT(Finish(), IsOk());
}

TEST_F(StreamWriterTest, AsksForMoreWhenTheQueueIsEmpty) {
  int produced = 0;
  service_.options.max_queued = 1;
  service_.options.on_room = [&] {
    if (++produced < 50) {
      EXPECT_TRUE(stream().Push(Number(produced)));
    } else {
      stream().Close(absl::OkStatus());
    }
  };
  Open();
  EXPECT_TRUE(stream().Push(Number(0)));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Next(), i);
  EXPECT_EQ(Next(), -1);
  EXPECT_THAT(Finish(), IsOk());
}

TEST_F(StreamWriterTest, TheFirstEndCounts) {
  Open();
  stream().Close(absl::AbortedError("first"));
  stream().Close(absl::OkStatus());
  service_.drain.Fire();
  EXPECT_FALSE(stream().Push(Number(1)));
  EXPECT_TRUE(stream().closed());
  EXPECT_THAT(Finish(), StatusIs(absl::StatusCode::kAborted, "first"));
}

TEST_F(StreamWriterTest, ADrainEndsItAfterWhatIsQueued) {
  Open();
  EXPECT_TRUE(stream().Push(Number(7)));
  service_.drain.Fire();
  EXPECT_EQ(Next(), 7);
  EXPECT_EQ(Next(), -1);
  EXPECT_THAT(Finish(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(StreamWriterTest, OneThatOpensWhileTheServerDrainsEndsAtOnce) {
  service_.drain.Fire();
  Open();
  EXPECT_THAT(Finish(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(StreamWriterTest, AClientThatCancelsEndsItThoughNothingIsWritten) {
  Open();
  context_.TryCancel();
  ended_.WaitForNotification();
  EXPECT_TRUE(stream().closed());
  EXPECT_FALSE(stream().Push(Number(1)));
}

TEST_F(StreamWriterTest, AClientThatDoesNotReadCostsItsQueueOnlyAndCanCancel) {
  service_.options.max_queued = 4;
  Open();
  probe::CountResponse response = Number(1);
  // More than the flow control windows take.
  bool full = false;
  for (int i = 0; i < 10000000 && !full; ++i) full = !stream().Push(response);
  EXPECT_TRUE(full);
  context_.TryCancel();
  ended_.WaitForNotification();
  EXPECT_TRUE(stream().closed());
}

TEST_F(StreamWriterTest, MayBeHeldAfterItsEnd) {
  Open();
  stream().Close(absl::OkStatus());
  EXPECT_THAT(Finish(), IsOk());
  ended_.WaitForNotification();
  reader_.reset();
  stub_.reset();
  server_.reset();
  EXPECT_FALSE(stream().Push(Number(1)));
  stream().Close(absl::OkStatus());
}

}  // namespace
}  // namespace cloister::rpc
