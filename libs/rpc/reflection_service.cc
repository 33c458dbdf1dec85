#include "libs/rpc/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/rpc/drain_signal.h"
#include "libs/rpc/status_conversion.h"

namespace cloister::rpc {
namespace {

namespace v1 = ::grpc::reflection::v1;
namespace v1alpha = ::grpc::reflection::v1alpha;
using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;

const DescriptorPool& Pool() { return *DescriptorPool::generated_pool(); }

// The file and what it imports, each once, the file first.
void AddFiles(const FileDescriptor* file, std::set<const FileDescriptor*>* added,
              v1::FileDescriptorResponse* response) {
  if (!added->insert(file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  response->add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) {
    AddFiles(file->dependency(i), added, response);
  }
}

void SetError(grpc::StatusCode code, const std::string& message,
              v1::ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(code);
  response->mutable_error_response()->set_error_message(message);
}

// The two versions differ in their package only.
v1::ServerReflectionResponse AnswerAs(const ReflectionCatalog& catalog,
                                      const v1::ServerReflectionRequest& request) {
  return catalog.Answer(request);
}

v1alpha::ServerReflectionResponse AnswerAs(const ReflectionCatalog& catalog,
                                           const v1alpha::ServerReflectionRequest& request) {
  v1::ServerReflectionRequest same;
  same.ParseFromString(request.SerializeAsString());
  v1alpha::ServerReflectionResponse response;
  response.ParseFromString(catalog.Answer(same).SerializeAsString());
  return response;
}

// Reads a request, writes its answer, and so on until the client or the server has enough.
template <typename Request, typename Response>
class Conversation final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  Conversation(const ReflectionCatalog* catalog, DrainSignal* drain) : catalog_(catalog) {
    drain_ = drain->Subscribe([this] { End(ToGrpcStatus(DrainSignal::Refusal())); });
    this->StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return End(grpc::Status::OK);
    response_ = AnswerAs(*catalog_, request_);
    this->StartWrite(&response_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(grpc::Status::CANCELLED);
    this->StartRead(&request_);
  }

  void OnDone() override { delete this; }

 private:
  void End(const grpc::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(ended_, true)) return;
    }
    this->Finish(status);
  }

  const ReflectionCatalog* const catalog_;
  Request request_;
  Response response_;
  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  DrainSignal::Subscription drain_;
};

}  // namespace

ReflectionCatalog::ReflectionCatalog(std::vector<std::string> services)
    : services_(std::move(services)) {
  for (const std::string& service : services_) {
    const auto* descriptor = Pool().FindServiceByName(service);
    if (descriptor != nullptr) Show(descriptor->file());
  }
  // By which a client can print the details of an error.
  Show(google::rpc::Status::descriptor()->file());
  Show(google::rpc::ErrorInfo::descriptor()->file());
}

void ReflectionCatalog::Show(const FileDescriptor* file) {
  if (!shown_.insert(file).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) Show(file->dependency(i));
}

const FileDescriptor* ReflectionCatalog::FileOfSymbol(const std::string& symbol) const {
  return Pool().FindFileContainingSymbol(symbol);
}

v1::ServerReflectionResponse ReflectionCatalog::Answer(
    const v1::ServerReflectionRequest& request) const {
  v1::ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case v1::ServerReflectionRequest::kListServices:
      for (const std::string& service : services_) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case v1::ServerReflectionRequest::kFileByFilename:
      AnswerFile(Pool().FindFileByName(request.file_by_filename()), request.file_by_filename(),
                 &response);
      break;
    case v1::ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(FileOfSymbol(request.file_containing_symbol()), request.file_containing_symbol(),
                 &response);
      break;
    case v1::ServerReflectionRequest::kFileContainingExtension:
      // proto3 has no extensions but of options, which none of the shown files declares.
      SetError(grpc::StatusCode::NOT_FOUND, "no such extension", &response);
      break;
    case v1::ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensions(request.all_extension_numbers_of_type(), &response);
      break;
    case v1::ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      SetError(grpc::StatusCode::INVALID_ARGUMENT, "the request asks for nothing", &response);
      break;
  }
  return response;
}

void ReflectionCatalog::AnswerFile(const FileDescriptor* file, absl::string_view what,
                                   v1::ServerReflectionResponse* response) const {
  if (file == nullptr || shown_.count(file) == 0) {
    return SetError(grpc::StatusCode::NOT_FOUND, absl::StrCat("'", what, "' is not served here"),
                    response);
  }
  std::set<const FileDescriptor*> added;
  AddFiles(file, &added, response->mutable_file_descriptor_response());
}

void ReflectionCatalog::AnswerExtensions(const std::string& type,
                                         v1::ServerReflectionResponse* response) const {
  const Descriptor* descriptor = Pool().FindMessageTypeByName(type);
  if (descriptor == nullptr || shown_.count(descriptor->file()) == 0) {
    return SetError(grpc::StatusCode::NOT_FOUND, absl::StrCat("'", type, "' is not served here"),
                    response);
  }
  response->mutable_all_extension_numbers_response()->set_base_type_name(type);
}

grpc::ServerBidiReactor<v1::ServerReflectionRequest, v1::ServerReflectionResponse>*
ReflectionServiceV1::ServerReflectionInfo(grpc::CallbackServerContext*) {
  return new Conversation<v1::ServerReflectionRequest, v1::ServerReflectionResponse>(catalog_,
                                                                                     drain_);
}

grpc::ServerBidiReactor<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>*
ReflectionServiceV1Alpha::ServerReflectionInfo(grpc::CallbackServerContext*) {
  return new Conversation<v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>(
      catalog_, drain_);
}

}  // namespace cloister::rpc
