// Builds what is to be tested, runs every case, writes test-results/results.json. An argument picks tests by name.
import process from 'node:process'
import { runTests } from './lib/harness.mjs'
import { nullDeviceComplaint } from './lib/null-device.mjs'
import { make, makeLoopback, missing } from './lib/toolchain.mjs'
import { watchers } from './lib/watchers.mjs'
import './cases/unit.mjs'
import './cases/binary.mjs'
import './cases/loading.mjs'
import './cases/connect.mjs'
import './cases/dial-socket.mjs'
import './cases/restart.mjs'
import './cases/restart-sockets.mjs'
import './cases/pending.mjs'
import './cases/reply.mjs'
import './cases/waiting.mjs'
import './cases/first-call.mjs'
import './cases/hot-path.mjs'
import './cases/descriptors.mjs'
import './cases/policy.mjs'
import './cases/datagrams.mjs'
import './cases/fast-open.mjs'
import './cases/syscall.mjs'
import './cases/io-uring.mjs'
import './cases/names.mjs'
import './cases/dial-names.mjs'
import './cases/listeners.mjs'
import './cases/leaks.mjs'
import './cases/bad-input.mjs'
import './cases/exec.mjs'
import './cases/clients.mjs'
import './cases/aarch64.mjs'
import './cases/stress.mjs'

const complaint = nullDeviceComplaint()
if (complaint) throw new Error(complaint)
make('-j2', 'all', 'programs', 'units')
if (!missing.musl) make('-j2', 'programs-musl')
if (!missing.static) make('-j2', 'programs-static')
if (!missing.asan) make('-j2', 'units-asan', 'programs-asan', 'fuzzer')
if (!missing.tsan) make('-j2', 'units-tsan', 'programs-tsan')
if (!missing.aarch64) make('-j2', 'aarch64')
if (!missing.go) makeLoopback()
await runTests(process.argv[2], watchers)
