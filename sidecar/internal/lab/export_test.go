package lab

// Abort is for the tests.
var Abort = abort
