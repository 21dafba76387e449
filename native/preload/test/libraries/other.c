/* A preloaded library of the program's own. */
int other_library_is_here = 1;
