foreach(case learns resumes samples interrupt errors)
  add_test(NAME example.char_lm.${case}
           COMMAND "${CMAKE_CURRENT_LIST_DIR}/../char_lm_test.sh" $<TARGET_FILE:char_lm> ${case})
endforeach()
