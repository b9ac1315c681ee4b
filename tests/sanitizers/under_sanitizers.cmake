# A build with FASTBAL_SANITIZE: every test's sanitizers end the program with status 99 at the first report, which goes to
# a file; the first test sees that faults are reported, the last that there are no reports.
#
# SPDX-License-Identifier: BSD-3-Clause

# Call it at the end of each folder of tests.
function(under_sanitizers)
    if(NOT FASTBAL_SANITIZE)
        return()
    endif()
    set(options halt_on_error=1:exitcode=99:allocator_may_return_null=1:log_path=${CMAKE_BINARY_DIR}/reports/report)
    # Without detect_stack_use_after_return: gcc 12 puts vectors of 64 bytes on its fake stack unaligned, where AVX-512
    # code fails to load them.
    set(address detect_leaks=1:detect_stack_use_after_return=0:strict_string_checks=1:check_initialization_order=1)
    get_property(tests DIRECTORY PROPERTY TESTS)
    set_property(TEST ${tests} APPEND PROPERTY ENVIRONMENT "ASAN_OPTIONS=${options}:${address}"
        "UBSAN_OPTIONS=${options}:print_stacktrace=1" "TSAN_OPTIONS=${options}:second_deadlock_stack=1"
        "LSAN_OPTIONS=print_suppressions=0:suppressions=${CMAKE_SOURCE_DIR}/tests/sanitizers/leaks.txt")
    set_tests_properties(${tests} PROPERTIES TIMEOUT 1800)
    list(REMOVE_ITEM tests sanitizers/faults_are_reported sanitizers/no_reports)
    set_property(TEST ${tests} APPEND PROPERTY FIXTURES_REQUIRED reports)
endfunction()

if(FASTBAL_SANITIZE)
    set(kinds "")
    foreach(kind address undefined thread)
        if(sanitizers MATCHES ${kind})
            list(APPEND kinds ${kind})
        endif()
    endforeach()
    if(sanitizers MATCHES address)
        list(APPEND kinds leak)
    endif()
    add_executable(sanitizer_faults sanitizers/faults.c)
    target_link_libraries(sanitizer_faults PRIVATE Threads::Threads)
    set(script ${CMAKE_CURRENT_SOURCE_DIR}/sanitizers/reports.sh)
    add_test(NAME sanitizers/faults_are_reported
        COMMAND ${script} begin ${CMAKE_BINARY_DIR}/reports $<TARGET_FILE:sanitizer_faults> ${kinds})
    add_test(NAME sanitizers/no_reports COMMAND ${script} end ${CMAKE_BINARY_DIR}/reports)
    set_tests_properties(sanitizers/faults_are_reported PROPERTIES FIXTURES_SETUP reports)
    set_tests_properties(sanitizers/no_reports PROPERTIES FIXTURES_CLEANUP reports)
endif()
