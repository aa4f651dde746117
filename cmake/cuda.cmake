# The CUDA compiler: that of scripts/setup --cuda, unless CMAKE_CUDA_COMPILER or the PATH names another.
set(toolkit ${PROJECT_SOURCE_DIR}/build/cuda-toolkit/cuda)
if(NOT DEFINED CMAKE_CUDA_COMPILER AND EXISTS ${toolkit}/bin/nvcc)
  set(CMAKE_CUDA_COMPILER ${toolkit}/bin/nvcc)
endif()
# bf16 on the tensor cores begins with 8.0; newer GPUs than those named compile the code of 9.0 for themselves.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)
endif()
enable_language(CUDA)
# CMake 3.25 does not know how CUDA 13 is told the standard.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;--expt-relaxed-constexpr;-Werror=all-warnings;-Xcompiler=-Wall,-Wextra>")
