#include "train/optimizer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace valence::train {
namespace {

using formats::DType;
using nn::Parameter;

constexpr int64_t kSmallest8Bit = 4096;  // as in bitsandbytes
constexpr int64_t kBlock = backend::kMomentBlock;
// Values of a table of rows that are updated at a time.
constexpr int64_t kPart = int64_t{1} << 16, kDevicePart = int64_t{1} << 24;

}  // namespace

// Of one tensor: fp32 moments [count], or codes [count] with one scale a block.
struct Optimizer::Moments {
  bool in_8_bits = false;
  std::span<float> first, second;  // moments, or scales
  std::span<uint8_t> first_codes, second_codes;
};

// One piece of memory for all moments: of a device, or the host's, anonymous or a mapped file without a name.
class Optimizer::Memory {
 public:
  Memory(backend::TrainingBackend& backend, size_t bytes, bool paged, const std::filesystem::path& folder)
      : backend_(backend), bytes_(std::max<size_t>(bytes, 1)) {
    if (!backend.is_host()) {
      device_ = paged ? backend.allocate_paged(bytes_) : backend.allocate(bytes_);
      data_ = static_cast<std::byte*>(device_->data());
      return;
    }
    int fd = -1;
    if (paged) fd = open_file(folder);
    const int flags = paged ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, fd, 0);
    const int reason = errno;
    if (fd >= 0) ::close(fd);
    if (memory == MAP_FAILED) {
      if (reason == ENOMEM) throw std::bad_alloc();
      throw Error(ErrorCode::kRuntime,
                  "cannot map memory for the optimizer: " + std::string(strerror(reason)));
    }
    data_ = static_cast<std::byte*>(memory);
    paged_ = paged;
  }
  ~Memory() {
    if (!device_) ::munmap(data_, bytes_);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::byte* data() const { return data_; }
  // Where a part of it lies in the host's memory: in place, or in a copy of all of it that copy_out() made.
  std::span<const std::byte> on_host(std::span<const std::byte> part) const {
    return device_ ? std::span(copy_).subspan(static_cast<size_t>(part.data() - data_), part.size()) : part;
  }
  void copy_out() {
    if (!device_) return;
    copy_.resize(bytes_);
    backend_.copy_out(data_, bytes_, copy_.data());
  }
  // Begins to read the pages from one byte to another, where they lie in a file.
  void fetch(const std::byte* first, const std::byte* last) const {
    constexpr std::ptrdiff_t kPage = 4096;
    const std::ptrdiff_t begin = (first - data_) / kPage * kPage;
    if (paged_) ::madvise(data_ + begin, static_cast<size_t>(last + 1 - data_ - begin), MADV_WILLNEED);
  }

 private:
  int open_file(const std::filesystem::path& folder) const {
    const std::string path = (folder / ".optimizer").string();
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) throw Error(ErrorCode::kRuntime, path + ": " + strerror(errno));
    ::unlink(path.c_str());
    // All of its room is taken now: a disk that fills up later must not kill the run with a signal.
    const int reason = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes_));
    if (reason == 0) return fd;
    ::close(fd);
    throw Error(ErrorCode::kRuntime, path + ": no room for the optimizer's " + std::to_string(bytes_ >> 20) +
                                         " MB: " + strerror(reason));
  }

  backend::TrainingBackend& backend_;
  size_t bytes_;
  std::unique_ptr<backend::Memory> device_;
  std::vector<std::byte> copy_;
  std::byte* data_ = nullptr;
  bool paged_ = false;
};

Optimizer::Optimizer(OptimizerOptions options, std::vector<Parameter*> parameters,
                     const std::filesystem::path& folder, backend::TrainingBackend& backend)
    : parameters_(std::move(parameters)),
      backend_(backend),
      lazy_rows_(options.lazy_rows),
      row_rate_(static_cast<float>(options.row_rate)) {
  const OptimizerKind kind = options.kind;
  VALENCE_CHECK(!lazy_rows_ || kind == OptimizerKind::kFp32);
  // Where each tensor's moments lie; a multiple of 64 bytes each.
  const auto aligned = [](int64_t bytes) { return (static_cast<size_t>(bytes) + 63) / 64 * 64; };
  const auto layout = [&](std::byte* data) {
    size_t at = 0;
    const auto take = [&]<typename T>(std::span<T>& part, int64_t count) {
      if (data != nullptr) part = {reinterpret_cast<T*>(data + at), static_cast<size_t>(count)};
      at += aligned(count * static_cast<int64_t>(sizeof(T)));
    };
    for (const Parameter* parameter : parameters_) {
      Moments moments;
      const int64_t count = parameter->count();
      moments.in_8_bits = kind != OptimizerKind::kFp32 && count >= kSmallest8Bit;
      const int64_t scales = moments.in_8_bits ? (count + kBlock - 1) / kBlock : count;
      take(moments.first, scales);
      take(moments.second, scales);
      if (moments.in_8_bits) {
        take(moments.first_codes, count);
        take(moments.second_codes, count);
      }
      if (data != nullptr) moments_.push_back(moments);
    }
    return at;
  };
  memory_ = std::make_unique<Memory>(backend, layout(nullptr), kind == OptimizerKind::kPaged8Bit, folder);
  layout(memory_->data());
  // A scale of zero makes any code zero, but the codes are kept as those of zero.
  std::vector<uint8_t> zeros;
  const auto set = [&](std::span<uint8_t> codes, bool is_signed) {
    zeros.assign(codes.size(), backend::zero_moment_code(is_signed));
    backend.copy_in(zeros.data(), zeros.size(), codes.data());
  };
  for (const Moments& moments : moments_) {
    set(moments.first_codes, true);
    set(moments.second_codes, false);
  }
}

