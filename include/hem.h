/* SPDX-License-Identifier: MIT */
/*
 * hem: structured concurrency for C.
 *
 * This header includes all others and teaches what they have in common. Each
 * concept has a header of its own, which is its specification.
 *
 *   run.h       start a loop, run a task in it, end everything      hem_run
 *   task.h      coroutines that may suspend anywhere                hem_spawn, hem_await
 *   failure.h   why something failed, and groups of errors          hem_fail
 *   var.h       variables that children inherit                     hem_var_get
 *   future.h    a result that somebody will provide                 hem_future_wait
 *   scope.h     blocks that no task outlives                        hem_scope_open
 *   timeout.h   deadlines for a block of code                       hem_timeout_open
 *   gather.h    several calls at once                               hem_gather
 *   map.h       a function for each of many items                   hem_map
 *   cancel.h    cancelling and waiting, shields, wait_for           hem_cancel_and_wait
 *   lock.h, event.h, condition.h, semaphore.h, barrier.h
 *               tasks that wait for each other                      hem_lock_acquire
 *   queue.h     what tasks hand to each other                       hem_queue_get
 *   gen.h       functions that give values one by one               hem_gen_next
 *   actx.h, exit_stack.h
 *               what is set up before a block and torn down after   hem_actx_open
 *   defer.h     calls for the end of a block                        hem_defer
 *   timer.h     functions called again and again                    hem_timer_start
 *   cache.h     what a function returned, kept                      hem_cache_get
 *   clock.h     monotonic and virtual time                          hem_now
 *   loop.h      callbacks, posts from other threads                 hem_post
 *   signal.h    waiting for signals, callbacks for them             hem_signal_wait
 *   thread.h    blocking C functions                                hem_thread_call
 *   from_thread.h
 *               tasks, called from other threads               hem_call_from_thread
 *   address.h   socket addresses                                    hem_address_parse
 *   resolve.h   names of hosts                                      hem_resolve
 *   stream.h    bytes in both directions                            hem_stream_read
 *   pipe.h      pipes, standard input and output, pairs in memory   hem_pipe
 *   transport.h streams of your own, over others                hem_stream_push
 *   connect.h   clients                                             hem_connect
 *   listen.h    where connections are waited for                    hem_listen
 *   serve.h     a task for each connection                          hem_serve
 *   proxy.h     for whom a load balancer has connected              hem_stream_read_proxy
 *   tls.h       TLS, in a library of its own; not included here     hem_tls_connect
 *   datagram.h  UDP and Unix datagrams                              hem_datagram_open
 *   fd.h        any descriptor, callbacks for other libraries       hem_fd_wait
 *   sock.h      calls on sockets of your own                        hem_sock_recv
 *   file.h      files                                               hem_file_read
 *   file_reader.h
 *               their lines                               hem_file_reader_read_line
 *   path.h      names of files, directories                         hem_dir_next
 *   child.h     forked processes                                    hem_fork
 *   subprocess.h
 *               other programs                                      hem_subprocess_run
 *   prefork.h   services of many processes                          hem_prefork
 *   worker.h    a worker of a service, from inside             hem_worker_wait
 *   daemon.h    pid files, other users, CPUs                hem_pid_file_create
 *   notify.h    telling systemd                                      hem_notify
 *   error.h, alloc.h, log.h, base.h                                 the ground floor
 *
 * A whole program:
 *
 *     static int tick(void *arg)
 *     {
 *         for (int i = 0; i < 3; i++) {
 *             puts(arg);
 *             HEM_TRY(hem_sleep(100 * HEM_MSEC));
 *         }
 *         return 0;
 *     }
 *
 *     static int main_task(void *arg)
 *     {
 *         (void)arg;
 *         HEM_SCOPE(s, .timeout = HEM_SEC);
 *         HEM_TRY(hem_scope_spawn(&s, NULL, tick, "tick"));
 *         HEM_TRY(hem_scope_spawn(&s, NULL, tick, "tock"));
 *         return hem_scope_close(&s, 0);
 *     }
 *
 *     int main(void) { return hem_run(main_task, NULL, NULL) < 0; }
 *
 * Results. A call that can fail returns `int` or `ssize_t`: zero or a count,
 * else a negative error: a negated errno (HEM_ECANCELED == -ECANCELED) or one
 * of hem's own (error.h). `errno` is never the channel. HEM_TRY() passes an
 * error on to the caller. What depends on run-time state returns an error and
 * changes nothing; what can only be a mistake in the program's text (a call
 * that suspends, made outside of any loop; a scope closed by a task that does
 * not own it) aborts with one line that names the function, the rule and the
 * task.
 *
 * Suspension. The comment of each function carries marks:
 *
 *   [suspends]       may give way to other tasks. Everything that another task
 *                    can change may have changed when it returns.
 *   [cancel point]   returns HEM_ECANCELED when the task is cancelled while it
 *                    waits here. All functions that suspend are cancel points.
 *   [loop thread]    to be called on a thread that runs a loop, from a task or
 *                    a callback; needs a task where it suspends.
 *   [any thread]     from anywhere, also where no loop runs.
 *
 * A function without [suspends] never gives way.
 *
 * Lifetime. Arguments are borrowed until the call returns, or, for the
 * argument of a task, until the task has ended: since scopes join their tasks,
 * a parent's local variables may be its children's arguments and results.
 * Objects whose struct is visible are the caller's own storage; their members
 * are private and they must not be moved or copied while in use. Opaque ones
 * are hem's. close(NULL) and destroy(NULL) do nothing. Opening a stream, a
 * listener, a datagram endpoint or a file gives its struct a value, whatever was
 * in it: close one that is open before, or its descriptor and memory are lost.
 * Out-parameters are called `ret` and are untouched on failure.
 *
 * Options are one struct for each call, written with designated initialisers:
 * zero means the default of each member, NULL means all defaults.
 *
 * Time is hem_ns, nanoseconds: 250 * HEM_MSEC. Time limits are scopes and
 * hem_timeout, not arguments.
 *
 * Threads. One loop for each thread; a task never moves to another.
 *
 * Fork. After a fork the child has no loop. What it inherits of hem's streams,
 * listeners, signals and children is closed, and calls on them return
 * HEM_EBADF. hem_fork() starts a child properly. Every descriptor that hem
 * opens is close-on-exec.
 *
 * Allocation goes through alloc.h and may fail anywhere: the caller gets
 * HEM_ENOMEM and nothing has changed. Cancelling and closing never allocate.
 */
