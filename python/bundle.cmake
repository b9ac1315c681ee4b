# Copy the shared libraries that a program needs to a folder, but for those of the system's C library, which every Linux has.
#
# usage: cmake -DPROGRAM=FILE -DFOLDER=FOLDER -P bundle.cmake
#
# The program's RPATH is $ORIGIN, which serves the libraries as well, so it finds them where they are beside it.
#
# SPDX-License-Identifier: BSD-3-Clause
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${PROGRAM}
  RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing
  PRE_EXCLUDE_REGEXES "^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util))\\.so")
if(missing)
  message(FATAL_ERROR "${PROGRAM}: shared libraries not found: ${missing}")
endif()
foreach(library ${found})
  get_filename_component(name ${library} NAME) # the one that the program asks for
  get_filename_component(file ${library} REALPATH)
  configure_file(${file} ${FOLDER}/${name} COPYONLY)
endforeach()
