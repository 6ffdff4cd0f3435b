#Fails if an object file that is compiled with instruction flags of its own defines any symbol that
#the linker may share with the rest of the program(weak or unique) : the program could then run,
#say, an AVX - 512 copy of an inline function on a machine without AVX - 512. Nothing but the kernel
#table may leave such a file.Run as : cmake - DNM = nm "-DOBJECTS=a.o|b.o" - P symbols.cmake
string(REPLACE
       "|"
       ";" OBJECTS
       "${OBJECTS}") set(seen 0) foreach (object IN LISTS OBJECTS) if (NOT object MATCHES
                                                                       "/kernels/") continue()
    endif() math(EXPR seen "${seen} + 1") execute_process(
        COMMAND $ { NM } --defined - only-- extern -
        only-- demangle ${object} OUTPUT_VARIABLE symbols RESULT_VARIABLE
            status) if (status) message(FATAL_ERROR
                                        "${NM} ${object} failed") endif() string(REGEX REPLACE
                                                                                 "\n$"
                                                                                 "" symbols
                                                                                 "${symbols}")
        string(
            REPLACE
            "\n"
            ";" symbols
            "${symbols}") set(tables 0) foreach (symbol IN LISTS
                                                     symbols) if (symbol MATCHES
                                                                  " [RD] sketchrnn::k[A-Za-z0-9]+$")
            math(EXPR tables "${tables} + 1") else() message(SEND_ERROR
                                                             "${object} defines ${symbol}") endif()
                endforeach() if (tables EQUAL 0) message(
                    SEND_ERROR
                    "${object} defines no kernel table: is this test looking at the right file?")
                    endif() message(STATUS "${object}: ${symbols}") endforeach() if (seen EQUAL 0)
                        message(FATAL_ERROR "no kernel object among ${OBJECTS}") endif()