#ifndef HEM_H
#define HEM_H

#include "hem/actx.h"
#include "hem/address.h"
#include "hem/alloc.h"
#include "hem/barrier.h"
#include "hem/base.h"
#include "hem/cache.h"
#include "hem/cancel.h"
#include "hem/child.h"
#include "hem/clock.h"
#include "hem/condition.h"
#include "hem/connect.h"
#include "hem/daemon.h"
#include "hem/datagram.h"
#include "hem/defer.h"
#include "hem/error.h"
#include "hem/event.h"
#include "hem/exit_stack.h"
#include "hem/failure.h"
#include "hem/fd.h"
#include "hem/file.h"
#include "hem/file_reader.h"
#include "hem/from_thread.h"
#include "hem/future.h"
#include "hem/gather.h"
#include "hem/gen.h"
#include "hem/listen.h"
#include "hem/lock.h"
#include "hem/log.h"
#include "hem/loop.h"
#include "hem/map.h"
#include "hem/notify.h"
#include "hem/path.h"
#include "hem/pipe.h"
#include "hem/prefork.h"
#include "hem/proxy.h"
#include "hem/queue.h"
#include "hem/resolve.h"
#include "hem/run.h"
#include "hem/scope.h"
#include "hem/semaphore.h"
#include "hem/serve.h"
#include "hem/signal.h"
#include "hem/sock.h"
#include "hem/stream.h"
#include "hem/subprocess.h"
#include "hem/task.h"
#include "hem/thread.h"
#include "hem/timeout.h"
#include "hem/timer.h"
#include "hem/transport.h"
#include "hem/var.h"
#include "hem/worker.h"

#endif
