#include "libs/artifact/fetcher_wire.h"

#include <fcntl.h>

#include <string>

#include "gtest/gtest.h"
#include "libs/base/status_matchers.h"
#include "libs/os/memfd.h"
#include "libs/os/seqpacket.h"

namespace cloister::artifact {
namespace {

TEST(FetcherWireTest, ARequestComesWithItsCertificatesAndItsFile) {
  auto pair = MakeSeqpacketPair();
  ASSERT_THAT(pair, IsOk());
  const absl::StatusOr<OwnedFd> ca = MakeSealedMemfd("ca", "PEM", 0400);
  ASSERT_THAT(ca, IsOk());
  const OwnedFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  FetchRequest request;
  request.source.url = "https://h/f";
  request.file_fd = file.get();
  ASSERT_THAT(SendRequest(pair->first.get(), request, ca->get()), IsOk());
  const absl::StatusOr<ReceivedRequest> received = ReceiveRequest(pair->second.get());
  ASSERT_THAT(received, IsOk());
  EXPECT_EQ(received->request.source.url, "https://h/f");
  EXPECT_EQ(received->request.http.ca_pem, "PEM");
  EXPECT_TRUE(received->file.valid());
  EXPECT_EQ(received->request.file_fd, received->file.get());
}

TEST(FetcherWireTest, OneThatIsTooLongForAMessageComesAllTheSame) {
  auto pair = MakeSeqpacketPair();
  ASSERT_THAT(pair, IsOk());
  const absl::StatusOr<OwnedFd> ca = MakeSealedMemfd("ca", "PEM", 0400);
  ASSERT_THAT(ca, IsOk());
  FetchRequest request;
  request.headers = {{"A", std::string(200000, 'x')}};
  ASSERT_THAT(SendRequest(pair->first.get(), request, ca->get()), IsOk());
  const absl::StatusOr<ReceivedRequest> received = ReceiveRequest(pair->second.get());
  ASSERT_THAT(received, IsOk());
  EXPECT_EQ(received->request.headers, request.headers);
  EXPECT_EQ(received->request.http.ca_pem, "PEM");
  EXPECT_EQ(received->request.file_fd, -1);
}

TEST(FetcherWireTest, OrdersOfAnyLengthCome) {
  auto pair = MakeSeqpacketPair();
  ASSERT_THAT(pair, IsOk());
  BrokerOrders orders;
  orders.connections = 5;
  for (int i = 0; i < 5000; ++i) orders.policy.denied_hosts.push_back("host.example.com");
  ASSERT_THAT(SendOrders(pair->first.get(), orders), IsOk());
  const absl::StatusOr<BrokerOrders> received = ReceiveOrders(pair->second.get());
  ASSERT_THAT(received, IsOk());
  EXPECT_EQ(received->connections, 5U);
  EXPECT_EQ(received->policy.denied_hosts.size(), 5000U);
}

TEST(FetcherWireTest, WhatIsNoRequestIsRefused) {
  auto pair = MakeSeqpacketPair();
  ASSERT_THAT(pair, IsOk());
  ASSERT_THAT(SendPacket(pair->first.get(), "\xff\xff"), IsOk());
  EXPECT_THAT(ReceiveRequest(pair->second.get()), StatusIs(absl::StatusCode::kDataLoss));
  pair->first.reset();
  EXPECT_THAT(ReceiveRequest(pair->second.get()), StatusIs(absl::StatusCode::kOutOfRange));
}

}  // namespace
}  // namespace cloister::artifact
