# tsdb_embed(<file> <output.cc> <function>): a .cc file that defines std::string_view tsdb::web::<function>()
# with the file's bytes; made anew when the file changes.
function(tsdb_embed file output function)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUTPUT=${output}
            -DFUNCTION=${function} -P ${CMAKE_SOURCE_DIR}/cmake/EmbedFile.cmake
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${CMAKE_SOURCE_DIR}/cmake/EmbedFile.cmake
    VERBATIM)
endfunction()
