# What the library itself needs. xtensor, xtensor-blas, xsimd and nlohmann_json are headers that
# only reel's sources see; BLAS, zlib and the thread library are linked.

include(CheckCXXSourceCompiles)

# xtensor's package finds xtl, which the next two refer to.
find_package(xtensor 0.24 REQUIRED)
find_package(xsimd 8.1 REQUIRED)
find_package(BLAS)
if(NOT BLAS_FOUND)
  message(FATAL_ERROR "reel needs a BLAS: install libopenblas-dev, or set BLA_VENDOR or "
                      "BLAS_LIBRARIES to the one to use")
endif()
find_package(xtensor-blas 0.20 REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)

set(CMAKE_REQUIRED_LIBRARIES BLAS::BLAS)
check_cxx_source_compiles("
extern \"C\" void cblas_sgemm(int, int, int, int, int, int, float, const float*, int, const float*,
                            int, float, float*, int);
int main() {
  float a = 1;
  cblas_sgemm(101, 111, 111, 1, 1, 1, 1.0F, &a, 1, &a, 1, 0.0F, &a, 1);
}" REEL_BLAS_HAS_CBLAS)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT REEL_BLAS_HAS_CBLAS)
  message(FATAL_ERROR "The BLAS at ${BLAS_LIBRARIES} has no C interface (cblas_sgemm), which reel "
                      "calls: install libopenblas-dev, or set BLA_VENDOR=OpenBLAS")
endif()
