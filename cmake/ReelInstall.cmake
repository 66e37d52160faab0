# Headers, library, CMake package and pkg-config file. The package can be moved: nothing in it
# holds the prefix.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/reel")

install(TARGETS reel reel_torch_compat EXPORT reelTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(REEL_HWCAPS)
  foreach(level x86-64-v3 x86-64-v4)
    install(TARGETS reel-${level} LIBRARY NAMELINK_SKIP
            DESTINATION "${CMAKE_INSTALL_LIBDIR}/glibc-hwcaps/${level}")
  endforeach()
endif()
install(DIRECTORY autograd nn optim DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/reel"
        FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY compat DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/reel"
        FILES_MATCHING PATTERN "*.h")
file(GLOB top_headers CONFIGURE_DEPENDS *.hpp)
install(FILES ${top_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/reel")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/reel")

install(EXPORT reelTargets NAMESPACE reel:: DESTINATION "${package_dir}")
get_target_property(reel_type reel TYPE)
if(reel_type STREQUAL "STATIC_LIBRARY")
  set(reel_dependencies "find_dependency(BLAS)\nfind_dependency(ZLIB)\nfind_dependency(Threads)")
else()
  set(reel_dependencies "")
endif()
configure_package_config_file(cmake/reelConfig.cmake.in reelConfig.cmake
                              INSTALL_DESTINATION "${package_dir}"
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(reelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/reelConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/reelConfigVersion.cmake"
        DESTINATION "${package_dir}")

cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}"
           OUTPUT_VARIABLE pc_libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}"
           OUTPUT_VARIABLE pc_includedir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
           BASE_DIRECTORY "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" OUTPUT_VARIABLE pc_prefix)
list(JOIN BLAS_LIBRARIES " " pc_link)
string(STRIP "${pc_link} -lz ${CMAKE_THREAD_LIBS_INIT} -pthread" pc_link)
# A static library alone cannot be linked, so what it needs is not "private" then.
if(reel_type STREQUAL "STATIC_LIBRARY")
  set(pc_libs " ${pc_link}")
  set(pc_libs_private "")
else()
  set(pc_libs "")
  set(pc_libs_private "${pc_link}")
endif()
configure_file(cmake/reel.pc.in reel.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/reel.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