Optimizer::~Optimizer() = default;

double Optimizer::gradient_norm() const {
  std::vector<std::span<const float>> parts;
  for (const Parameter* parameter : parameters_) {
    const backend::Floats& gradient = parameter->gradient;
    if (gradient.size() > 0) parts.emplace_back(gradient.data(), static_cast<size_t>(gradient.size()));
  }
  return std::sqrt(backend_.sum_of_squares(parts));
}

void Optimizer::step(const backend::AdamW& step) {
  for (size_t k = 0; k < parameters_.size(); ++k) {
    Parameter& parameter = *parameters_[k];
    const Moments& moments = moments_[k];
    // The next tensor's pages are on their way while this one is updated.
    if (k + 1 < parameters_.size() && moments_[k + 1].in_8_bits) {
      memory_->fetch(std::as_bytes(moments_[k + 1].first).data(),
                     std::as_bytes(moments_[k + 1].second_codes.last(1)).data());
    }
    backend::AdamW own = step;
    if (parameter.is_vector) own.weight_decay = 0;
    if (parameter.by_rows) own.learning_rate *= row_rate_;
    const auto update = [&](const float* gradient, int64_t begin, int64_t count) {
      float* weights = parameter.value.data() + begin;
      if (!moments.in_8_bits) {
        backend_.adamw(own, gradient, count, weights, moments.first.data() + begin,
                       moments.second.data() + begin);
        return;
      }
      backend_.adamw_8bit(own, gradient, count, weights,
                          {moments.first_codes.data() + begin, moments.first.data() + begin / kBlock},
                          {moments.second_codes.data() + begin, moments.second.data() + begin / kBlock});
    };
    if (!parameter.by_rows) {
      update(parameter.gradient.data(), 0, parameter.count());
      continue;
    }
    const int64_t columns = parameter.columns, rows = part_rows(columns);
    if (lazy_rows_) {
      for (size_t slot = 0; slot < parameter.occurring_rows.size(); ++slot)
        update(parameter.gradient.data() + static_cast<int64_t>(slot) * columns,
               parameter.occurring_rows[slot] * columns, columns);
      continue;
    }
    // Rows without a gradient move on by their moments: as dense embeddings do.
    for (int64_t row = 0; row < parameter.rows; row += rows) {
      const int64_t count = std::min(rows, parameter.rows - row);
      float* gradient = gradient_.room(backend_, count * columns);
      backend_.expand_rows(
          parameter.gradient.data(),
          std::span(parameter.slot_of_row).subspan(static_cast<size_t>(row), static_cast<size_t>(count)),
          columns, gradient);
      update(gradient, row * columns, count * columns);
    }
  }
}

// Rows of a table that are updated at a time; their values are whole blocks of moments.
int64_t Optimizer::part_rows(int64_t columns) const {
  const int64_t values = backend_.is_host() ? kPart : kDevicePart;
  return std::max<int64_t>(1, values / columns / kBlock) * kBlock;
}

std::vector<formats::TensorView> Optimizer::state() const {
  std::vector<formats::TensorView> views = views_of_moments();
  memory_->copy_out();
  for (formats::TensorView& view : views) view.bytes = memory_->on_host(view.bytes);
  return views;
}

std::vector<formats::TensorView> Optimizer::views_of_moments() const {
  std::vector<formats::TensorView> views;
  const auto add = [&](const std::string& name, DType type, size_t count, std::span<const std::byte> bytes) {
    if (count > 0) views.push_back({name, type, {static_cast<int64_t>(count)}, bytes});
  };
  for (size_t k = 0; k < parameters_.size(); ++k) {
    const Moments& m = moments_[k];
    const std::string& name = parameters_[k]->name;
    add(name + ".first", DType::kF32, m.first.size(), std::as_bytes(m.first));
    add(name + ".second", DType::kF32, m.second.size(), std::as_bytes(m.second));
    add(name + ".first_codes", DType::kU8, m.first_codes.size(), std::as_bytes(m.first_codes));
    add(name + ".second_codes", DType::kU8, m.second_codes.size(), std::as_bytes(m.second_codes));
  }
  return views;
}

void Optimizer::restore(const formats::Checkpoint& checkpoint) {
  for (const formats::TensorView& to : views_of_moments()) {
    const formats::TensorView& from = checkpoint.at(to.name);
    if (from.bytes.size() != to.bytes.size()) {
      throw Error(ErrorCode::kBadData, checkpoint.describe() + ": tensor " + printable(to.name) + " has " +
                                           std::to_string(from.bytes.size()) + " bytes, expected " +
                                           std::to_string(to.bytes.size()));
    }
    backend_.copy_in(from.bytes.data(), from.bytes.size(), const_cast<std::byte*>(to.bytes.data()));
  }
}

}  // namespace valence::train
